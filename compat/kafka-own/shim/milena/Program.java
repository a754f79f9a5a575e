package milena;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.MetadataVersion;

/** One broker program: its settings, its folder, its process. It keeps its ports and its folder over stop and start. */
public class Program {
    private static final long START_MS = 40_000;
    private static final long STOP_S = 15;
    private static final Random RANDOM = new Random();
    /** Ports of programs that are not at their end, be they running or not. */
    private static final Set<Integer> GIVEN = new HashSet<>();

    public final int id;
    public final Map<String, String> settings = new TreeMap<>();
    /** By listener name, in capitals. */
    public final Map<String, Integer> ports = new LinkedHashMap<>();
    public final Path dir;
    /** What ApiVersions offers: key to highest version. */
    public Map<Short, Short> apis = Map.of();
    /** Levels of features that its directories are formatted with before its first start; without any it formats them. */
    protected Map<String, Short> levels = Map.of();
    /** Runs before a test, and not the end of it, stops this broker. */
    public Runnable beforeShutdown = () -> { };
    private volatile Process process;

    public Program(int id, Path dir) {
        this.id = id;
        this.dir = dir;
    }

    /** Has the directories formatted by Kafka's own StorageTool, as it were, with levels other than the newest released. */
    public void formatWith(Map<String, Short> wanted) {
        Map<String, Short> others = new TreeMap<>(wanted);
        // Tests that name none are run by Kafka with what is not released yet.
        for (MetadataVersion version : List.of(MetadataVersion.latestProduction(), MetadataVersion.latestTesting()))
            if (others.remove(MetadataVersion.FEATURE_NAME, version.featureLevel()))
                for (Feature feature : Feature.FEATURES) others.remove(feature.featureName(), feature.defaultLevel(version));
        levels = others;
    }

    private void format() {
        Map<String, Short> features = new TreeMap<>(levels);
        Short version = features.remove(MetadataVersion.FEATURE_NAME);
        Formatter formatter = new Formatter().setNodeId(id).setClusterId(Uuid.randomUuid().toString())
            .setDirectories(logDirs().stream().map(Path::toString).toList())
            .setReleaseVersion(version == null ? MetadataVersion.latestProduction() : MetadataVersion.fromFeatureLevel(version))
            .setControllerListenerName(settings.get("controller.listener.names"))
            .setMetadataLogDirectory(logDirs().get(0).toString()).setIgnoreFormatted(true)
            .setPrintStream(new PrintStream(OutputStream.nullOutputStream()));
        features.forEach(formatter::setFeatureLevel);
        try {
            formatter.run();
        } catch (Exception error) {
            throw Needs.feature(levels + ": " + error.getMessage());
        }
        levels = Map.of();
    }

    /** Milena, or Kafka's own broker as the control. */
    public static Program of(int id, Path dir) {
        return System.getProperty("milena.binary").isEmpty() ? new JvmProgram(id, dir) : new Program(id, dir);
    }

    private static synchronized int freePort() {
        String[] range = System.getProperty("milena.ports").split("-");
        int first = Integer.parseInt(range[0]);
        int count = Integer.parseInt(range[1]) - first + 1;
        for (int i = 0; i < 1000; ++i) {
            int port = first + RANDOM.nextInt(count);
            if (!GIVEN.add(port)) continue;
            try (ServerSocket probe = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
                return probe.getLocalPort();
            } catch (IOException taken) {
                continue;
            }
        }
        throw new IllegalStateException("no free port");
    }

    private static void giveBack(Collection<Integer> ports) {
        synchronized (Program.class) {
            GIVEN.removeAll(ports);
        }
    }

    /** Gives each listener that names port 0 a port, and notes all. */
    public void listen(String listeners) {
        List<String> all = new ArrayList<>();
        for (String listener : listeners.split(",")) {
            String name = listener.strip().substring(0, listener.strip().indexOf("://"));
            String place = listener.strip().substring(name.length() + 3);
            int colon = place.lastIndexOf(':');
            int port = Integer.parseInt(place.substring(colon + 1));
            if (port == 0) port = freePort();
            ports.put(name.toUpperCase(java.util.Locale.ROOT), port);
            all.add(name + "://" + place.substring(0, colon) + ":" + port);
        }
        settings.put("listeners", String.join(",", all));
        List<String> controllers = List.of(settings.getOrDefault("controller.listener.names", "CONTROLLER").split(","));
        all.removeIf(listener -> controllers.contains(listener.substring(0, listener.indexOf("://"))));
        settings.put("advertised.listeners", String.join(",", all));
    }

