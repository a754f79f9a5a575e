import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** KafkaConsumer with partitions it chose itself. */
final class ConsumeChecks {
    private static final int COUNT = 100;

    private final Client client;
    private String topic;
    private TopicPartition first;
    private TopicPartition second;
    private List<Rec> records;

    ConsumeChecks(Client client) {
        this.client = client;
    }

    void run(Checks checks) {
        checks.check("consume what two producers wrote", this::prepare);
        checks.check("partitionsFor and listTopics", this::partitionsFor);
        checks.check("beginningOffsets and endOffsets", this::ends);
        checks.check("seek, position, seekToEnd", this::seek);
        checks.check("offsetsForTimes", this::offsetsForTimes);
        checks.check("pause and resume", this::pause);
        checks.check("a waiting consumer gets a record that comes later", this::wakeUp);
        checks.check("commitSync and committed without a subscription", this::commit);
        checks.check("auto.offset.reset none and latest", this::reset);
    }

    private void prepare() throws Exception {
        topic = client.topic("consume", 2);
        first = new TopicPartition(topic, 0);
        second = new TopicPartition(topic, 1);
        records = new ArrayList<>();
        for (int i = 0; i < COUNT; i++) {
            // Partition 0 has a record every second, in batches of five; partition 1 all within a second.
            records.add(Rec.make("consume", i, i % 2, Client.TIMESTAMP_MS + (i % 2 == 0 ? i / 2 * 1000L : i)));
        }
        for (int i = 0; i < COUNT; i += 10) {
            client.produce(topic, records.subList(i, i + 10), "compression.type", i % 20 == 0 ? "none" : "zstd");
        }
        Rec.requireSame(records, Client.recs(client.readAll(topic, 2, COUNT)));
    }

    private List<Rec> ofPartition(int partition) {
        List<Rec> result = new ArrayList<>();
        for (Rec record : records) {
            if (record.partition == partition) {
                result.add(record);
            }
        }
        return result;
    }

