package kafka.server;

import java.util.concurrent.CompletableFuture;

import kafka.network.SocketServer;
import kafka.raft.KafkaRaftManager;
import milena.Needs;
import org.apache.kafka.common.internals.Plugin;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.controller.Controller;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.metadata.bootstrap.BootstrapMetadata;
import org.apache.kafka.server.authorizer.Authorizer;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import scala.Option;

/**
 * In place of Kafka's class of this name. QuorumTestHarness starts a controller for each test before it asks for brokers;
 * this one only keeps what it was given, for KRaftQuorumImplementation. What tests see is ControllerStandIn's; a method that
 * is missing here ends a test as skipped.
 */
public class ControllerServer {
    private static final int NO_PORT = 1;

    private final SharedServer shared;
    private final BootstrapMetadata bootstrap;

    public ControllerServer(SharedServer shared, KafkaConfigSchema schema, BootstrapMetadata bootstrap) {
        this.shared = shared;
        this.bootstrap = bootstrap;
    }

    public BootstrapMetadata bootstrapMetadata() {
        return bootstrap;
    }

    public KafkaConfig config() {
        return shared.controllerConfig();
    }

    public CompletableFuture<Integer> socketServerFirstBoundPortFuture() {
        return CompletableFuture.completedFuture(NO_PORT);
    }

    public void startup() { }

    public void shutdown() { }

    public void awaitShutdown() { }

    public String clusterId() {
        throw Needs.inside("ControllerServer.clusterId");
    }

    public SocketServer socketServer() {
        throw Needs.inside("ControllerServer.socketServer");
    }

    public KRaftMetadataCache metadataCache() {
        throw Needs.inside("ControllerServer.metadataCache");
    }

    public Controller controller() {
        throw Needs.inside("ControllerServer.controller");
    }

    public KafkaRaftManager<ApiMessageAndVersion> raftManager() {
        throw Needs.inside("ControllerServer.raftManager");
    }

    public Option<Plugin<Authorizer>> authorizerPlugin() {
        throw Needs.inside("ControllerServer.authorizerPlugin");
    }

    public Metrics metrics() {
        throw Needs.inside("ControllerServer.metrics");
    }
}
