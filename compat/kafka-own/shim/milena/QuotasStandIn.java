package milena;

import static milena.StandIn.UNSERVED;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;

import kafka.network.SocketServer;
import kafka.server.BrokerServer;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.metrics.Quota;
import org.apache.kafka.common.quota.ClientQuotaEntity;

/** Kafka's quota managers: what DescribeClientQuotas and DescribeConfigs tell, and which of it holds for whom. */
final class QuotasStandIn {
    private static final String NO_NAME = null;  // stands for all who have no quota of their own
    private static final Map<String, String> BY_CLIENT = Map.of("produce", "producer_byte_rate", "fetch", "consumer_byte_rate",
        "request", "request_percentage", "controllerMutation", "controller_mutation_rate");
    private static final Map<String, String> REPLICATION = Map.of("leader", "leader.replication.throttled.rate",
        "follower", "follower.replication.throttled.rate", "alterLogDirs", "replica.alter.log.dirs.io.max.bytes.per.second");

    private final Program program;
    private final Supplier<Ask> ask;

    QuotasStandIn(Program program, Supplier<Ask> ask) {
        this.program = program;
        this.ask = ask;
    }

    Object managers() {
        Class<?> type = StandIn.typeOf(BrokerServer.class, "quotaManagers");
        return StandIn.of(type, (method, none) -> {
            if (BY_CLIENT.containsKey(method))
                return StandIn.of(StandIn.typeOf(type, method), (name, who) -> name.equals("quota")
                    ? Quota.upperBound(rate(BY_CLIENT.get(method), clients(who), Long.MAX_VALUE)) : UNSERVED);
            if (REPLICATION.containsKey(method))
                return StandIn.of(StandIn.typeOf(type, method), (name, noArguments) ->
                    name.equals("upperBound") ? brokerRate(REPLICATION.get(method)) : UNSERVED);
            return UNSERVED;
        });
    }

    Object connections() {
        return StandIn.of(StandIn.typeOf(SocketServer.class, "connectionQuotas"), (method, arguments) -> {
            if (!method.equals("connectionRateForIp")) return UNSERVED;
            String ip = ((InetAddress) arguments[0]).getHostAddress();
            return (int) rate("connection_creation_rate", Stream.of(entity("ip", ip), entity("ip", NO_NAME)), Integer.MAX_VALUE);
        });
    }

    private static Map<String, String> entity(String type, String name) {
        Map<String, String> entity = new HashMap<>();
        entity.put(type, name);
        return entity;
    }

    /** Whose quotas hold for a user and a client id, the first first. */
    private static Stream<Map<String, String>> clients(Object[] who) {
        Stream.Builder<Map<String, String>> all = Stream.builder();
        for (String user : new String[] {String.valueOf(who[0]).replaceFirst("^User:", ""), NO_NAME}) {
            for (String client : new String[] {(String) who[1], NO_NAME}) {
                Map<String, String> both = entity(ClientQuotaEntity.USER, user);
                both.put(ClientQuotaEntity.CLIENT_ID, client);
                all.add(both);
            }
            all.add(entity(ClientQuotaEntity.USER, user));
        }
        all.add(entity(ClientQuotaEntity.CLIENT_ID, (String) who[1]));
        all.add(entity(ClientQuotaEntity.CLIENT_ID, NO_NAME));
        return all.build();
    }

    private double rate(String key, Stream<Map<String, String>> entities, double unlimited) {
        Map<ClientQuotaEntity, Map<String, Double>> quotas = ask.get().quotas();
        return entities.map(ClientQuotaEntity::new).filter(entity -> quotas.getOrDefault(entity, Map.of()).containsKey(key))
            .findFirst().map(entity -> quotas.get(entity).get(key)).orElse(unlimited);
    }

    private long brokerRate(String key) {
        var broker = new ConfigResource(ConfigResource.Type.BROKER, Integer.toString(program.id));
        ConfigEntry entry = ask.get().configs(broker).get(key);
        return entry == null || entry.value() == null ? Long.MAX_VALUE : Long.parseLong(entry.value());
    }
}
