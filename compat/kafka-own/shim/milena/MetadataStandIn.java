package milena;

import static milena.StandIn.UNSERVED;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.metadata.KRaftMetadataCache;
import org.apache.kafka.metadata.LeaderAndIsr;
import org.apache.kafka.metadata.LeaderRecoveryState;
import org.apache.kafka.server.common.FinalizedFeatures;
import org.apache.kafka.server.common.MetadataVersion;

/** Kafka's metadata cache: each look into it is a request to the broker. */
final class MetadataStandIn {
    private final Ask ask;

    private MetadataStandIn(Ask ask) {
        this.ask = ask;
    }

    static KRaftMetadataCache of(Ask ask) {
        return StandIn.of(KRaftMetadataCache.class, new MetadataStandIn(ask)::answer);
    }

    private Object answer(String method, Object[] arguments) {
        return switch (method) {
            case "numPartitions" -> ask.topic((String) arguments[0]).map(topic -> topic.partitions().size());
            case "contains" -> arguments[0] instanceof TopicPartition
                ? ask.partitions(((TopicPartition) arguments[0]).topic()) > ((TopicPartition) arguments[0]).partition()
                : ask.topic((String) arguments[0]).isPresent();
            case "getTopicId" -> ask.topic((String) arguments[0]).map(TopicDescription::topicId).orElse(Uuid.ZERO_UUID);
            case "getTopicName" -> names().containsKey(arguments[0]) ? Optional.of(names().get(arguments[0])) : Optional.empty();
            case "getAllTopics" -> new HashSet<>(ask.topicIds().keySet());
            case "topicNamesToIds" -> ask.topicIds();
            case "topicIdsToNames" -> names();
            case "hasAliveBroker" -> Squeeze.promised((Integer) arguments[0]) || node((Integer) arguments[0]).isPresent();
            case "getAliveBrokerNode" -> node((Integer) arguments[0]);
            case "getAliveBrokerNodes", "getBrokerNodes" -> ask.nodes();
            case "getPartitionLeaderEndpoint" -> partition(arguments).map(TopicPartitionInfo::leader);
            case "getLeaderAndIsr" -> partition(arguments).map(MetadataStandIn::leaderAndIsr);
            case "features" -> features();
            case "metadataVersion" -> MetadataVersion.fromFeatureLevel(ask.level(MetadataVersion.FEATURE_NAME));
            default -> UNSERVED;
        };
    }

    private Map<Uuid, String> names() {
        Map<Uuid, String> names = new HashMap<>();
        ask.topicIds().forEach((name, id) -> names.put(id, name));
        return names;
    }

    private Optional<Node> node(int id) {
        return ask.nodes().stream().filter(node -> node.id() == id).findFirst();
    }

    private Optional<TopicPartitionInfo> partition(Object[] topicAndIndex) {
        List<TopicPartitionInfo> all = ask.topic((String) topicAndIndex[0]).map(TopicDescription::partitions).orElse(List.of());
        return all.stream().filter(info -> info.partition() == (Integer) topicAndIndex[1]).findFirst();
    }

    private static LeaderAndIsr leaderAndIsr(TopicPartitionInfo info) {
        int leader = info.leader() == null ? LeaderAndIsr.NO_LEADER : info.leader().id();
        return new LeaderAndIsr(leader, 0, info.isr().stream().map(Node::id).toList(), LeaderRecoveryState.RECOVERED, 0);
    }

    private FinalizedFeatures features() {
        var features = ask.features();
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
