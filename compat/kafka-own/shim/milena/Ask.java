package milena;

import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.quota.ClientQuotaEntity;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.requests.AbstractRequest;
import org.apache.kafka.common.requests.AbstractResponse;
import org.apache.kafka.common.requests.MetadataRequest;
import org.apache.kafka.common.requests.MetadataResponse;
import org.apache.kafka.common.requests.MetadataResponse.PartitionMetadata;
import org.apache.kafka.common.requests.MetadataResponse.TopicMetadata;
import org.apache.kafka.server.IntegrationTestUtils;

/** Questions to a running broker, in place of a look into Kafka's objects. */
public final class Ask implements AutoCloseable {
    /** Short: a broker may be stopped while it is asked. */
    private static final int CONFIGS_MS = 20_000;

    private final Program program;
    private Admin admin;
    private String clusterId;

    public Ask(Program program) {
        this.program = program;
    }

    public synchronized Admin admin() {
        if (!program.running()) throw Needs.inside("what a stopped broker knows");
        String key = program.settings.get("process.roles").contains("broker") ? "bootstrap.servers" : "bootstrap.controllers";
        if (admin == null) admin = Admin.create(Map.of(key, program.address()));
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

    /** What this broker, and no other, knows. */
    public <T extends AbstractResponse> T raw(AbstractRequest request) {
        if (!program.running()) throw Needs.inside("what a stopped broker knows");
        try {
            return IntegrationTestUtils.connectAndReceive(request, program.plainPort());
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    private MetadataResponse metadata(MetadataRequest.Builder request) {
        return raw(request.build());
    }

    public List<Node> nodes() {
        return List.copyOf(metadata(new MetadataRequest.Builder(List.of(), false)).brokers());
    }

    public Optional<TopicMetadata> topic(String name) {
        TopicMetadata found = metadata(new MetadataRequest.Builder(List.of(name), false)).topicMetadata().iterator().next();
        return found.error() == Errors.NONE ? Optional.of(found) : Optional.empty();
    }

    public Optional<PartitionMetadata> partition(String topic, int index) {
        return topic(topic).flatMap(metadata -> metadata.partitionMetadata().stream()
            .filter(partition -> partition.partition() == index).findFirst());
    }

    public int partitions(String topic) {
        return topic(topic).map(metadata -> metadata.partitionMetadata().size()).orElse(0);
    }

    /** The end of the controller's log of metadata. */
    public long metadataEnd() {
        QuorumInfo quorum = get(admin().describeMetadataQuorum().quorumInfo());
        return quorum.voters().stream().filter(voter -> voter.replicaId() == quorum.leaderId()).findFirst().orElseThrow()
            .logEndOffset();
    }

    /** How much of that this node has. */
    public long metadataOffset() {
        QuorumInfo quorum = get(admin().describeMetadataQuorum().quorumInfo());
        return Stream.concat(quorum.voters().stream(), quorum.observers().stream())
            .filter(replica -> replica.replicaId() == program.id).findFirst().map(QuorumInfo.ReplicaState::logEndOffset).orElse(-1L);
    }

    public boolean running() {
        return program.running();
    }

    public Map<String, Uuid> topicIds() {
        Map<String, Uuid> ids = new HashMap<>();
        for (TopicMetadata topic : metadata(MetadataRequest.Builder.allTopics()).topicMetadata()) ids.put(topic.topic(), topic.topicId());
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
        int id = program.id;
        Map<String, LogDirDescription> dirs = get(admin().describeLogDirs(List.of(id)).descriptions().get(id));
        return dirs.entrySet().stream().filter(dir -> dir.getValue().replicaInfos().containsKey(partition)
            && !dir.getValue().replicaInfos().get(partition).isFuture()).map(Map.Entry::getKey).findFirst();
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
