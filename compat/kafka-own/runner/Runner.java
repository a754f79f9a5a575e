import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

import org.junit.platform.engine.FilterResult;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.PostDiscoveryFilter;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runner FOLDER METHOD-REGEX CLASS...: runs test classes one after the other, each with a folder of its own in FOLDER for
 * stack traces and logs. Standard output is for the suite: "class NAME", then a line per test, its fields separated by
 * tabs (outcome, milliseconds, squeezed or full, test, why), then "end NAME".
 */
public final class Runner implements TestExecutionListener {
    /** The message with which the shim leaves out a test that it runs in another form. */
    private static final String TWIN = "twin";
    /** What a display name says about each and every test here. */
    private static final Pattern NOISE = Pattern.compile(",? ?(MetadataVersion=4\\.\\d-IV\\d"
        + "|(Broker|Controller)SecurityProtocol=PLAINTEXT|(Broker|Controller)ListenerName=ListenerName\\([A-Z]*\\))");

    /** What a client says of a broker that does not offer them. */
    private static final Pattern GROUPS = Pattern.compile("(?i)does not support the (share|streams) group");
    private static final Pattern CLIENTS =
        Pattern.compile("kafka-(admin-client-thread|producer-network-thread|coordinator-heartbeat-thread)");

    private static final PrintStream OUT = System.out;

    private final Map<TestIdentifier, Long> began = new ConcurrentHashMap<>();
    private final PrintWriter traces;
    private boolean anyEnded;

    private Runner(PrintWriter traces) {
        this.traces = traces;
    }

    public static void main(String[] arguments) throws IOException {
        // Whatever the tests print goes to standard error.
        System.setOut(System.err);
        Pattern methods = Pattern.compile(arguments[1]);
        // After a class that left clients behind, the suite goes on in a new JVM: the next class would be blamed.
        for (int i = 2; i < arguments.length && !clientsLeft(); ++i)
            run(Path.of(arguments[0]), methods, arguments[i]);
        // Tests leave threads behind.
        Runtime.getRuntime().halt(0);
    }

    private static boolean clientsLeft() {
        return Thread.getAllStackTraces().keySet().stream().anyMatch(thread -> CLIENTS.matcher(thread.getName()).find());
    }

    private static void run(Path folder, Pattern methods, String testClass) throws IOException {
        OUT.println("class " + testClass);
        Path own = Files.createDirectories(folder.resolve(testClass.replace("org.apache.kafka.", "")));
        System.setProperty("milena.logs", own.toString());
        PostDiscoveryFilter wanted = test -> FilterResult.includedIf(test.getSource()
            .filter(MethodSource.class::isInstance)
            .map(source -> methods.matcher(((MethodSource) source).getMethodName()).find())
            .orElse(true));
        var request = LauncherDiscoveryRequestBuilder.request()
            .selectors(DiscoverySelectors.selectClass(testClass)).filters(wanted).build();
        try (PrintWriter traces = new PrintWriter(Files.newBufferedWriter(own.resolve("traces.txt")), true)) {
            LauncherFactory.create().execute(request, new Runner(traces));
        }
        OUT.println("end " + testClass);
    }

    @Override
    public void executionStarted(TestIdentifier test) {
        began.put(test, System.nanoTime());
        if (test.isTest()) System.err.println("=== " + name(test));
    }

    @Override
    public void executionSkipped(TestIdentifier test, String why) {
        say("skip", test, why);
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (result.getStatus() == Status.SUCCESSFUL) {
            if (test.isTest()) say("pass", test, "");
            return;
        }
        Throwable error = result.getThrowable().orElse(null);
        String need = need(error);
        if (TWIN.equals(need)) return;
        // A test that the shim ended did not close its clients.
        if (!test.isTest() && anyEnded && String.valueOf(error).contains("unexpected threads")) return;
        anyEnded |= need != null;
        say(need != null || result.getStatus() == Status.ABORTED ? "skip" : "fail", test, need != null ? need : summary(error));
        traces.println("=== " + name(test));
        if (error != null) error.printStackTrace(traces);
    }

    private void say(String outcome, TestIdentifier test, String why) {
        long took = (System.nanoTime() - began.getOrDefault(test, System.nanoTime())) / 1_000_000;
        String squeezed = Boolean.getBoolean("milena.squeezed") ? "squeezed" : "full";
        OUT.println(String.join("\t", outcome, Long.toString(took), squeezed, name(test), why.replaceAll("\\s+", " ")));
        OUT.flush();
    }

    /** method, or method{display name}; a class that fails outside its methods is "(class)". */
    private static String name(TestIdentifier test) {
        String method = test.getSource().filter(MethodSource.class::isInstance)
            .map(source -> ((MethodSource) source).getMethodName()).orElse("");
        if (method.isEmpty()) return "(class)";
        String display = NOISE.matcher(test.getDisplayName()).replaceAll("").replace("Type=Raft-", "")
            .replaceAll("\\s+", " ").replace(method + " ", "").replace("()", "").strip().replaceAll(",$", "");
        return display.isEmpty() || display.equals(method) ? method : method + "{" + display + "}";
    }

    /** What the test wants and an external broker has not: the message of the shim's own error, however deep it is. */
    private static String need(Throwable error) {
        Set<Throwable> seen = new HashSet<>();
        ArrayDeque<Throwable> open = new ArrayDeque<>();
        for (Throwable next = error; next != null; next = open.poll()) {
            if (!seen.add(next)) continue;
            String type = next.getClass().getName();
            if (type.equals("milena.Needs") || type.equals("org.opentest4j.TestAbortedException")) return next.getMessage();
            if (type.endsWith(".UnsupportedVersionException") && GROUPS.matcher(String.valueOf(next.getMessage())).find())
                return "feature: share groups or streams groups";
            // A method that the shim's class of that name does not have.
            if (type.equals("java.lang.NoSuchMethodError") && next.getMessage().contains("kafka.server.ControllerServer"))
                return "inside: " + next.getMessage();
            // The tests of another release, or jars that Kafka's build has and Maven does not bring.
            if (next instanceof NoClassDefFoundError || next instanceof NoSuchMethodError)
                return "kafka: not there: " + next.getMessage();
            if (next.getCause() != null) open.add(next.getCause());
            open.addAll(java.util.List.of(next.getSuppressed()));
        }
        return null;
    }

    private static String summary(Throwable error) {
        if (error == null) return "";
        String text = error + (error.getCause() == null ? "" : " <- " + error.getCause());
        String at = "";
        for (StackTraceElement frame : error.getStackTrace())
            if (frame.getClassName().matches("(?!org\\.junit).*(Test|TestBase|Harness)(\\$.*)?")) {
                at = " at " + frame.getFileName() + ":" + frame.getLineNumber();
                break;
            }
        return (text.length() > 400 ? text.substring(0, 400) + "..." : text) + at;
    }
}
