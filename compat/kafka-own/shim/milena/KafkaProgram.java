package milena;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The control: a node of Kafka, in a JVM of its own, as a program behind the shim. */
final class KafkaProgram extends Program {
    KafkaProgram(int id, Path dir) {
        super(id, dir);
    }

    @Override
    protected List<String> command() throws IOException {
        Path file = dir.resolve("server.properties");
        try (var out = Files.newOutputStream(file)) {
            Settings.forKafka(settings).store(out, null);
        }
        // Without the shim, which comes first.
        String classes = Stream.of(System.getProperty("java.class.path").split(":")).skip(1).collect(Collectors.joining(":"));
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
        if (System.getProperty("java.security.auth.login.config") != null)
            command.add("-Djava.security.auth.login.config=" + System.getProperty("java.security.auth.login.config"));
        command.addAll(List.of("-cp", classes, "kafka.Kafka", file.toString()));
        return command;
    }
}
