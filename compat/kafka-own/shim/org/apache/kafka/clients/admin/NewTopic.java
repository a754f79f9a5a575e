package org.apache.kafka.clients.admin;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

import milena.Squeeze;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableReplicaAssignment;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopic;
import org.apache.kafka.common.message.CreateTopicsRequestData.CreatableTopicConfig;

/** In place of Kafka's class of this name: no more replicas are asked for than there are brokers. */
public class NewTopic {
    private final String name;
    private final Optional<Integer> partitions;
    private final Optional<Short> replicas;
    private final Map<Integer, List<Integer>> assignments;
    private Map<String, String> configs;

    public NewTopic(String name, int partitions, short replicas) {
        this(name, Optional.of(partitions), Optional.of(replicas));
    }

    public NewTopic(String name, Optional<Integer> partitions, Optional<Short> replicas) {
        this(name, partitions, replicas, null);
    }

    public NewTopic(String name, Map<Integer, List<Integer>> assignments) {
        this(name, Optional.empty(), Optional.empty(), Map.copyOf(assignments));
    }

    private NewTopic(String name, Optional<Integer> partitions, Optional<Short> replicas,
            Map<Integer, List<Integer>> assignments) {
        this.name = name;
        this.partitions = partitions;
        this.replicas = replicas;
        this.assignments = assignments;
    }

    public String name() {
        return name;
    }

    public int numPartitions() {
        return partitions.orElse(-1);
    }

    public short replicationFactor() {
        return replicas.orElse((short) -1);
    }

    public Map<Integer, List<Integer>> replicasAssignments() {
        return assignments;
    }

    public Map<String, String> configs() {
        return configs;
    }

    public NewTopic configs(Map<String, String> wanted) {
        configs = wanted;
        return this;
    }

    CreatableTopic convertToCreatableTopic() {
        CreatableTopic topic = new CreatableTopic().setName(name).setNumPartitions(numPartitions())
            .setReplicationFactor(Squeeze.replicas(replicationFactor()));
        if (assignments != null)
            assignments.forEach((partition, brokers) -> topic.assignments().add(new CreatableReplicaAssignment()
                .setPartitionIndex(partition).setBrokerIds(Squeeze.assignment(brokers))));
        if (configs != null)
            configs.forEach((key, value) -> topic.configs().add(
                new CreatableTopicConfig().setName(key).setValue(squeezed(key, value))));
        return topic;
    }

    private static String squeezed(String key, String value) {
        boolean replicas = key.equals("min.insync.replicas") && value != null && value.matches("\\d{1,4}");
        return replicas ? Short.toString(Squeeze.replicas(Short.parseShort(value))) : value;
    }

    @Override
    public String toString() {
        return "NewTopic(" + name + ", " + partitions + ", " + replicas + ", " + assignments + ", " + configs + ")";
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof NewTopic)) return false;
        NewTopic that = (NewTopic) other;
        return name.equals(that.name) && partitions.equals(that.partitions) && replicas.equals(that.replicas)
            && Objects.equals(assignments, that.assignments) && Objects.equals(configs, that.configs);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, partitions, replicas, assignments, configs);
    }
}