    private void partitionsFor() {
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer()) {
            List<PartitionInfo> infos = consumer.partitionsFor(topic);
            Checks.requireEquals(2, infos.size(), "number of partitions");
            for (PartitionInfo info : infos) {
                Checks.require(info.leader() != null, "a leader");
                Checks.requireEquals(1, info.inSyncReplicas().length, "in-sync replicas");
            }
            Checks.requireEquals(2, consumer.listTopics().get(topic).size(), "number of partitions in listTopics");
        }
    }

    private void ends() {
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer()) {
            List<TopicPartition> both = Arrays.asList(first, second);
            Checks.requireEquals(0L, Client.sum(consumer.beginningOffsets(both).values()), "beginnings");
            Checks.requireEquals((long) COUNT, Client.sum(consumer.endOffsets(both).values()), "ends");
        }
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer("isolation.level", "read_committed")) {
            Checks.requireEquals(COUNT / 2L, consumer.endOffsets(Collections.singleton(first)).get(first), "end, read_committed");
        }
    }

    private void seek() {
        List<Rec> expected = ofPartition(0);
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer("max.poll.records", "10")) {
            consumer.assign(Collections.singleton(first));
            // 22 is within a batch: the records before it in the batch must not be seen.
            consumer.seek(first, 22);
            List<ConsumerRecord<byte[], byte[]>> read = Client.poll(consumer, 28);
            Checks.requireEquals(22L, read.get(0).offset(), "first offset after seek");
            Rec.requireSame(expected.subList(22, 50), Client.recs(read));
            Checks.requireEquals(50L, consumer.position(first), "position at the end");
            consumer.seek(first, 3);
            Checks.requireEquals(3L, Client.poll(consumer, 1).get(0).offset(), "first offset after seeking back");
            consumer.seekToEnd(Collections.singleton(first));
            Checks.requireEquals(50L, consumer.position(first), "position after seekToEnd");
            consumer.seekToBeginning(Collections.singleton(first));
            Checks.requireEquals(0L, consumer.position(first), "position after seekToBeginning");
        }
    }

    private void offsetsForTimes() {
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer()) {
            long[][] cases = {
                {Client.TIMESTAMP_MS - 1, 0, Client.TIMESTAMP_MS},
                {Client.TIMESTAMP_MS, 0, Client.TIMESTAMP_MS},
                {Client.TIMESTAMP_MS + 1, 1, Client.TIMESTAMP_MS + 1000},
                {Client.TIMESTAMP_MS + 22_000, 22, Client.TIMESTAMP_MS + 22_000},
                {Client.TIMESTAMP_MS + 22_500, 23, Client.TIMESTAMP_MS + 23_000},
                {Client.TIMESTAMP_MS + 49_000, 49, Client.TIMESTAMP_MS + 49_000},
            };
            for (long[] one : cases) {
                OffsetAndTimestamp found = consumer.offsetsForTimes(Collections.singletonMap(first, one[0])).get(first);
                Checks.require(found != null, "an offset for time " + one[0]);
                Checks.requireEquals(one[1], found.offset(), "offset for time +" + (one[0] - Client.TIMESTAMP_MS));
                Checks.requireEquals(one[2], found.timestamp(), "timestamp for time +" + (one[0] - Client.TIMESTAMP_MS));
            }
            Map<TopicPartition, Long> query = new HashMap<>();
            query.put(first, Client.TIMESTAMP_MS + 49_001);
            query.put(second, Client.TIMESTAMP_MS + 51);
            Map<TopicPartition, OffsetAndTimestamp> found = consumer.offsetsForTimes(query);
            Checks.require(found.get(first) == null, "nothing after the last time");
            Checks.requireEquals(25L, found.get(second).offset(), "offset in the other partition");
        }
    }

    private void pause() {
        try (KafkaConsumer<byte[], byte[]> consumer = client.reader(topic, 2)) {
            consumer.pause(Collections.singleton(first));
            Rec.requireSame(ofPartition(1), Client.recs(Client.poll(consumer, 50)));
            Checks.require(consumer.poll(Duration.ofMillis(200)).isEmpty(), "nothing of the paused partition");
            consumer.resume(Collections.singleton(first));
            Rec.requireSame(ofPartition(0), Client.recs(Client.poll(consumer, 50)));
        }
    }

    private void wakeUp() throws Exception {
        String late = client.topic("late", 1);
        try (KafkaConsumer<byte[], byte[]> consumer = client.reader(late, 1, "fetch.max.wait.ms", "3000");
             KafkaProducer<byte[], byte[]> producer = client.producer()) {
            // The first poll leaves a fetch waiting at the broker; each record must end that wait.
            consumer.poll(Duration.ofMillis(100));
            for (int i = 0; i < 5; i++) {
                List<Rec> one = Collections.singletonList(Rec.make("late", i + 1, 0, Client.TIMESTAMP_MS + i));
                long start = System.nanoTime();
                client.send(producer, late, one);
                Rec.requireSame(one, Client.recs(Client.poll(consumer, 1)));
                long tookMs = (System.nanoTime() - start) / 1_000_000;
                Checks.require(tookMs < 2000, "the record comes before the wait is over; it took " + tookMs + " ms");
            }
        }
    }

    private void commit() throws Exception {
        String group = client.name("assigned-group");
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer("group.id", group)) {
            consumer.assign(Arrays.asList(first, second));
            Checks.require(Client.committed(consumer, first) == null, "nothing is committed at first");
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            offsets.put(first, new OffsetAndMetadata(17, "a note"));
            offsets.put(second, new OffsetAndMetadata(4));
            consumer.commitSync(offsets);
            Checks.requireEquals(17L, Client.committed(consumer, first).offset(), "committed offset");
            Checks.requireEquals("a note", Client.committed(consumer, first).metadata(), "committed metadata");
        }
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer("group.id", group)) {
            consumer.assign(Arrays.asList(first, second));
            Checks.requireEquals(17L, consumer.position(first), "position in partition 0");
            Checks.requireEquals(4L, consumer.position(second), "position in partition 1");
            Checks.requireEquals(COUNT - 21, Client.poll(consumer, COUNT - 21).size(), "records left");
            consumer.commitSync();
            Checks.requireEquals(50L, Client.committed(consumer, first).offset(), "committed at the end");
        }
    }

    private void reset() throws Exception {
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer("auto.offset.reset", "none", "group.id", client.name("reset-none"))) {
            consumer.assign(Collections.singleton(first));
            Checks.requireError(NoOffsetForPartitionException.class, () -> Client.poll(consumer, 1));
            consumer.seek(first, 5000);
            Checks.requireError(OffsetOutOfRangeException.class, () -> Client.poll(consumer, 1));
        }
        String fresh = client.topic("latest", 1);
        TopicPartition partition = new TopicPartition(fresh, 0);
        client.produce(fresh, Client.records("before", 3, 1, Client.TIMESTAMP_MS));
        try (KafkaConsumer<byte[], byte[]> consumer = client.consumer("auto.offset.reset", "latest")) {
            consumer.assign(Collections.singleton(partition));
            Checks.requireEquals(3L, consumer.position(partition), "position");
            List<Rec> after = Client.records("after", 3, 1, Client.TIMESTAMP_MS);
            client.produce(fresh, after);
            Rec.requireSame(after, Client.recs(Client.poll(consumer, 3)));
        }
    }
}
