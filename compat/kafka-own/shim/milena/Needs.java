package milena;

/**
 * Thrown where a test wants what a program outside the test's own JVM does not have; it ends the test as skipped. An
 * Error, so that no retry loop of the tests swallows it. The message begins with the kind, as in ledger.txt.
 */
public final class Needs extends Error {
    private static final long serialVersionUID = 1;

    private Needs(String kind, String what) {
        super(kind + ": " + what);
    }

    /** An object of Kafka's own process, which nothing outside can stand in for. */
    public static Needs inside(String what) {
        return new Needs("inside", what);
    }

    public static Needs controllers(int count) {
        return new Needs("controllers", count + " controllers");
    }

    /** A controller in a process of its own. */
    public static Needs controllerApart(String why) {
        return new Needs("controller", why);
    }

    /** A class that the broker would load. */
    public static Needs plugin(String setting) {
        return new Needs("plugin", setting);
    }

    /** A feature or an API that the broker does not offer. */
    public static Needs feature(String what) {
        return new Needs("feature", what);
    }
}
