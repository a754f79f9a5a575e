package milena;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Collection;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/** Ports for listeners, out of the range that the suite was given. */
final class Ports {
    private static final Random RANDOM = new Random();
    /** Ports of programs that are not at their end, be they running or not. */
    private static final Set<Integer> GIVEN = new HashSet<>();

    private Ports() { }

    static synchronized int take() {
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

    static synchronized void giveBack(Collection<Integer> ports) {
        GIVEN.removeAll(ports);
    }
}
