package milena;

import static milena.StandIn.UNSERVED;

import java.util.Collection;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;

import kafka.network.SocketServer;
import kafka.server.BrokerServer;
import kafka.server.KafkaApis;
import kafka.server.KafkaConfig;
import kafka.server.ReplicaManager;
import kafka.server.SharedServer;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.coordinator.group.GroupCoordinator;
import org.apache.kafka.image.loader.MetadataLoader;
import org.apache.kafka.metadata.BrokerState;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.server.BrokerLifecycleManager;

/** Kafka's BrokerServer, as far as a running program can be asked. */
public final class BrokerStandIn {
    private final Program program;
    private final Ask ask;
    private final KRaftMetadataCache metadata;
    private final LogsStandIn logs;
    private final QuotasStandIn quotas;
    private final SocketServer sockets;
    private final GroupCoordinator groups;
    private final SecurityStandIn security;

    private BrokerStandIn(Program program, Ask ask) {
        this.program = program;
        this.ask = ask;
        metadata = MetadataStandIn.of(() -> ask);
        logs = new LogsStandIn(program, ask, this::liveConfig);
        quotas = new QuotasStandIn(program, () -> ask);
        sockets = sockets(program, quotas);
        security = new SecurityStandIn(program, ask);
        groups = StandIn.of(GroupCoordinator.class, this::groups);
    }

    public static BrokerServer of(Program program, Ask ask) {
        return StandIn.of(BrokerServer.class, new BrokerStandIn(program, ask)::answer);
    }

    public static void registerMetrics(Collection<Program> brokers) {
        MetricsStandIn.register(brokers);
    }

    /** The settings that the program was started with. */
    public static KafkaConfig config(Program program) {
        return new KafkaConfig(Settings.forKafka(program.settings), false);
    }

    /** The settings that hold now: what was altered since the start is asked of the broker. */
    private KafkaConfig liveConfig() {
        Properties properties = Settings.forKafka(program.settings);
        if (program.running()) {
            try {
                addAltered(properties);
            } catch (IllegalStateException error) {
                // Harnesses stop brokers side by side: another thread may just have stopped this one.
                if (program.running()) throw error;
            }
        }
        return new KafkaConfig(properties, false);
    }

    private void addAltered(Properties properties) {
        var broker = new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(program.id));
        for (ConfigEntry entry : ask.configs(broker).values()) {
            boolean altered = entry.source() == ConfigSource.DYNAMIC_BROKER_CONFIG
                || entry.source() == ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG;
            if (altered && entry.value() != null) properties.put(entry.name(), entry.value());
        }
    }

    private Object answer(String method, Object[] arguments) {
        return switch (method) {
            case "config" -> liveConfig();
            case "clusterId" -> ask.clusterId();
            case "boundPort" -> program.port(((ListenerName) arguments[0]).value());
            case "socketServer" -> sockets;
            case "metadataCache" -> metadata;
            case "logManager" -> logs.manager();
            case "replicaManager" -> StandIn.of(ReplicaManager.class, logs::replicas);
            case "groupCoordinator" -> groups;
            case "quotaManagers" -> quotas.managers();
            case "metrics" -> MetricsStandIn.of(program);
            case "authorizerPlugin" -> security.authorizer();
            case "credentialProvider" -> security.credentials();
            case "tokenCache" -> security.tokens();
            case "isShutdown" -> !program.running();
            case "brokerState" -> program.running() ? BrokerState.RUNNING
                : program.wasStarted() ? BrokerState.SHUTTING_DOWN : BrokerState.NOT_RUNNING;
            case "startup" -> {
                program.start();
                yield null;
            }
            case "shutdown" -> {
                program.stop();
                yield null;
            }
            case "awaitShutdown" -> null;
            case "dataPlaneRequestProcessor" -> StandIn.of(KafkaApis.class, this::apis);
            case "lifecycleManager" -> StandIn.of(BrokerLifecycleManager.class, BrokerStandIn::lifecycle);
            case "sharedServer" -> StandIn.of(SharedServer.class, this::shared);
            default -> UNSERVED;
        };
    }

    /** A stopped broker has no loader. */
    private Object shared(String method, Object[] arguments) {
        if (!method.equals("loader")) return UNSERVED;
        if (!program.running()) return null;
        return StandIn.of(MetadataLoader.class, (name, none) ->
            name.equals("lastAppliedOffset") ? ask.metadataOffset() - 1 : UNSERVED);
    }

    private Object apis(String method, Object[] arguments) {
        return switch (method) {
            case "isConsumerGroupProtocolEnabled" -> program.apis.containsKey((short) 68);
            case "metadataCache" -> metadata;
            case "quotas" -> quotas.managers();
            case "authorizerPlugin" -> security.authorizer();
            case "brokerId" -> program.id;
            case "clusterId" -> ask.clusterId();
            default -> UNSERVED;
        };
    }

    private static Object lifecycle(String method, Object[] arguments) {
        return method.equals("initialUnfenceFuture") ? CompletableFuture.completedFuture(null) : UNSERVED;
    }

    private Object groups(String method, Object[] arguments) {
        var config = config(program).groupCoordinatorConfig();
        return switch (method) {
            case "groupMetadataTopicConfigs" -> {
                Properties properties = new Properties();
                properties.putAll(Map.of("cleanup.policy", "compact", "compression.type", "producer",
                    "segment.bytes", Integer.toString(config.offsetsTopicSegmentBytes())));
                yield properties;
            }
            case "partitionFor" -> (((String) arguments[0]).hashCode() & 0x7fffffff) % config.offsetsTopicPartitions();
            default -> UNSERVED;
        };
    }

    static SocketServer sockets(Program program, QuotasStandIn quotas) {
        return StandIn.of(SocketServer.class, (method, arguments) -> switch (method) {
            case "boundPort" -> program.port(((ListenerName) arguments[0]).value());
            case "connectionCount" -> program.connections();
            case "connectionQuotas" -> quotas.connections();
            default -> UNSERVED;
        });
    }
}
