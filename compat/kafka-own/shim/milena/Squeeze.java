package milena;

import java.util.List;

/** How many brokers the running test asks for, and how many it has: with fewer, it gets as many replicas as there are. */
public final class Squeeze {
    private static volatile int asked = 1;
    private static volatile int have = 1;

    private Squeeze() { }

    public static void set(int brokersAsked, int brokersThere) {
        asked = brokersAsked;
        have = brokersThere;
        // Read by Runner, which is not on the same class path.
        System.setProperty("milena.squeezed", Boolean.toString(on()));
    }

    public static boolean on() {
        return have < asked;
    }

    /** True for a broker that the test may expect, although it is not there. */
    public static boolean promised(int broker) {
        return on() && broker >= have && broker < asked;
    }

    public static short replicas(short wanted) {
        return on() && wanted > have && wanted <= asked ? (short) have : wanted;
    }

    /** Replicas listed by hand: those that are there, or the first broker. */
    public static List<Integer> assignment(List<Integer> brokers) {
        if (brokers.stream().noneMatch(Squeeze::promised)) return brokers;
        List<Integer> there = brokers.stream().filter(broker -> !promised(broker)).toList();
        return there.isEmpty() ? List.of(0) : there;
    }
}
