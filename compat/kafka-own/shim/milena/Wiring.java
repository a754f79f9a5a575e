package milena;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The listeners of a node. Brokers and the controller speak PLAINTEXT with each other, and so does the shim with each node:
 * where the test's own listeners are others, there is one more, and whoever comes that way is a super user.
 */
public final class Wiring {
    /** Listeners that are there for the shim and for other nodes. */
    private static final String BROKER = "SHIM";
    private static final String CONTROLLER = "SHIMCONTROLLER";
    private static final String PLAINTEXT = "PLAINTEXT";

    private final Program node;
    private final Map<String, String> protocols = new LinkedHashMap<>();
    private final List<String> controllerNames = new ArrayList<>();

    private Wiring(Program node) {
        this.node = node;
        for (String pair : node.settings.getOrDefault("listener.security.protocol.map", "").split(",")) {
            String[] both = pair.strip().split(":");
            if (both.length == 2) protocols.put(both[0], both[1]);
        }
        for (String name : node.settings.getOrDefault("controller.listener.names", "CONTROLLER").split(","))
            controllerNames.add(name.strip());
        for (String name : controllerNames) protocols.putIfAbsent(name, PLAINTEXT);
        // Which other nodes use: the first.
        if (!protocols.get(controllerNames.get(0)).equals(PLAINTEXT)) {
            controllerNames.add(0, CONTROLLER);
            protocols.put(CONTROLLER, PLAINTEXT);
        }
    }

    /**
     * Gives the node its listeners (NAME://HOST:PORT,...), those for clients and those of its controller, of which one may
     * be empty. Brokers speak with each other by the listener named between.
     */
    public static void wire(Program node, String forClients, String between, String forControllers) {
        Wiring wiring = new Wiring(node);
        List<String> all = new ArrayList<>();
        String plain = wiring.controllerNames.get(0);
        boolean ours = false;
        if (!forClients.isEmpty()) {
            all.add(forClients);
            plain = between;
            if (!wiring.protocol(between).equals(PLAINTEXT) || Settings.mayBeRefused(node.settings, between)) {
                plain = BROKER;
                ours = true;
                wiring.protocols.put(BROKER, PLAINTEXT);
                all.add(BROKER + "://localhost:0");
            }
        }
        wiring.settle(forClients.isEmpty() ? null : plain);
        if (!forControllers.isEmpty()) {
            if (wiring.controllerNames.contains(CONTROLLER)) {
                ours = true;
                all.add(CONTROLLER + "://localhost:0");
            }
            all.add(forControllers);
        }
        // A controller apart has no listener of ours, and brokers that have one come to it without authentication.
        if (ours || between != null && !wiring.protocol(between).equals(PLAINTEXT)) wiring.trustPlain();
        node.listen(String.join(",", all), plain);
    }

    public static String controllerListener(Program controller) {
        return controller.settings.get("controller.listener.names").split(",")[0];
    }

    private String protocol(String listener) {
        // A listener may be named by its protocol.
        return protocols.computeIfAbsent(listener, name -> name.toUpperCase(Locale.ROOT));
    }

    private void settle(String between) {
        List<String> pairs = new ArrayList<>();
        protocols.forEach((name, protocol) -> pairs.add(name + ":" + protocol));
        node.settings.put("listener.security.protocol.map", String.join(",", pairs));
        node.settings.put("controller.listener.names", String.join(",", controllerNames));
        node.settings.remove("security.inter.broker.protocol");
        node.settings.remove("inter.broker.listener.name");
        if (between != null) node.settings.put("inter.broker.listener.name", between);
    }

    private void trustPlain() {
        if (node.settings.getOrDefault("authorizer.class.name", "").isEmpty()) return;
        node.settings.merge("super.users", "User:ANONYMOUS", (those, ours) -> those.isEmpty() ? ours : those + ";" + ours);
    }
}
