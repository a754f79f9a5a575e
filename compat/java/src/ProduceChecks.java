import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.record.TimestampType;

/** KafkaProducer: codecs, acks, idempotence, timestamps, sizes, topics created by use. */
final class ProduceChecks {
    private static final int PARTITIONS = 4;

    private final Client client;

    ProduceChecks(Client client) {
        this.client = client;
    }

    void run(Checks checks) {
        checks.check("produce to a topic that does not exist", this::autoCreate);
        codecs(checks);
        checks.check("produce with LogAppendTime", this::logAppendTime);
        checks.check("produce records of 900 KB", this::largeRecords);
        checks.check("produce a record that is too large", this::tooLarge);
        checks.check("produce to a forbidden topic name", this::badName);
        checks.check("produce 20,000 records pipelined, idempotent", this::stream);
    }

    private void autoCreate() throws Exception {
        String topic = client.name("auto");
        List<Rec> records = Client.records("auto", 10, 1, Client.TIMESTAMP_MS);
        client.produce(topic, records);
        Rec.requireSame(records, Client.recs(client.readAll(topic, 1, records.size())));
        Checks.requireEquals(1, client.describe(topic).get(topic).partitions().size(), "number of partitions");
    }

    /** One consumer reads along while producers of every kind come and go. */
    private void codecs(Checks checks) {
        String topic = client.name("codecs");
        long[] ends = new long[PARTITIONS];
        List<KafkaConsumer<byte[], byte[]>> consumer = new ArrayList<>();
        checks.check("consumer of an empty topic", () -> {
            client.topic("codecs", PARTITIONS);
            consumer.add(client.reader(topic, PARTITIONS, "fetch.max.wait.ms", "500"));
            Checks.require(consumer.get(0).poll(java.time.Duration.ofMillis(100)).isEmpty(), "nothing is there");
        });
        for (String codec : new String[] {"none", "gzip", "snappy", "lz4", "zstd"}) {
            for (String acks : new String[] {"0", "1", "all", "idempotent"}) {
                checks.check("produce " + codec + " acks=" + acks, () -> {
                    String label = codec + "-" + acks;
                    List<Rec> records = Client.records(label, 60, PARTITIONS, Client.TIMESTAMP_MS + ends[0] * 1000);
                    boolean idempotent = acks.equals("idempotent");
                    List<RecordMetadata> answers = client.produce(topic, records, "compression.type", codec, "linger.ms", "5",
                        "acks", idempotent ? "all" : acks, "enable.idempotence", idempotent ? "true" : "false");
                    List<ConsumerRecord<byte[], byte[]>> read = Client.poll(consumer.get(0), records.size());
                    Rec.requireSame(records, Client.recs(read));
                    checkAnswers(records, answers, acks.equals("0"), ends);
                    checkOffsets(read, ends);
                    for (int p = 0; p < PARTITIONS; p++) {
                        ends[p] += records.size() / PARTITIONS;
                    }
                });
            }
        }
        if (!consumer.isEmpty()) {
            consumer.get(0).close();
        }
        checks.check("all of that read again from the beginning", () -> {
            int expected = (int) (ends[0] * PARTITIONS);
            Checks.requireEquals(20 * 60, expected, "records produced before");
            checkOffsets(client.readAll(topic, PARTITIONS, expected), new long[PARTITIONS]);
        });
        checks.check("all of that read again with read_committed and small fetches", () -> {
            int expected = (int) (ends[0] * PARTITIONS);
            checkOffsets(client.readAll(topic, PARTITIONS, expected, "isolation.level", "read_committed",
                "max.partition.fetch.bytes", "700", "fetch.max.bytes", "1500"), new long[PARTITIONS]);
        });
    }

    private static void checkAnswers(List<Rec> records, List<RecordMetadata> answers, boolean noAnswers, long[] ends) {
        long[] next = ends.clone();
        for (int i = 0; i < records.size(); i++) {
            RecordMetadata answer = answers.get(i);
            int partition = records.get(i).partition;
            Checks.requireEquals(partition, answer.partition(), "partition answered");
            Checks.requireEquals(noAnswers ? -1L : next[partition]++, answer.offset(), "offset answered for record " + i);
            Checks.requireEquals(records.get(i).timestamp, answer.timestamp(), "timestamp answered");
        }
    }

