package milena;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** One node: its settings, its folder, its process. It keeps its ports and its folder over stop and start. */
public class Program {
    private static final long START_MS = 60_000;
    private static final long STOP_S = 30;
    private static final int ESTABLISHED = 1;

    public final int id;
    public final Map<String, String> settings = new TreeMap<>();
    /** By listener name, in capitals. */
    public final Map<String, Integer> ports = new LinkedHashMap<>();
    public final Path dir;
    /** What ApiVersions offers: key to highest version. */
    public Map<Short, Short> apis = Map.of();
    /** How its directories are formatted before its first start. */
    public Format format;
    /** The listener without TLS and SASL, by which the shim speaks with the node. */
    private String plain;
    /** Where it says its metrics; 0: nowhere. */
    private int http;
    private volatile Process process;

    protected Program(int id, Path dir) {
        this.id = id;
        this.dir = dir;
    }

    /** Milena, or Kafka as the control. */
    public static Program of(int id, Path dir) {
        return System.getProperty("milena.binary").isEmpty() ? new KafkaProgram(id, dir) : new Program(id, dir);
    }

    /** Gives each listener that names port 0 a port, and notes all. */
    public void listen(String listeners, String plainListener) {
        plain = plainListener;
        List<String> all = new ArrayList<>();
        for (String listener : listeners.split(",")) {
            String name = listener.strip().substring(0, listener.strip().indexOf("://"));
            String place = listener.strip().substring(name.length() + 3);
            int colon = place.lastIndexOf(':');
            int port = Integer.parseInt(place.substring(colon + 1));
            if (port == 0) port = Ports.take();
            ports.put(name.toUpperCase(Locale.ROOT), port);
            all.add(name + "://" + place.substring(0, colon) + ":" + port);
        }
        settings.put("listeners", String.join(",", all));
        if (http == 0) http = Ports.take();
        settings.put("milena.http.listeners", "127.0.0.1:" + http);
        List<String> controllers = List.of(settings.getOrDefault("controller.listener.names", "CONTROLLER").split(","));
        all.removeIf(listener -> controllers.contains(listener.substring(0, listener.indexOf("://"))));
        settings.remove("advertised.listeners");
        if (!all.isEmpty()) settings.put("advertised.listeners", String.join(",", all));
    }

    public int port(String listener) {
        Integer port = ports.get(listener.toUpperCase(Locale.ROOT));
        if (port == null) throw Needs.inside("a listener named " + listener);
        return port;
    }

    /** Where it can be asked without TLS and SASL. */
    public int plainPort() {
        return port(plain);
    }

    /** Of Kafka there is no such page. */
    int httpPort() {
        if (System.getProperty("milena.binary").isEmpty()) throw Needs.inside("its metrics registry");
        return http;
    }

    public String address() {
        return "localhost:" + plainPort();
    }

    public boolean isController() {
        return settings.get("process.roles").contains("controller");
    }

    public List<Path> logDirs() {
        return List.of(settings.get("log.dirs").split(",")).stream().map(dir -> Path.of(dir).toAbsolutePath()).toList();
    }

    public boolean running() {
        Process current = process;
        return current != null && current.isAlive();
    }

    public boolean wasStarted() {
        return !apis.isEmpty();
    }

    /** The connections that are open at its listeners, as the system knows them. */
    public int connections() throws IOException {
        int count = 0;
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6"))
            for (String line : Files.readAllLines(Path.of(table)).stream().skip(1).toList()) {
                String[] words = line.strip().split("\\s+");
                int port = Integer.parseInt(words[1].substring(words[1].lastIndexOf(':') + 1), 16);
                if (ports.containsValue(port) && Integer.parseInt(words[3], 16) == ESTABLISHED) ++count;
            }
        return count;
    }

    protected List<String> command() throws IOException {
        List<String> command = new ArrayList<>(List.of(System.getProperty("milena.binary")));
        Settings.forMilena(settings).forEach((key, value) -> command.addAll(List.of("--override", key + "=" + value)));
        return command;
    }

    public synchronized void start() {
        if (running()) return;
        File log = new File(System.getProperty("milena.logs"), "broker.log");
        try {
            Files.createDirectories(dir);
            if (format != null) format.run(this);
            format = null;
            List<String> command = command();
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
                return askApis(plainPort());
            } catch (IOException notYet) {
                if (!process.isAlive())
                    throw new IllegalStateException("node " + id + " ended with " + process.exitValue() + ": " + tail(log));
                if (System.currentTimeMillis() >= end) throw new IllegalStateException("node " + id + " does not answer");
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

    /** Stops it as an operator would. */
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

    /** Stops it for good: nobody looks at its directories any more. */
    public synchronized void end() {
        Process ending = process;
        process = null;
        if (ending != null) {
            ending.destroyForcibly();
            try {
                ending.waitFor();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        Ports.giveBack(ports.values());
        Ports.giveBack(List.of(http));
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
