package milena;

import java.io.IOException;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TopicListing;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.requests.MetadataRequest;
import org.apache.kafka.common.requests.MetadataResponse;
import org.apache.kafka.server.IntegrationTestUtils;

/** Questions to a running broker, in place of a look into Kafka's objects. */
public final class Ask implements AutoCloseable {
    /** Short: a broker may be stopped while it is asked. */
    private static final int CONFIGS_MS = 5000;

    private final Program program;
    private Admin admin;
    private String clusterId;

    public Ask(Program program) {
        this.program = program;
    }

    private synchronized Admin admin() {
        if (!program.running()) throw Needs.inside("what a stopped broker knows");
        if (admin == null) admin = Admin.create(Map.of("bootstrap.servers", program.address()));
        return admin;
    }

    private static <T> T get(KafkaFuture<T> future) {
        try {
            return future.get();
        } catch (ExecutionException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    public synchronized String clusterId() {
        if (clusterId == null) clusterId = get(admin().describeCluster().clusterId());
        return clusterId;
    }

    public List<Node> nodes() {
        return List.copyOf(get(admin().describeCluster().nodes()));
    }

    public Optional<TopicDescription> topic(String name) {
        try {
            return Optional.of(admin().describeTopics(List.of(name)).allTopicNames().get().get(name));
        } catch (ExecutionException error) {
            if (error.getCause() instanceof UnknownTopicOrPartitionException) return Optional.empty();
            throw new IllegalStateException(error);
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    public int partitions(String topic) {
        return topic(topic).map(description -> description.partitions().size()).orElse(0);
    }

    public Map<String, Uuid> topicIds() {
        Map<String, Uuid> ids = new HashMap<>();
        Collection<TopicListing> all = get(admin().listTopics(new ListTopicsOptions().listInternal(true)).listings());
        for (TopicListing topic : all) ids.put(topic.name(), topic.topicId());
        return ids;
    }

    public long offset(TopicPartition partition, OffsetSpec which) {
        return get(admin().listOffsets(Map.of(partition, which)).partitionResult(partition)).offset();
    }

    /** What holds for a topic or a broker, by name. */
    public Map<String, ConfigEntry> configs(ConfigResource of) {
        var options = new DescribeConfigsOptions().timeoutMs(CONFIGS_MS);
        Config config = get(admin().describeConfigs(List.of(of), options).values().get(of));
        Map<String, ConfigEntry> entries = new HashMap<>();
        for (ConfigEntry entry : config.entries()) entries.put(entry.name(), entry);
        return entries;
    }

    public List<ProducerState> producers(TopicPartition partition) {
        return get(admin().describeProducers(List.of(partition)).partitionResult(partition)).activeProducers();
    }

    /** The log directory of the replica; there may be no folder in it yet. */
    public Optional<String> logDir(TopicPartition partition) {
        int id = program.brokerId();
        Map<String, LogDirDescription> dirs = get(admin().describeLogDirs(List.of(id)).descriptions().get(id));
        return dirs.entrySet().stream().filter(dir -> dir.getValue().replicaInfos().containsKey(partition)
            && !dir.getValue().replicaInfos().get(partition).isFuture()).map(Map.Entry::getKey).findFirst();
    }

    /** Of a partition that is there; the admin client does not tell it. */
    public int leaderEpoch(TopicPartition partition) throws IOException {
        var request = new MetadataRequest.Builder(List.of(partition.topic()), false).build();
        MetadataResponse response = IntegrationTestUtils.connectAndReceive(request, program.ports.values().iterator().next());
        return response.topicMetadata().iterator().next().partitionMetadata().stream()
            .filter(metadata -> metadata.partition() == partition.partition()).findFirst().orElseThrow().leaderEpoch.orElse(-1);
    }

    public Map<ClientQuotaEntity, Map<String, Double>> quotas() {
        return get(admin().describeClientQuotas(ClientQuotaFilter.all()).entities());
    }

    public FeatureMetadata features() {
        return get(admin().describeFeatures().featureMetadata());
    }

    public short level(String feature) {
        FinalizedVersionRange range = features().finalizedFeatures().get(feature);
        return range == null ? 0 : range.maxVersionLevel();
    }

    @Override
    public synchronized void close() {
        if (admin != null) admin.close(java.time.Duration.ofSeconds(2));
    }
}
