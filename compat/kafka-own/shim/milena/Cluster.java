package milena;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import kafka.server.ControllerServer;
import kafka.server.KafkaBroker;
import org.apache.kafka.clients.consumer.GroupProtocol;
import org.apache.kafka.common.Uuid;
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

/** The cluster of one test with ClusterTest: nodes in processes, with the ids that Kafka's test kit gives them. */
public final class Cluster implements ClusterInstance {
    private static final long METADATA_MS = 60_000;
    /** What a test's name says about the API it needs. */
    private static final Map<String, Short> NEEDED_APIS = Map.of("Share", (short) 76, "Streams", (short) 88);
    /** Controllers apart from brokers have ids from here on. */
    private static final int FIRST_CONTROLLER = 3000;

    private final ClusterConfig config;
    private final boolean combined;
    private final Map<Integer, Program> programs = new TreeMap<>();
    private final Map<Integer, Ask> asks = new TreeMap<>();
    private final Map<Integer, KafkaBroker> brokers = new TreeMap<>();
    private final Map<Integer, ControllerServer> controllers = new TreeMap<>();
    private final String clusterId = Uuid.randomUuid().toString();
    private String test = "";
    private Path dir;
    private Program controller;
    private boolean started;
    private boolean stopped;

    public Cluster(ClusterConfig config, boolean combined) {
        this.config = config;
        this.combined = combined;
    }

    /** Ends the test as skipped if it needs what a program does not have. */
    public void check(String testName) {
        test = testName;
        // One of two types is run: with several brokers, the one in which each of them may be stopped.
        boolean both = config.clusterTypes().size() > 1;
        if (both && combined == config.numBrokers() > 1) throw new TestAbortedException("twin");
        System.setProperty("milena.squeezed", Boolean.toString(config.numControllers() > 1));
        for (SecurityProtocol protocol : List.of(config.brokerSecurityProtocol(), config.controllerSecurityProtocol()))
            if (protocol == SecurityProtocol.SASL_PLAINTEXT) Sasl.writeJaasFile();
        Settings.refusePlugins(config.serverProperties());
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
        int controllerId = combined ? 0 : FIRST_CONTROLLER;
        controller = Program.of(controllerId, dir.resolve("node" + controllerId));
        configure(controller, combined, true);
        String voter = "localhost:" + controller.port(Wiring.controllerListener(controller));
        if (!combined) setUp(controller, voter);
        for (int id = 0; id < config.numBrokers(); ++id) {
            Program program = combined && id == 0 ? controller : Program.of(id, dir.resolve("node" + id));
            if (program != controller) configure(program, true, false);
            programs.put(id, program);
            asks.put(id, new Ask(program));
            setUp(program, voter);
        }
        NEEDED_APIS.forEach((word, key) -> {
            if (test.contains(word) && !programs.get(0).apis.containsKey(key)) throw Needs.feature(word + " groups");
        });
    }

    private void configure(Program program, boolean isBroker, boolean isController) {
        String client = config.brokerListenerName().value();
        String control = config.controllerListenerName().value();
        Map<String, String> settings = program.settings;
        settings.putAll(config.serverProperties());
        if (config.brokerSecurityProtocol() == SecurityProtocol.SASL_PLAINTEXT) Sasl.common(settings);
        settings.putIfAbsent("listener.security.protocol.map", client + ":" + config.brokerSecurityProtocol() + "," + control
            + ":" + config.controllerSecurityProtocol());
        settings.putIfAbsent("inter.broker.listener.name", client);
        settings.putIfAbsent("controller.listener.names", control);
        // Kafka's kit does so, too.
        settings.putIfAbsent("log.cleaner.dedupe.buffer.size", "2097152");
        settings.putAll(config.perServerOverrideProperties().getOrDefault(program.id, Map.of()));
        settings.put("process.roles", isBroker ? isController ? "broker,controller" : "broker" : "controller");
        settings.put("node.id", Integer.toString(program.id));
        List<String> logDirs = new ArrayList<>();
        for (int disk = 0; disk < (isBroker ? config.numDisksPerBroker() : 1); ++disk)
            logDirs.add(program.dir.resolve("data" + disk).toString());
        settings.put("log.dirs", String.join(",", logDirs));
        Settings.refusePlugins(settings);
        Settings.common(settings);
        String listeners = settings.getOrDefault("listeners", client + "://localhost:0," + control + "://localhost:0");
        Wiring.wire(program, isBroker ? named(listeners, control, false) : "", settings.get("inter.broker.listener.name"),
            isController ? named(listeners, control, true) : "");
        Jaas.toSettings(settings);
    }

    /** Of listeners, those with the name, or those without it. */
    private static String named(String listeners, String name, boolean with) {
        return Stream.of(listeners.split(",")).filter(listener -> listener.strip().startsWith(name + "://") == with)
            .collect(Collectors.joining(","));
    }

