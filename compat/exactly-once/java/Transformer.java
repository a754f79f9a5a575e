import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

/** Copies numbers from one topic to another, a batch a transaction. Whatever goes wrong ends it: it is started again. */
public class Transformer {
    public static void main(String[] args) {
        String address = args[0], from = args[1], to = args[2], group = args[3], id = args[4];
        Random random = new Random(Long.parseLong(args[5]));
        Properties common = new Properties();
        common.put("bootstrap.servers", address);
        common.put("reconnect.backoff.max.ms", "200");
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(producerSettings(common, id));
                KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(consumerSettings(common, group))) {
            producer.initTransactions();
            System.out.println("ready");
            consumer.subscribe(java.util.List.of(from));
            while (true) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
                if (!records.isEmpty()) {
                    copy(producer, consumer, records, to, random.nextInt(5) == 0);
                }
            }
        } catch (RuntimeException failure) {
            System.err.println(java.time.Instant.now() + " " + failure);
            System.exit(3);
        }
    }

    private static void copy(KafkaProducer<byte[], byte[]> producer, KafkaConsumer<byte[], byte[]> consumer,
            ConsumerRecords<byte[], byte[]> records, String to, boolean abort) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        producer.beginTransaction();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            producer.send(new ProducerRecord<>(to, record.partition(), record.key(), record.value()));
            offsets.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
        }
        producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
        if (!abort) {
            producer.commitTransaction();
            return;
        }
        producer.abortTransaction();
        for (TopicPartition partition : records.partitions()) {
            consumer.seek(partition, records.records(partition).get(0).offset());
        }
    }

    private static Properties producerSettings(Properties common, String id) {
        Properties settings = bytes(common, "org.apache.kafka.common.serialization.ByteArraySerializer", "serializer");
        settings.put("transactional.id", id);
        settings.put("transaction.timeout.ms", "20000");
        settings.put("max.block.ms", "30000");
        return settings;
    }

    private static Properties consumerSettings(Properties common, String group) {
        Properties settings = bytes(common, "org.apache.kafka.common.serialization.ByteArrayDeserializer", "deserializer");
        settings.put("group.id", group);
        settings.put("enable.auto.commit", "false");
        settings.put("isolation.level", "read_committed");
        settings.put("auto.offset.reset", "earliest");
        settings.put("session.timeout.ms", "6000");
        settings.put("heartbeat.interval.ms", "1000");
        settings.put("max.poll.records", "300");
        return settings;
    }

    private static Properties bytes(Properties common, String type, String kind) {
        Properties settings = new Properties();
        settings.putAll(common);
        settings.put("key." + kind, type);
        settings.put("value." + kind, type);
        return settings;
    }
}
