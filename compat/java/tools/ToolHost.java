import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs the main methods of Kafka's command line tools one after the other, so that only the first pays for the start of
 * a JVM. Usage: ToolHost JAR... with the jars of the tools, which must not be on the class path: each run loads them
 * anew, because some tools keep counters in static fields.
 *
 * <p>Requests on standard input, a line each: words in base64, separated by blanks: the class, the tool's standard
 * input, its arguments. The answer: a line "RESULT exit-status out-length err-length", then both outputs.
 */
public final class ToolHost {
    /** Thrown where the tool would end the JVM; an Error, for few tools catch those. */
    private static final class Exited extends Error {
        private static final long serialVersionUID = 1;

        Exited(int status) {
            super("exit " + status, null, false, false);
        }
    }

    /** Passes on to whatever the run in progress captures. Tools and logging may keep it. */
    private static final class Switch extends OutputStream {
        private volatile ByteArrayOutputStream target = new ByteArrayOutputStream();

        @Override
        public void write(int b) {
            target.write(b);
        }

        @Override
        public void write(byte[] b, int offset, int length) {
            target.write(b, offset, length);
        }
    }

    private static final List<Runnable> hooks = new ArrayList<>();
    private static volatile Integer status;

    public static void main(String[] args) throws Exception {
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream answers = System.out;
        Switch out = new Switch();
        Switch err = new Switch();
        System.setOut(new PrintStream(out, true));
        System.setErr(new PrintStream(err, true));
        Exit.setExitProcedure((code, message) -> exit(code));
        Exit.setHaltProcedure((code, message) -> exit(code));
        Exit.setShutdownHookAdder((name, hook) -> {
            synchronized (hooks) {
                hooks.add(hook);
            }
        });
        URL[] jars = new URL[args.length];
        for (int i = 0; i < args.length; i++) {
            jars[i] = new File(args[i]).toURI().toURL();
        }
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            List<byte[]> words = new ArrayList<>();
            for (String word : line.split(" ", -1)) {
                words.add(Base64.getDecoder().decode(word));
            }
            out.target = new ByteArrayOutputStream();
            err.target = new ByteArrayOutputStream();
            InputStream input = new ByteArrayInputStream(words.get(1));
            String[] arguments = words.stream().skip(2).map(ToolHost::text).toArray(String[]::new);
            int code = run(jars, text(words.get(0)), input, arguments);
            byte[] outBytes = out.target.toByteArray();
            byte[] errBytes = err.target.toByteArray();
            answers.print("RESULT " + code + " " + outBytes.length + " " + errBytes.length + "\n");
            answers.write(outBytes);
            answers.write(errBytes);
            answers.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static void exit(int code) {
        if (status == null) {
            status = code;
        }
        throw new Exited(code);
    }

    private static int run(URL[] jars, String tool, InputStream input, String[] arguments) {
        status = null;
        System.setIn(input);
        try (URLClassLoader loader = new URLClassLoader(jars, ToolHost.class.getClassLoader())) {
            Thread.currentThread().setContextClassLoader(loader);
            loader.loadClass(tool).getMethod("main", String[].class).invoke(null, (Object) arguments);
            runHooks();
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exited) {
                runHooks();
            } else {
                e.getCause().printStackTrace();
                status = 1;
            }
        } catch (Exception e) {
            e.printStackTrace();
            status = 1;
        } finally {
            Thread.currentThread().setContextClassLoader(ToolHost.class.getClassLoader());
        }
        return status == null ? 0 : status;
    }

    /** What the tool left to do at the end of the JVM: it closes its client there. */
    private static void runHooks() {
        List<Runnable> atExit;
        synchronized (hooks) {
            atExit = new ArrayList<>(hooks);
            hooks.clear();
        }
        atExit.forEach(Runnable::run);
    }
}
