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
import milena.Needs;
import milena.Program;
import milena.Settings;
import milena.Squeeze;
import org.apache.kafka.common.metadata.FeatureLevelRecord;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.fault.FaultHandler;
import org.apache.kafka.server.util.MockTime;
import scala.Option;

/**
 * In place of Kafka's class of this name, for tests on QuorumTestHarness: their brokers are programs, and the controller
 * is that of the first.
 */
public class KRaftQuorumImplementation implements QuorumImplementation {
    /** What a program is told by us and not by the test. */
    private static final Set<String> OURS = Set.of("process.roles", "node.id", "broker.id", "listeners", "advertised.listeners",
        "listener.security.protocol.map", "controller.listener.names", "controller.quorum.voters",
        "controller.quorum.bootstrap.servers", "metadata.log.dir", "log.dir", "log.dirs", "inter.broker.listener.name",
        "security.inter.broker.protocol");

    private final FaultHandlerFactory faultHandlerFactory;
    private final File metadataDir;
    private final CompletableFuture<Map<Integer, InetSocketAddress>> voters;
    private final String clusterId;
    private final Logging log;
    private final FaultHandler faultHandler;
    private final Map<String, String> controllerSettings = new TreeMap<>();
    private final Map<String, Short> levels = new TreeMap<>();
    private final List<Program> programs = new ArrayList<>();
    private ControllerServer controller;
    private Ask ask;

    public KRaftQuorumImplementation(ControllerServer kafkas, FaultHandlerFactory faultHandlerFactory, File metadataDir,
            CompletableFuture<Map<Integer, InetSocketAddress>> voters, String clusterId, Logging log, FaultHandler faultHandler) {
        this.faultHandlerFactory = faultHandlerFactory;
        this.metadataDir = metadataDir;
        this.voters = voters;
        this.clusterId = clusterId;
        this.log = log;
        this.faultHandler = faultHandler;
        kafkas.config().originals().forEach((key, value) -> controllerSettings.put(key, String.valueOf(value)));
        for (ApiMessageAndVersion record : kafkas.bootstrapMetadata().records())
            if (record.message() instanceof FeatureLevelRecord level) levels.put(level.name(), level.featureLevel());
        kafkas.shutdown();
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
        if (controller == null) throw Needs.controllerApart("a controller before there are brokers");
        return controller;
    }

    @Override
    public KafkaBroker createBroker(KafkaConfig config, Time time, boolean startup, Option<String> threadNamePrefix) {
        if (time instanceof MockTime) throw Needs.inside("a clock of the test's own");
        Path dir = Path.of(config.logDirs().get(0)).toAbsolutePath();
        boolean there = programs.size() < Settings.MOST_BROKERS || config.nodeId() < Settings.MOST_BROKERS;
        Program program = there ? Program.of(config.nodeId(), dir) : new Phantom(config.nodeId(), dir, programs.get(0));
        Squeeze.set(programs.size() + 1, Math.min(programs.size() + 1, Settings.MOST_BROKERS));
        configure(program, config);
        programs.add(program);
        if (Squeeze.on()) for (Program each : programs) each.beforeShutdown = () -> refuseToStop(programs.size());
        if (ask == null) ask = new Ask(programs.get(0));
        program.formatWith(levels);
        if (controller == null) controller = ControllerStandIn.of(program, ask);
        KafkaBroker broker = BrokerStandIn.of(program, ask);
        if (startup) program.start();
        return broker;
    }

    private void configure(Program program, KafkaConfig config) {
        Map<String, String> settings = program.settings;
        settings.putAll(controllerSettings);
        config.originals().forEach((key, value) -> settings.put(key, String.valueOf(value)));
        settings.keySet().removeAll(OURS);
        Settings.squeeze(settings, Settings.MOST_BROKERS);
        Settings.refusePlugins(settings);
        Settings.common(settings);
        Map<String, Object> asked = config.originals();
        String listeners = String.valueOf(asked.getOrDefault("listeners", "PLAINTEXT://localhost:0"));
        String protocols = String.valueOf(asked.getOrDefault("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT"));
        for (String pair : protocols.split(","))
            if (!pair.isBlank() && !pair.endsWith(":PLAINTEXT")) throw Needs.security(pair);
        settings.put("node.id", Integer.toString(program.id));
        settings.put("log.dirs", String.join(",", config.logDirs()));
        settings.put("controller.listener.names", "CONTROLLER");
        settings.put("listener.security.protocol.map",
            protocols.contains("CONTROLLER:") ? protocols : protocols + ",CONTROLLER:PLAINTEXT");
        Object between = config.originals().get("inter.broker.listener.name");
        settings.put("inter.broker.listener.name",
            between != null ? between.toString() : listeners.substring(0, listeners.indexOf("://")));
        if (program instanceof Phantom) {
            settings.put("listeners", programs.get(0).settings.get("listeners").replaceAll(",CONTROLLER://[^,]*", ""));
            settings.put("process.roles", "broker");
            settings.put("controller.quorum.voters", programs.get(0).settings.get("controller.quorum.voters"));
        } else {
            program.listen(listeners + ",CONTROLLER://localhost:0");
            settings.put("process.roles", "broker,controller");
            settings.put("controller.quorum.voters", program.id + "@localhost:" + program.port("CONTROLLER"));
        }
    }

    @Override
    public void shutdown() {
        if (ask != null) ask.close();
        for (Program program : programs) program.end();
    }

    /** A broker that the test asks for and that is not there: all of it is the first. */
    private static final class Phantom extends Program {
        private final Program real;

        Phantom(int id, Path dir, Program real) {
            super(id, dir);
            this.real = real;
            ports.putAll(real.ports);
        }

        @Override
        public int brokerId() {
            return real.brokerId();
        }

        @Override
        public boolean running() {
            return real.running();
        }

        @Override
        public void start() { }

        @Override
        public void end() { }

        @Override
        public void stop() { }
    }

    /** A test that stops one of several brokers counts on the others; the end of a test stops them all. */
    private static void refuseToStop(int brokers) {
        boolean atTheEnd = StackWalker.getInstance().walk(frames -> frames.map(StackWalker.StackFrame::getMethodName)
            .anyMatch(method -> method.contains("shutdownServers") || method.equals("tearDown")));
        if (!atTheEnd) throw Needs.brokers(brokers);
    }
}