    private void setUp(Program program, String voter) {
        if (config.standalone()) {
            program.settings.put("controller.quorum.bootstrap.servers", voter);
            program.format = Format.dynamic(clusterId, levels(), program.isController()
                ? Optional.of(program.id + "@" + voter + ":" + Uuid.randomUuid()) : Optional.empty());
        } else {
            program.settings.put("controller.quorum.voters", controller.id + "@" + voter);
            program.format = Format.with(clusterId, levels(), List.of());
        }
        program.start();
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
        asks.values().forEach(Ask::close);
        programs.values().forEach(Program::end);
        if (controller != null) controller.end();
        if (dir != null) Program.remove(dir);
    }

    private static String addresses(Collection<Program> programs, ListenerName listener) {
        return programs.stream().map(program -> "localhost:" + program.port(listener.value())).collect(Collectors.joining(","));
    }

    private Program program(int id) {
        Program program = programs.get(id);
        if (program == null) throw new IllegalArgumentException("Unknown brokerId " + id);
        return program;
    }

    @Override
    public String clusterId() {
        return clusterId;
    }

    @Override
    public String bootstrapServers() {
        return addresses(programs.values(), config.brokerListenerName());
    }

    @Override
    public String bootstrapControllers() {
        return addresses(List.of(controller), config.controllerListenerName());
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
        return Set.of(controller.id);
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
        if (program(id) == controller && config.numBrokers() > 1)
            throw Needs.controllerApart("a broker is stopped whose controller goes on");
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
        throw Needs.inside("a swap of the ports of listeners");
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
        List<Authorizer> all = new ArrayList<>();
        programs.values().stream().filter(Program::running).forEach(program ->
            new SecurityStandIn(program, asks.get(program.id)).authorizer().foreach(plugin -> all.add(plugin.get())));
        return all;
    }

    @Override
    public synchronized Map<Integer, KafkaBroker> brokers() {
        if (brokers.isEmpty()) programs.forEach((id, program) -> brokers.put(id, BrokerStandIn.of(program, asks.get(id))));
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
        if (controllers.isEmpty()) controllers.put(controller.id, ControllerStandIn.of(controller, controllerAsk(), this::anyAsk));
        return controllers;
    }

    @Override
    public List<Integer> brokerBoundPorts() {
        return programs.values().stream().map(program -> program.port(config.brokerListenerName().value())).toList();
    }

    @Override
    public List<Integer> controllerBoundPorts() {
        return List.of(controller.port(config.controllerListenerName().value()));
    }

    @Override
    public Set<GroupProtocol> supportedGroupProtocols() {
        boolean consumer = anyAsk().level("group.version") > 0;
        return consumer ? Set.of(GroupProtocol.CLASSIC, GroupProtocol.CONSUMER) : Set.of(GroupProtocol.CLASSIC);
    }

    private Ask controllerAsk() {
        return asks.computeIfAbsent(controller.id, id -> new Ask(controller));
    }

    private Ask anyAsk() {
        return runningAsks().findFirst().orElseThrow();
    }

    private Stream<Ask> runningAsks() {
        return programs.values().stream().filter(Program::running).map(program -> asks.get(program.id));
    }

    @Override
    public void waitForReadyBrokers() throws InterruptedException {
        TestUtils.waitForCondition(() -> runningAsks().allMatch(ask -> ask.nodes().size() == runningAsks().count()),
            "brokers not ready");
    }

    @Override
    public void waitTopicCreation(String topic, int partitions) throws InterruptedException {
        if (partitions <= 0) throw new IllegalArgumentException("Partition count must be > 0, but was " + partitions);
        TestUtils.waitForCondition(() -> runningAsks().allMatch(ask -> ask.partitions(topic) == partitions), METADATA_MS,
            topic + " is not there");
    }

    /** Gone from the metadata and, as Kafka's own waits for that too, from the disk. */
    @Override
    public void waitTopicDeletion(String topic) throws InterruptedException {
        TestUtils.waitForCondition(() -> runningAsks().allMatch(ask -> ask.partitions(topic) == 0), METADATA_MS,
            topic + " is still there");
        TestUtils.waitForCondition(() -> programs.values().stream().filter(Program::running)
            .flatMap(program -> program.logDirs().stream()).noneMatch(logs -> holds(logs, topic)), METADATA_MS,
            "the folders of " + topic + " are still there");
    }

    private static boolean holds(Path logs, String topic) {
        // What a broker finds after its topic is gone it may keep under another name.
        String[] found = logs.toFile().list((parent, name) ->
            name.equals(topic + "-0") || name.startsWith(topic + "-0") && name.endsWith("-delete"));
        return found != null && found.length > 0;
    }

    @Override
    public void ensureConsistentMetadata() throws InterruptedException {
        long end = anyAsk().metadataEnd();
        TestUtils.waitForCondition(() -> runningAsks().allMatch(ask -> ask.metadataOffset() >= end), METADATA_MS,
            "a broker lags behind the metadata of the controller");
    }

    @Override
    public void ensureConsistentMetadata(Collection<KafkaBroker> all, Collection<ControllerServer> controlling)
            throws InterruptedException {
        ensureConsistentMetadata();
    }
}
