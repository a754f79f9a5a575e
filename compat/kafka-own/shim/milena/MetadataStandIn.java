package milena;

import static milena.StandIn.UNSERVED;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Supplier;

import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.requests.MetadataResponse.PartitionMetadata;
import org.apache.kafka.common.requests.MetadataResponse.TopicMetadata;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.metadata.LeaderAndIsr;
import org.apache.kafka.metadata.LeaderRecoveryState;
import org.apache.kafka.server.common.FinalizedFeatures;
import org.apache.kafka.server.common.MetadataVersion;

/** Kafka's metadata cache: each look into it is a request to the broker. */
final class MetadataStandIn {
    private final Supplier<Ask> ask;

    private MetadataStandIn(Supplier<Ask> ask) {
        this.ask = ask;
    }

    static KRaftMetadataCache of(Supplier<Ask> ask) {
        return StandIn.of(KRaftMetadataCache.class, new MetadataStandIn(ask)::answer);
    }

    private Object answer(String method, Object[] arguments) {
        return switch (method) {
            case "numPartitions" -> ask.get().topic((String) arguments[0]).map(topic -> topic.partitionMetadata().size());
            case "contains" -> arguments[0] instanceof TopicPartition
                ? ask.get().partitions(((TopicPartition) arguments[0]).topic()) > ((TopicPartition) arguments[0]).partition()
                : ask.get().topic((String) arguments[0]).isPresent();
            case "getTopicId" -> ask.get().topic((String) arguments[0]).map(TopicMetadata::topicId).orElse(Uuid.ZERO_UUID);
            case "getTopicName" -> names().containsKey(arguments[0]) ? Optional.of(names().get(arguments[0])) : Optional.empty();
            case "getAllTopics" -> new HashSet<>(ask.get().topicIds().keySet());
            case "topicNamesToIds" -> ask.get().topicIds();
            case "topicIdsToNames" -> names();
            case "hasAliveBroker" -> node((Integer) arguments[0]).isPresent();
            case "getAliveBrokerNode" -> node((Integer) arguments[0]);
            case "getAliveBrokerNodes", "getBrokerNodes" -> ask.get().nodes();
            case "isBrokerFenced" -> node((Integer) arguments[0]).isEmpty();
            case "getPartitionLeaderEndpoint" -> ask.get().partition((String) arguments[0], (Integer) arguments[1])
                .map(partition -> partition.leaderId.flatMap(this::node).orElse(Node.noNode()));
            case "getPartitionReplicaEndpoints" -> replicaNodes((TopicPartition) arguments[0]);
            case "getLeaderAndIsr" -> ask.get().partition((String) arguments[0], (Integer) arguments[1])
                .map(MetadataStandIn::leaderAndIsr);
            case "topicConfig" -> topicConfig((String) arguments[0]);
            case "features" -> features();
            case "metadataVersion" -> MetadataVersion.fromFeatureLevel(ask.get().level(MetadataVersion.FEATURE_NAME));
            default -> UNSERVED;
        };
    }

    /** What was set for the topic itself. */
    private Properties topicConfig(String topic) {
        Properties set = new Properties();
        for (ConfigEntry entry : ask.get().configs(new ConfigResource(ConfigResource.Type.TOPIC, topic)).values())
            if (entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG) set.put(entry.name(), entry.value());
        return set;
    }

    private Map<Uuid, String> names() {
        Map<Uuid, String> names = new HashMap<>();
        ask.get().topicIds().forEach((name, id) -> names.put(id, name));
        return names;
    }

    private Optional<Node> node(int id) {
        return ask.get().nodes().stream().filter(node -> node.id() == id).findFirst();
    }

    private Map<Integer, Node> replicaNodes(TopicPartition partition) {
        Map<Integer, Node> alive = new HashMap<>();
        ask.get().partition(partition.topic(), partition.partition()).ifPresent(found ->
            found.replicaIds.forEach(id -> node(id).ifPresent(node -> alive.put(id, node))));
        return alive;
    }

    private static LeaderAndIsr leaderAndIsr(PartitionMetadata partition) {
        return new LeaderAndIsr(partition.leaderId.orElse(LeaderAndIsr.NO_LEADER), partition.leaderEpoch.orElse(0),
            partition.inSyncReplicaIds, LeaderRecoveryState.RECOVERED, 0);
    }

    private FinalizedFeatures features() {
        var features = ask.get().features();
        Map<String, Short> levels = new HashMap<>();
        for (Map.Entry<String, FinalizedVersionRange> feature : features.finalizedFeatures().entrySet())
            levels.put(feature.getKey(), feature.getValue().maxVersionLevel());
        // Releases of Kafka make this class in different ways.
        return StandIn.of(FinalizedFeatures.class, (method, none) -> switch (method) {
            case "finalizedFeatures" -> levels;
            case "finalizedFeaturesEpoch" -> features.finalizedFeaturesEpoch().orElse(-1L);
            case "metadataVersion", "metadataVersionOrThrow" ->
                MetadataVersion.fromFeatureLevel(levels.get(MetadataVersion.FEATURE_NAME));
            default -> UNSERVED;
        });
    }
}