    public int port(String listener) {
        Integer port = ports.get(listener.toUpperCase(java.util.Locale.ROOT));
        if (port == null) throw Needs.inside("a listener named " + listener);
        return port;
    }

    /** The id by which the broker knows itself. */
    public int brokerId() {
        return id;
    }

    /** The address of the listener that clients use. */
    public String address() {
        return "localhost:" + ports.values().iterator().next();
    }

    public List<Path> logDirs() {
        return List.of(settings.get("log.dirs").split(",")).stream().map(dir -> Path.of(dir).toAbsolutePath()).toList();
    }

    public boolean running() {
        Process current = process;
        return current != null && current.isAlive();
    }

    /** The connections that are open at its listeners, as the system knows them. */
    public int connections() throws IOException {
        final int established = 1;
        int count = 0;
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6"))
            for (String line : Files.readAllLines(Path.of(table)).stream().skip(1).toList()) {
                String[] words = line.strip().split("\\s+");
                int port = Integer.parseInt(words[1].substring(words[1].lastIndexOf(':') + 1), 16);
                if (ports.containsValue(port) && Integer.parseInt(words[3], 16) == established) ++count;
            }
        return count;
    }

    public synchronized void start() {
        if (running()) return;
        List<String> command = new ArrayList<>(List.of(System.getProperty("milena.binary")));
        settings.forEach((key, value) -> command.addAll(List.of("--override", key + "=" + value)));
        File log = new File(System.getProperty("milena.logs"), "broker.log");
        try {
            Files.createDirectories(dir);
            if (!levels.isEmpty()) format();
            Files.writeString(log.toPath(), "### " + String.join(" ", command) + "\n",
                StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            process = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log)).start();
            process.getOutputStream().close();
            apis = waitForApis(log);
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private Map<Short, Short> waitForApis(File log) throws IOException, InterruptedException {
        long end = System.currentTimeMillis() + START_MS;
        while (true) {
            try {
                return askApis(ports.values().iterator().next());
            } catch (IOException notYet) {
                if (!process.isAlive())
                    throw new IllegalStateException("the broker ended with " + process.exitValue() + ": " + tail(log));
                if (System.currentTimeMillis() >= end) throw new IllegalStateException("the broker does not answer");
                Thread.sleep(5);
            }
        }
    }

    private static String tail(File log) throws IOException {
        List<String> lines = Files.readAllLines(log.toPath());
        return String.join(" | ", lines.subList(Math.max(0, lines.size() - 3), lines.size()));
    }

    /** ApiVersions version 0, by hand. */
    private static Map<Short, Short> askApis(int port) throws IOException {
        try (Socket socket = new Socket("localhost", port)) {
            socket.setSoTimeout(3000);
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            out.writeInt(10);
            out.writeShort(18);
            out.writeShort(0);
            out.writeInt(1);
            out.writeShort(-1);
            out.flush();
            DataInputStream in = new DataInputStream(socket.getInputStream());
            in.readInt();
            in.readInt();
            in.readShort();
            Map<Short, Short> offered = new TreeMap<>();
            for (int count = in.readInt(); count > 0; --count) {
                short key = in.readShort();
                in.readShort();
                offered.put(key, in.readShort());
            }
            return offered;
        }
    }

    public synchronized void stop() {
        Process ending = process;
        if (ending == null) return;
        process = null;
        ending.destroy();
        try {
            if (!ending.waitFor(STOP_S, TimeUnit.SECONDS)) ending.destroyForcibly().waitFor();
        } catch (InterruptedException interrupted) {
            ending.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Stops it for good. */
    public void end() {
        stop();
        giveBack(ports.values());
    }

    public static void remove(Path dir) {
        if (!Files.exists(dir)) return;
        try (var all = Files.walk(dir)) {
            all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException leftBehind) {
            // The suite's working directory goes at the end.
            return;
        }
    }
}
