package milena;

import static milena.StandIn.UNSERVED;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

import kafka.network.SocketServer;
import kafka.raft.KafkaRaftManager;
import kafka.server.ControllerServer;
import kafka.server.KafkaConfig;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.controller.Controller;
import org.apache.kafka.controller.ResultOrError;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.raft.LogOffsetMetadata;
import org.apache.kafka.raft.RaftLog;

/** Kafka's ControllerServer, as far as the program whose controller it is can be asked. */
public final class ControllerStandIn {
    private final Program program;
    /** A broker that runs, and answers for what is known to all. */
    private final Supplier<Ask> broker;
    private final KafkaConfig config;
    private final SocketServer sockets;
    private final KRaftMetadataCache metadata;
    private final Controller controller;
    private final SecurityStandIn security;

    private ControllerStandIn(Program program, Ask own, Supplier<Ask> broker) {
        security = new SecurityStandIn(program, own);
        this.program = program;
        this.broker = broker;
        config = BrokerStandIn.config(program);
        sockets = BrokerStandIn.sockets(program, new QuotasStandIn(program, broker));
        metadata = MetadataStandIn.of(broker);
        controller = StandIn.of(Controller.class, this::controller);
    }

    public static ControllerServer of(Program program, Ask own, Supplier<Ask> broker) {
        return StandIn.of(ControllerServer.class, new ControllerStandIn(program, own, broker)::answer);
    }

    private Object answer(String method, Object[] arguments) {
        return switch (method) {
            case "config" -> config;
            case "clusterId" -> broker.get().clusterId();
            case "socketServer" -> sockets;
            case "metadataCache" -> metadata;
            case "controller" -> controller;
            case "raftManager" -> StandIn.of(KafkaRaftManager.class, this::raft);
            case "authorizerPlugin" -> security.authorizer();
            case "startup" -> {
                program.start();
                yield null;
            }
            case "shutdown" -> {
                program.stop();
                yield null;
            }
            case "awaitShutdown" -> null;
            default -> UNSERVED;
        };
    }

    private Object raft(String method, Object[] arguments) {
        if (!method.equals("raftLog")) return UNSERVED;
        return StandIn.of(RaftLog.class, (name, none) ->
            name.equals("endOffset") ? new LogOffsetMetadata(broker.get().metadataEnd()) : UNSERVED);
    }

    private Object controller(String method, Object[] arguments) {
        return switch (method) {
            case "findAllTopicIds" -> CompletableFuture.completedFuture(broker.get().topicIds());
            case "findTopicIds" -> CompletableFuture.completedFuture(topicIds((Collection<?>) arguments[1]));
            case "isActive" -> program.running();
            case "waitForReadyBrokers" -> CompletableFuture.completedFuture(null);
            default -> UNSERVED;
        };
    }

    private Map<String, ResultOrError<Uuid>> topicIds(Collection<?> names) {
        Map<String, Uuid> all = broker.get().topicIds();
        Map<String, ResultOrError<Uuid>> found = new HashMap<>();
        for (Object name : names) {
            Uuid id = all.get(name);
            found.put((String) name, id != null ? new ResultOrError<>(id)
                : new ResultOrError<>(Errors.UNKNOWN_TOPIC_OR_PARTITION, null));
        }
        return found;
    }
}
