import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.DescribeTopicsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What the checks need of Kafka's client, in a form that runs with every release from 2.1 on: compiled against 2.1,
 * and by reflection where a later release has taken a method away.
 */
final class Client {
    static final long DEADLINE_MS = 30_000;
    /** Timestamps of records begin an hour ago: retention would delete records of long ago under our hands. */
    static final long TIMESTAMP_MS = System.currentTimeMillis() - 3_600_000;
    private static final Duration POLL = Duration.ofMillis(100);

    final String bootstrap;
    final String prefix;
    final AdminClient admin;
    private final boolean slowCreate;

    /**
     * With slowCreate a new topic is used only once its partitions answer. Apache Kafka needs it: it answers CreateTopics
     * before the broker leads the partitions, so the first of a row of idempotent batches may be refused while the second
     * is taken, and then the first never fits any more.
     */
    Client(String bootstrap, String prefix, boolean slowCreate) {
        this.bootstrap = bootstrap;
        this.prefix = prefix;
        this.slowCreate = slowCreate;
        this.admin = AdminClient.create(with());
    }

    String name(String suffix) {
        return prefix + "-" + suffix;
    }

    /** Creates a topic and returns its name. */
    String topic(String suffix, int partitions, String... configs) throws Exception {
        String topic = name(suffix);
        Map<String, String> settings = new HashMap<>();
        for (int i = 0; i < configs.length; i += 2) {
            settings.put(configs[i], configs[i + 1]);
        }
        admin.createTopics(Collections.singleton(new NewTopic(topic, partitions, (short) 1).configs(settings))).all().get(30, TimeUnit.SECONDS);
        if (slowCreate) {
            try (KafkaConsumer<byte[], byte[]> consumer = consumer()) {
                consumer.endOffsets(partitions(topic, partitions));
            }
        }
        return topic;
    }

    KafkaProducer<byte[], byte[]> producer(String... settings) {
        Properties all = with(settings);
        return new KafkaProducer<>(all, new ByteArraySerializer(), new ByteArraySerializer());
    }

    KafkaConsumer<byte[], byte[]> consumer(String... settings) {
        Properties all = with(settings);
        all.putIfAbsent("auto.offset.reset", "earliest");
        all.putIfAbsent("enable.auto.commit", "false");
        return new KafkaConsumer<>(all, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Properties with(String... settings) {
        Properties all = new Properties();
        Security.putInto(all);
        all.put("bootstrap.servers", bootstrap);
        for (int i = 0; i < settings.length; i += 2) {
            all.put(settings[i], settings[i + 1]);
        }
        return all;
    }

    /** Sends the records and returns what the broker answered for each, in the same order. */
    List<RecordMetadata> send(KafkaProducer<byte[], byte[]> producer, String topic, List<Rec> records) throws Exception {
        List<Future<RecordMetadata>> futures = new ArrayList<>();
        for (Rec record : records) {
            futures.add(producer.send(record.forTopic(topic)));
        }
        producer.flush();
        List<RecordMetadata> answers = new ArrayList<>();
        for (Future<RecordMetadata> future : futures) {
            answers.add(future.get(30, TimeUnit.SECONDS));
        }
        return answers;
    }

    List<RecordMetadata> produce(String topic, List<Rec> records, String... settings) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
            return send(producer, topic, records);
        }
    }

    static List<Rec> records(String label, int count, int partitions, long firstTimestamp) {
        List<Rec> result = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            result.add(Rec.make(label, i, i % partitions, firstTimestamp + i));
        }
        return result;
    }

    /** Polls until the count is there; a record more than that, in the same polls, is an error of the caller's compare. */
    static List<ConsumerRecord<byte[], byte[]>> poll(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> result = new ArrayList<>();
        long end = System.nanoTime() + DEADLINE_MS * 1_000_000;
        while (result.size() < count) {
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                result.add(record);
            }
            if (System.nanoTime() > end) {
                throw new AssertionError("only " + result.size() + " of " + count + " records came within " + DEADLINE_MS + " ms");
            }
        }
        return result;
    }

    static List<Rec> recs(List<ConsumerRecord<byte[], byte[]>> records) {
        List<Rec> result = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            result.add(Rec.of(record));
        }
        return result;
    }

    /** A consumer without a group at the beginning of the topic's partitions. */
    KafkaConsumer<byte[], byte[]> reader(String topic, int partitions, String... settings) {
        KafkaConsumer<byte[], byte[]> consumer = consumer(settings);
        List<TopicPartition> assignment = partitions(topic, partitions);
        consumer.assign(assignment);
        consumer.seekToBeginning(assignment);
        return consumer;
    }

    /** Everything in the topic, which must be as many records as said and no more. */
    List<ConsumerRecord<byte[], byte[]>> readAll(String topic, int partitions, int count, String... settings) {
        try (KafkaConsumer<byte[], byte[]> consumer = reader(topic, partitions, settings)) {
            List<ConsumerRecord<byte[], byte[]>> records = poll(consumer, count);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions(topic, partitions));
            for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
                Checks.requireEquals(end.getValue(), consumer.position(end.getKey()), "position at the end of " + end.getKey());
            }
            return records;
        }
    }

    static List<TopicPartition> partitions(String topic, int count) {
        List<TopicPartition> result = new ArrayList<>();
        for (int p = 0; p < count; p++) {
            result.add(new TopicPartition(topic, p));
        }
        return result;
    }

    interface Condition {
        boolean holds() throws Exception;
    }

    /** Waits for what the broker does in its own time. */
    static void await(String what, Condition condition) throws Exception {
        long end = System.nanoTime() + DEADLINE_MS * 1_000_000;
        while (!condition.holds()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("not within " + DEADLINE_MS + " ms: " + what);
            }
            Thread.sleep(20);
        }
    }

    /** allTopicNames() since 3.1; all(), its name before, went with 4.0. */
    @SuppressWarnings("unchecked")
    Map<String, TopicDescription> describe(String... topics) throws Exception {
        DescribeTopicsResult result = admin.describeTopics(Arrays.asList(topics));
        Method all = method(DescribeTopicsResult.class, "allTopicNames");
        if (all == null) {
            all = method(DescribeTopicsResult.class, "all");
        }
        return ((org.apache.kafka.common.KafkaFuture<Map<String, TopicDescription>>) call(all, result)).get(30, TimeUnit.SECONDS);
    }

    /** committed(Set) since 2.4; committed(TopicPartition), its form before, went with 4.0. */
    @SuppressWarnings("unchecked")
    static OffsetAndMetadata committed(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition) throws Exception {
        Method ofSet = method(KafkaConsumer.class, "committed", java.util.Set.class);
        if (ofSet != null) {
            return ((Map<TopicPartition, OffsetAndMetadata>) call(ofSet, consumer, Collections.singleton(partition))).get(partition);
        }
        return (OffsetAndMetadata) call(method(KafkaConsumer.class, "committed", TopicPartition.class), consumer, partition);
    }

    static boolean hasClass(String name) {
        try {
            Class.forName(name);
            return true;
        } catch (ClassNotFoundException e) {
            return false;
        }
    }

    private static Method method(Class<?> type, String name, Class<?>... parameters) {
        try {
            return type.getMethod(name, parameters);
        } catch (NoSuchMethodException e) {
            return null;
        }
    }

    static Object call(Method method, Object target, Object... arguments) throws Exception {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof Exception) {
                throw (Exception) e.getCause();
            }
            throw e;
        }
    }

    static long sum(Collection<Long> values) {
        long result = 0;
        for (long value : values) {
            result += value;
        }
        return result;
    }
}
