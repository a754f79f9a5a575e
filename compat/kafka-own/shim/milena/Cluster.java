package milena;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

import kafka.server.ControllerServer;
import kafka.server.KafkaBroker;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.GroupProtocol;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.common.test.ClusterInstance;
import org.apache.kafka.common.test.api.ClusterConfig;
import org.apache.kafka.common.test.api.Type;
import org.apache.kafka.server.authorizer.Authorizer;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.server.fault.FaultHandlerException;
import org.apache.kafka.test.TestUtils;
import org.opentest4j.TestAbortedException;

/** The cluster of one test with ClusterTest: programs 0 to n-1, the first of them with the controllers. */
public final class Cluster implements ClusterInstance {
    private static final long METADATA_MS = 60_000;
    /** What a test's name says about the API it needs. */
    private static final Map<String, Short> NEEDED_APIS = Map.of("Share", (short) 76, "Streams", (short) 88);
    /** Controllers apart from brokers have ids from here on. */
    private static final int FIRST_CONTROLLER = 3000;

    private final ClusterConfig config;
    private final boolean combined;
    private final int count;
    private final Map<Integer, Program> programs = new TreeMap<>();
    private final Map<Integer, KafkaBroker> brokers = new TreeMap<>();
    private final Map<Integer, ControllerServer> controllers = new TreeMap<>();
    private String test = "";
    private Path dir;
    private Ask ask;
    private boolean started;
    private boolean stopped;

    public Cluster(ClusterConfig config, boolean combined) {
        this.config = config;
        this.combined = combined;
        this.count = Math.min(config.numBrokers(), Settings.MOST_BROKERS);
    }

    /** Ends the test as skipped if it needs what a program does not have. */
    public void check(String testName) {
        test = testName;
        // Two types of one cluster are the same to a program: its controller is in the broker's process.
        if (!combined && config.clusterTypes().size() > 1) throw new TestAbortedException("twin");
        Squeeze.set(config.numBrokers(), count);
        for (SecurityProtocol protocol : List.of(config.brokerSecurityProtocol(), config.controllerSecurityProtocol()))
            if (protocol != SecurityProtocol.PLAINTEXT) throw Needs.security(protocol.name());
        Settings.refusePlugins(config.serverProperties());
        if (!combined)
            config.perServerOverrideProperties().forEach((id, own) -> {
                if (id < FIRST_CONTROLLER && !Set.of("broker.rack").containsAll(own.keySet()))
                    throw Needs.controllerApart("a controller with settings of its own");
            });
    }

