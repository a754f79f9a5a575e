import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.DescribeClusterResult;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** AdminClient: topics, partitions, records, configs, cluster. */
final class AdminChecks {
    private final Client client;
    private final AdminClient admin;

    AdminChecks(Client client) {
        this.client = client;
        this.admin = client.admin;
    }

    void run(Checks checks) {
        checks.check("admin describeCluster", this::describeCluster);
        checks.check("admin createTopics, describeTopics, listTopics", this::create);
        checks.check("admin createTopics refuses what Kafka refuses", this::createRefused);
        checks.check("admin describeConfigs of topic and broker", this::describeConfigs);
        checks.check("admin createPartitions, new partition usable at once", this::createPartitions);
        checks.check("admin deleteRecords", this::deleteRecords);
        checks.check("admin deleteTopics", this::deleteTopics);
    }

    private static <T> T get(KafkaFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    private void describeCluster() throws Exception {
        DescribeClusterResult cluster = admin.describeCluster();
        Collection<Node> nodes = get(cluster.nodes());
        Checks.requireEquals(1, nodes.size(), "number of nodes");
        Node node = nodes.iterator().next();
        Checks.requireEquals(node, get(cluster.controller()), "the controller is the node");
        Checks.require(client.bootstrap.endsWith(":" + node.port()), "port of the node is " + node.port());
        Checks.requireEquals(22, get(cluster.clusterId()).length(), "length of the cluster id");
    }

    private void create() throws Exception {
        String topic = client.topic("admin", 3, "max.message.bytes", "123456");
        TopicDescription description = client.describe(topic).get(topic);
        Checks.requireEquals(3, description.partitions().size(), "number of partitions");
        Checks.require(!description.isInternal(), "the topic is not internal");
        int partition = 0;
        for (TopicPartitionInfo info : description.partitions()) {
            Checks.requireEquals(partition++, info.partition(), "partition");
            Checks.require(info.leader() != null && info.leader().id() >= 0, "a leader at once");
            Checks.requireEquals(Collections.singletonList(info.leader()), info.replicas(), "replicas");
            Checks.requireEquals(info.replicas(), info.isr(), "in-sync replicas");
        }
        Checks.require(get(admin.listTopics().names()).contains(topic), "the topic is listed");
    }

    private void createRefused() throws Exception {
        String topic = client.topic("once", 1);
        Checks.requireError(TopicExistsException.class, () -> client.topic("once", 1));
        Checks.requireError(InvalidReplicationFactorException.class, () -> create(new NewTopic(client.name("three-replicas"), 1, (short) 3)));
        Checks.requireError(InvalidPartitionsException.class, () -> create(new NewTopic(client.name("no-partitions"), 0, (short) 1)));
        Checks.requireError(InvalidTopicException.class, () -> create(new NewTopic(client.name("bad/name"), 1, (short) 1)));
        Checks.requireError(org.apache.kafka.common.errors.InvalidConfigurationException.class,
            () -> create(new NewTopic(client.name("bad-config"), 1, (short) 1).configs(Collections.singletonMap("retention.ms", "soon"))));
        Checks.requireError(UnknownTopicOrPartitionException.class, () -> client.describe(client.name("three-replicas")));
        get(admin.deleteTopics(Collections.singleton(topic)).all());
    }

    private void create(NewTopic topic) throws Exception {
        get(admin.createTopics(Collections.singleton(topic)).all());
    }

    private void describeConfigs() throws Exception {
        String topic = client.name("admin");
        ConfigResource ofTopic = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        String node = get(admin.describeCluster().nodes()).iterator().next().idString();
        ConfigResource ofBroker = new ConfigResource(ConfigResource.Type.BROKER, node);
        Map<ConfigResource, Config> configs = get(admin.describeConfigs(Arrays.asList(ofTopic, ofBroker)).all());
        Config config = configs.get(ofTopic);
        Checks.requireEquals("123456", config.get("max.message.bytes").value(), "max.message.bytes as created");
        Checks.require(!config.get("max.message.bytes").isDefault(), "max.message.bytes is no default");
        Checks.requireEquals("delete", config.get("cleanup.policy").value(), "cleanup.policy");
        Checks.require(config.get("cleanup.policy").isDefault(), "cleanup.policy is a default");
        Checks.requireEquals("604800000", config.get("retention.ms").value(), "retention.ms");
        Checks.requireEquals("1073741824", config.get("segment.bytes").value(), "segment.bytes");
        Checks.requireEquals("producer", config.get("compression.type").value(), "compression.type");
        Config broker = configs.get(ofBroker);
        Checks.requireEquals(node, broker.get("node.id") != null ? broker.get("node.id").value() : null, "node.id of the broker");
        Checks.require(broker.get("log.retention.hours") != null, "the broker has log.retention.hours");
        Checks.require(broker.get("auto.create.topics.enable") != null, "the broker has auto.create.topics.enable");
    }

    private void createPartitions() throws Exception {
        String topic = client.topic("grown", 2);
        get(admin.createPartitions(Collections.singletonMap(topic, NewPartitions.increaseTo(5))).all());
        Checks.requireEquals(5, client.describe(topic).get(topic).partitions().size(), "number of partitions");
        List<Rec> records = Client.records("grown", 50, 5, Client.TIMESTAMP_MS);
        client.produce(topic, records);
        Rec.requireSame(records, Client.recs(client.readAll(topic, 5, records.size())));
        Checks.requireError(InvalidPartitionsException.class,
            () -> get(admin.createPartitions(Collections.singletonMap(topic, NewPartitions.increaseTo(3))).all()));
    }

    private void deleteRecords() throws Exception {
        String topic = client.topic("cut", 2);
        List<Rec> records = Client.records("cut", 40, 2, Client.TIMESTAMP_MS);
        client.produce(topic, records);
        TopicPartition first = new TopicPartition(topic, 0);
        long low = get(admin.deleteRecords(Collections.singletonMap(first, RecordsToDelete.beforeOffset(7))).lowWatermarks().get(first)).lowWatermark();
        Checks.requireEquals(7L, low, "low watermark");
        try (KafkaConsumer<byte[], byte[]> consumer = client.reader(topic, 2)) {
            Map<TopicPartition, Long> beginnings = consumer.beginningOffsets(Client.partitions(topic, 2));
            Checks.requireEquals(7L, beginnings.get(first), "beginning of the cut partition");
            Checks.requireEquals(0L, beginnings.get(new TopicPartition(topic, 1)), "beginning of the other partition");
            List<Rec> left = new java.util.ArrayList<>();
            int skipped = 0;
            for (Rec record : records) {
                if (record.partition == 0 && skipped < 7) {
                    skipped++;
                } else {
                    left.add(record);
                }
            }
            Rec.requireSame(left, Client.recs(Client.poll(consumer, left.size())));
        }
        Checks.requireError(OffsetOutOfRangeException.class,
            () -> get(admin.deleteRecords(Collections.singletonMap(first, RecordsToDelete.beforeOffset(1000))).lowWatermarks().get(first)));
        long end = get(admin.deleteRecords(Collections.singletonMap(first, RecordsToDelete.beforeOffset(-1))).lowWatermarks().get(first)).lowWatermark();
        Checks.requireEquals(20L, end, "low watermark after deleting up to the high watermark");
    }

    private void deleteTopics() throws Exception {
        String topic = client.topic("gone", 2);
        client.produce(topic, Client.records("gone", 10, 2, Client.TIMESTAMP_MS));
        get(admin.deleteTopics(Collections.singleton(topic)).all());
        Client.await("the topic is no longer listed", () -> !get(admin.listTopics().names()).contains(topic));
        Checks.requireError(UnknownTopicOrPartitionException.class, () -> client.describe(topic));
        Checks.requireError(UnknownTopicOrPartitionException.class, () -> get(admin.deleteTopics(Collections.singleton(topic)).all()));
        // The name is free again, and the new topic is empty.
        client.topic("gone", 1);
        try (KafkaConsumer<byte[], byte[]> consumer = client.reader(topic, 1)) {
            Checks.requireEquals(0L, consumer.endOffsets(Client.partitions(topic, 1)).get(new TopicPartition(topic, 0)), "end of the new topic");
        }
    }
}
