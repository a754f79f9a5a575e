package kafka.server;

import java.io.File;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;

import kafka.utils.Logging;
import milena.Ask;
import milena.BrokerStandIn;
import milena.ControllerStandIn;
import milena.Format;
import milena.Jaas;
import milena.Needs;
import milena.Program;
import milena.Settings;
import milena.Wiring;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.fault.FaultHandler;
import org.apache.kafka.server.util.MockTime;
import scala.Option;

/**
 * In place of Kafka's class of this name, for tests on QuorumTestHarness: their brokers and the controller are
 * processes.
 */
public class KRaftQuorumImplementation implements QuorumImplementation {
    /** What a node is told by us and not by the test. */
    private static final Set<String> OURS = Set.of("process.roles", "node.id", "broker.id", "advertised.listeners",
        "controller.quorum.voters", "controller.quorum.bootstrap.servers", "metadata.log.dir", "log.dir", "log.dirs");
    private static final int CONTROLLERS = 1000;

    private final FaultHandlerFactory faultHandlerFactory;
    private final File metadataDir;
    private final CompletableFuture<Map<Integer, InetSocketAddress>> voters;
    private final String clusterId;
    private final Logging log;
    private final FaultHandler faultHandler;
    private final List<Program> brokers = new ArrayList<>();
    private final List<Ask> asks = new ArrayList<>();
    private final Program controller;
    private final ControllerServer standIn;

    public KRaftQuorumImplementation(ControllerServer kafkas, FaultHandlerFactory faultHandlerFactory, File metadataDir,
            CompletableFuture<Map<Integer, InetSocketAddress>> voters, String clusterId, Logging log, FaultHandler faultHandler) {
        this.faultHandlerFactory = faultHandlerFactory;
        this.metadataDir = metadataDir;
        this.voters = voters;
        this.clusterId = clusterId;
        this.log = log;
        this.faultHandler = faultHandler;
        System.setProperty("milena.squeezed", "false");
        controller = controller(kafkas);
        Ask own = new Ask(controller);
        asks.add(own);
        standIn = ControllerStandIn.of(controller, own, this::anyAsk);
    }

    private Program controller(ControllerServer kafkas) {
        Map<String, Object> asked = kafkas.config().originals();
        // Not where Kafka's own harness has formatted it already, and perhaps for what is not released.
        Path dir = metadataDir.toPath().toAbsolutePath().resolve("node");
        Program program = Program.of(Integer.parseInt(String.valueOf(asked.getOrDefault("node.id", CONTROLLERS))), dir);
        take(program, asked);
        program.settings.put("process.roles", "controller");
        program.settings.put("log.dirs", dir.toString());
        Wiring.wire(program, "", null, program.settings.get("listeners"));
        Jaas.toSettings(program.settings);
        program.settings.put("controller.quorum.voters", program.id + "@" + voter(program));
        Map<String, Short> levels = new TreeMap<>();
        List<ApiMessageAndVersion> others = new ArrayList<>();
        for (ApiMessageAndVersion record : kafkas.bootstrapMetadata().records()) {
            if (record.message() instanceof FeatureLevelRecord level) levels.put(level.name(), level.featureLevel());
            else others.add(record);
        }
        program.format = Format.with(clusterId, levels, others);
        program.start();
        return program;
    }

    private static String voter(Program controller) {
        return "localhost:" + controller.port(Wiring.controllerListener(controller));
    }

    private static void take(Program program, Map<String, Object> asked) {
        asked.forEach((key, value) -> program.settings.put(key, Settings.text(value)));
        program.settings.keySet().removeAll(OURS);
        program.settings.put("node.id", Integer.toString(program.id));
        Settings.refusePlugins(program.settings);
        Settings.common(program.settings);
    }

    private Ask anyAsk() {
        return asks.stream().skip(1).filter(Ask::running).findFirst().orElseThrow(() -> Needs.inside("a controller without brokers"));
    }

    public FaultHandlerFactory faultHandlerFactory() {
        return faultHandlerFactory;
    }

    public File metadataDir() {
        return metadataDir;
    }

    public CompletableFuture<Map<Integer, InetSocketAddress>> controllerQuorumVotersFuture() {
        return voters;
    }

    public String clusterId() {
        return clusterId;
    }

    public Logging log() {
        return log;
    }

    public FaultHandler faultHandler() {
        return faultHandler;
    }

    public ControllerServer controllerServer() {
        return standIn;
    }

    @Override
    public KafkaBroker createBroker(KafkaConfig config, Time time, boolean startup, Option<String> threadNamePrefix) {
        if (time instanceof MockTime) throw Needs.inside("a clock of the test's own");
        Path dir = Path.of(config.logDirs().get(0)).toAbsolutePath();
        Program program = Program.of(config.nodeId(), dir);
        take(program, config.originals());
        Map<String, String> settings = program.settings;
        String listeners = settings.getOrDefault("listeners", "PLAINTEXT://localhost:0");
        String first = listeners.substring(0, listeners.indexOf("://"));
        String between = settings.getOrDefault("inter.broker.listener.name",
            settings.getOrDefault("security.inter.broker.protocol", first));
        settings.put("process.roles", "broker");
        settings.put("log.dirs", String.join(",", config.logDirs()));
        Wiring.wire(program, listeners, between, "");
        Jaas.toSettings(settings);
        settings.put("controller.quorum.voters", controller.id + "@" + voter(controller));
        program.format = Format.with(clusterId, Map.of(), List.of());
        Ask ask = new Ask(program);
        brokers.add(program);
        asks.add(ask);
        KafkaBroker broker = BrokerStandIn.of(program, ask);
        BrokerStandIn.registerMetrics(brokers);
        if (startup) program.start();
        return broker;
    }

    @Override
    public void shutdown() {
        asks.forEach(Ask::close);
        brokers.forEach(Program::end);
        controller.end();
    }
}