    @Override
    public synchronized void start() {
        if (started) return;
        started = true;
        try {
            dir = Files.createTempDirectory(Path.of(System.getProperty("milena.logs")), "data");
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        for (int id = 0; id < count; ++id) programs.put(id, configured(id));
        String voters = controlling().stream()
            .map(program -> program.id + "@" + addresses(List.of(program), config.controllerListenerName()))
            .collect(Collectors.joining(","));
        for (Program program : programs.values()) {
            program.settings.put("controller.quorum.voters", voters);
            program.formatWith(levels());
            program.start();
        }
        ask = new Ask(programs.get(0));
        NEEDED_APIS.forEach((word, key) -> {
            if (test.contains(word) && !programs.get(0).apis.containsKey(key)) throw Needs.feature(word + " groups");
        });
    }

    private Program configured(int id) {
        Program program = Program.of(id, dir.resolve("node" + id));
        String client = config.brokerListenerName().value();
        String control = config.controllerListenerName().value();
        boolean controller = id < config.numControllers();
        Map<String, String> settings = program.settings;
        settings.putAll(config.serverProperties());
        settings.putAll(config.perServerOverrideProperties().getOrDefault(id, Map.of()));
        if (controller && !combined)
            settings.putAll(config.perServerOverrideProperties().getOrDefault(FIRST_CONTROLLER + id, Map.of()));
        if (Squeeze.on()) Settings.squeeze(settings, count);
        settings.put("process.roles", controller ? "broker,controller" : "broker");
        settings.put("node.id", Integer.toString(id));
        List<String> logDirs = new ArrayList<>();
        for (int disk = 0; disk < config.numDisksPerBroker(); ++disk) logDirs.add(program.dir.resolve("data" + disk).toString());
        settings.put("log.dirs", String.join(",", logDirs));
        settings.putIfAbsent("listener.security.protocol.map", client + ":PLAINTEXT," + control + ":PLAINTEXT");
        settings.putIfAbsent("inter.broker.listener.name", client);
        settings.putIfAbsent("controller.listener.names", control);
        // Kafka's kit does so, too.
        settings.putIfAbsent("log.cleaner.dedupe.buffer.size", "2097152");
        Settings.common(settings);
        String listeners = client + "://localhost:0" + (controller ? "," + control + "://localhost:0" : "");
        program.listen(settings.getOrDefault("listeners", listeners));
        return program;
    }

    private Map<String, Short> levels() {
        Map<String, Short> levels = new HashMap<>();
        config.features().forEach((feature, level) -> levels.put(feature.featureName(), level));
        levels.put(MetadataVersion.FEATURE_NAME, config.metadataVersion().featureLevel());
        return levels;
    }

    @Override
    public synchronized void stop() {
        if (stopped) return;
        stopped = true;
        if (ask != null) ask.close();
        programs.values().forEach(Program::end);
        if (dir != null) Program.remove(dir);
    }

    private static String addresses(Collection<Program> programs, ListenerName listener) {
        return programs.stream().map(program -> "localhost:" + program.port(listener.value())).collect(Collectors.joining(","));
    }

    private List<Program> controlling() {
        return programs.values().stream()
            .filter(program -> program.settings.get("process.roles").contains("controller")).toList();
    }

    private Program program(int id) {
        Program program = programs.get(id);
        if (program == null && Squeeze.promised(id)) throw Needs.brokers(config.numBrokers());
        if (program == null) throw new IllegalArgumentException("Unknown brokerId " + id);
        return program;
    }

    @Override
    public String clusterId() {
        return ask.clusterId();
    }

    @Override
    public String bootstrapServers() {
        return addresses(programs.values(), config.brokerListenerName());
    }

    @Override
    public String bootstrapControllers() {
        return addresses(controlling(), config.controllerListenerName());
    }

    @Override
    public ListenerName clientListener() {
        return config.brokerListenerName();
    }

    @Override
    public ListenerName controllerListenerName() {
        return config.controllerListenerName();
    }

    @Override
    public Type type() {
        return combined ? Type.CO_KRAFT : Type.KRAFT;
    }

    @Override
    public ClusterConfig config() {
        return config;
    }

    @Override
    public Set<Integer> brokerIds() {
        return new TreeSet<>(programs.keySet());
    }

    @Override
    public Set<Integer> controllerIds() {
        return controlling().stream().map(program -> program.id).collect(Collectors.toCollection(TreeSet::new));
    }

    @Override
    public boolean started() {
        return started;
    }

    @Override
    public boolean stopped() {
        return stopped;
    }

    @Override
    public void shutdownBroker(int id) {
        // With the one broker that there is, all that the test counts on would be gone.
        if (Squeeze.on()) throw Needs.brokers(config.numBrokers());
        program(id).stop();
    }

    @Override
    public void startBroker(int id) {
        program(id).start();
    }

    /** Kafka 4.4 has this and the next two. */
    public Map<String, Object> setClientSslConfig(Map<String, Object> settings) {
        return settings;
    }

    public void restartBroker(int id, Map<String, Object> settings) {
        shutdownBroker(id);
        settings.forEach((key, value) -> program(id).settings.put(key, String.valueOf(value)));
        startBroker(id);
    }

    public void restartBrokersWithSwappedClientListenerPorts(int one, int other) {
        throw Needs.brokers(2);
    }

    @Override
    public Optional<FaultHandlerException> firstFatalException() {
        return Optional.empty();
    }

    @Override
    public Optional<FaultHandlerException> firstNonFatalException() {
        return Optional.empty();
    }

    @Override
    public List<Authorizer> authorizers() {
        return List.of();
    }

    @Override
    public void waitAcls(AclBindingFilter filter, Collection<AccessControlEntry> entries) throws InterruptedException {
        try (Admin admin = admin()) {
            TestUtils.waitForCondition(() -> {
                Set<AccessControlEntry> found = new HashSet<>();
                admin.describeAcls(filter).values().get().forEach(binding -> found.add(binding.entry()));
                return found.equals(Set.copyOf(entries));
            }, "the ACLs are " + entries);
        }
    }

    @Override
    public synchronized Map<Integer, KafkaBroker> brokers() {
        if (brokers.isEmpty()) programs.forEach((id, program) -> brokers.put(id, BrokerStandIn.of(program, ask)));
        return brokers;
    }

    @Override
    public Map<Integer, KafkaBroker> aliveBrokers() {
        Map<Integer, KafkaBroker> alive = new TreeMap<>(brokers());
        alive.keySet().removeIf(id -> !programs.get(id).running());
        return alive;
    }

    @Override
    public synchronized Map<Integer, ControllerServer> controllers() {
        if (controllers.isEmpty())
            for (Program program : controlling()) controllers.put(program.id, ControllerStandIn.of(program, ask));
        return controllers;
    }

    @Override
    public List<Integer> brokerBoundPorts() {
        return programs.values().stream().map(program -> program.port(config.brokerListenerName().value())).toList();
    }

    @Override
    public List<Integer> controllerBoundPorts() {
        return controlling().stream().map(program -> program.port(config.controllerListenerName().value())).toList();
    }

    @Override
    public Set<GroupProtocol> supportedGroupProtocols() {
        boolean consumer = ask.level("group.version") > 0;
        return consumer ? Set.of(GroupProtocol.CLASSIC, GroupProtocol.CONSUMER) : Set.of(GroupProtocol.CLASSIC);
    }

    @Override
    public void waitForReadyBrokers() throws InterruptedException {
        TestUtils.waitForCondition(() -> ask.nodes().size() == programs.values().stream().filter(Program::running).count(),
            "brokers not ready");
    }

    @Override
    public void waitTopicCreation(String topic, int partitions) throws InterruptedException {
        if (partitions <= 0) throw new IllegalArgumentException("Partition count must be > 0, but was " + partitions);
        TestUtils.waitForCondition(() -> ask.partitions(topic) == partitions, METADATA_MS, topic + " is not there");
    }

    /** Gone from the metadata and, as Kafka's own waits for that too, from the disk. */
    @Override
    public void waitTopicDeletion(String topic) throws InterruptedException {
        TestUtils.waitForCondition(() -> ask.partitions(topic) == 0, METADATA_MS, topic + " is still there");
        TestUtils.waitForCondition(() -> programs.values().stream().flatMap(program -> program.logDirs().stream())
            .noneMatch(logs -> holds(logs, topic)), METADATA_MS, "the folders of " + topic + " are still there");
    }

    private static boolean holds(Path logs, String topic) {
        String[] found = logs.toFile().list((parent, name) -> name.startsWith(topic + "-0"));
        return found != null && found.length > 0;
    }

    @Override
    public void ensureConsistentMetadata() { }

    @Override
    public void ensureConsistentMetadata(Collection<KafkaBroker> all, Collection<ControllerServer> controlling) { }
}
