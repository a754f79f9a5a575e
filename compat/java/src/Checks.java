import java.io.PrintWriter;
import java.io.StringWriter;

/**
 * Runs checks one after the other and prints a line for each to standard output, as compat/lib reads them:
 * {@code ok name} and {@code FAIL name: why}. Stack traces and times go to standard error.
 */
final class Checks {
    interface Body {
        void run() throws Exception;
    }

    private int failed = 0;

    void check(String name, Body body) {
        long start = System.nanoTime();
        String why = null;
        try {
            body.run();
        } catch (Throwable t) {
            why = summary(t);
            StringWriter trace = new StringWriter();
            t.printStackTrace(new PrintWriter(trace));
            System.err.println("check " + name + ":\n" + trace);
        }
        if (why == null) {
            System.out.println("ok " + name);
        } else {
            failed++;
            System.out.println("FAIL " + name + ": " + why);
        }
        System.out.flush();
        System.err.println("check " + name + " took " + (System.nanoTime() - start) / 1_000_000 + " ms");
    }

    int exitStatus() {
        return failed == 0 ? 0 : 1;
    }

    static void require(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError(what);
        }
    }

    static void requireEquals(Object expected, Object actual, String what) {
        if (expected == null ? actual != null : !expected.equals(actual)) {
            throw new AssertionError(what + ": expected " + expected + ", got " + actual);
        }
    }

    /** Requires that the body fails with the given error, itself or as the cause. */
    static void requireError(Class<? extends Throwable> expected, Body body) {
        try {
            body.run();
        } catch (Throwable t) {
            for (Throwable cause = t; cause != null; cause = cause.getCause()) {
                if (expected.isInstance(cause)) {
                    return;
                }
            }
            throw new AssertionError("expected " + expected.getSimpleName() + ", got " + summary(t), t);
        }
        throw new AssertionError("expected " + expected.getSimpleName() + ", but it succeeded");
    }

    private static String summary(Throwable t) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = t; cause != null; cause = cause.getCause()) {
            text.append(text.length() == 0 ? "" : " <- ").append(cause.getClass().getSimpleName());
            if (cause.getMessage() != null) {
                text.append(": ").append(cause.getMessage().replaceAll("\\s+", " "));
            }
            if (text.length() > 600) {
                break;
            }
        }
        return text.toString();
    }
}