    /** Offsets are contiguous from the given ends on. */
    private static void checkOffsets(List<ConsumerRecord<byte[], byte[]>> records, long[] ends) {
        long[] next = ends.clone();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            Checks.requireEquals(next[record.partition()]++, record.offset(), "offset in partition " + record.partition());
            Checks.requireEquals(TimestampType.CREATE_TIME, record.timestampType(), "timestamp type");
        }
    }

    private void logAppendTime() throws Exception {
        for (String codec : new String[] {"none", "lz4"}) {
            String topic = client.topic("append-time-" + codec, 1, "message.timestamp.type", "LogAppendTime");
            long before = System.currentTimeMillis();
            List<Rec> records = Client.records("append-time", 20, 1, Client.TIMESTAMP_MS);
            List<RecordMetadata> answers = client.produce(topic, records, "compression.type", codec);
            long after = System.currentTimeMillis();
            List<ConsumerRecord<byte[], byte[]>> read = client.readAll(topic, 1, records.size());
            for (int i = 0; i < read.size(); i++) {
                ConsumerRecord<byte[], byte[]> record = read.get(i);
                Checks.requireEquals(TimestampType.LOG_APPEND_TIME, record.timestampType(), "timestamp type");
                Checks.require(record.timestamp() >= before && record.timestamp() <= after, "timestamp " + record.timestamp() + " is of the append");
                Checks.requireEquals(answers.get(i).timestamp(), record.timestamp(), "timestamp answered and stored");
            }
        }
    }

    private void largeRecords() throws Exception {
        String topic = client.topic("large", 1);
        Random random = new Random(7);
        List<Rec> records = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            byte[] value = new byte[900_000];
            random.nextBytes(value);
            records.add(new Rec(0, Client.TIMESTAMP_MS + i, Rec.bytes("large"), value, Collections.emptyList()));
        }
        client.produce(topic, records.subList(0, 3), "compression.type", "none", "batch.size", "1000000");
        client.produce(topic, records.subList(3, 6), "compression.type", "gzip");
        Rec.requireSame(records, Client.recs(client.readAll(topic, 1, records.size())));
        Rec.requireSame(records, Client.recs(client.readAll(topic, 1, records.size(), "max.partition.fetch.bytes", "1000", "fetch.max.bytes", "1000")));
    }

    private void tooLarge() throws Exception {
        String topic = client.topic("too-large", 1);
        byte[] value = new byte[1_100_000];
        try (KafkaProducer<byte[], byte[]> producer = client.producer("max.request.size", "5000000", "compression.type", "none")) {
            Checks.requireError(RecordTooLargeException.class,
                () -> producer.send(new ProducerRecord<>(topic, value)).get(30, TimeUnit.SECONDS));
            // The connection and the producer go on.
            Checks.requireEquals(0L, producer.send(new ProducerRecord<>(topic, Rec.bytes("small"))).get(30, TimeUnit.SECONDS).offset(), "offset after it");
        }
    }

    private void badName() throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = client.producer("max.block.ms", "20000")) {
            Checks.requireError(InvalidTopicException.class,
                () -> producer.send(new ProducerRecord<>("no spaces, please", Rec.bytes("x"))).get(30, TimeUnit.SECONDS));
        }
    }

    private void stream() throws Exception {
        String topic = client.topic("stream", PARTITIONS);
        List<Rec> records = new ArrayList<>();
        for (int i = 0; i < 20_000; i++) {
            records.add(new Rec(i % PARTITIONS, Client.TIMESTAMP_MS + i, null, Rec.bytes("stream record number " + i + " of a long row of records"), Collections.emptyList()));
        }
        List<RecordMetadata> answers = client.produce(topic, records, "enable.idempotence", "true", "batch.size", "4000");
        checkAnswers(records, answers, false, new long[PARTITIONS]);
        Rec.requireSame(records, Client.recs(client.readAll(topic, PARTITIONS, records.size())));
    }
}
