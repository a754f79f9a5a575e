// What the Java clients here do with their settings: one record out and in again. Prints "in", "refused: ..." where the broker
// says who the client is not, or what else went wrong.
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

final class RoundTrip {
    // In a group of the topic's name, or without one.
    static void make(Properties config, String topic, boolean inGroup) throws Exception {
        try {
            try (KafkaProducer<String, String> producer =
                     new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
                producer.send(new ProducerRecord<>(topic, inGroup ? null : 0, null, "hello")).get();
            }
            if (inGroup) {
                config.put("group.id", topic);
                config.put("auto.offset.reset", "earliest");
            }
            try (KafkaConsumer<String, String> consumer =
                     new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
                if (inGroup) {
                    consumer.subscribe(List.of(topic));
                } else {
                    TopicPartition partition = new TopicPartition(topic, 0);
                    consumer.assign(List.of(partition));
                    consumer.seekToBeginning(List.of(partition));
                }
                for (int i = 0; i < 40; i++) {
                    ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(500));
                    if (!records.isEmpty()) {
                        System.out.println("in");
                        return;
                    }
                }
            }
            System.out.println("no record");
        } catch (ExecutionException e) {
            tell(e.getCause());
        } catch (RuntimeException e) {
            tell(e);
        }
    }

    private static void tell(Throwable e) {
        for (Throwable each = e; each != null; each = each.getCause()) {
            if (each instanceof AuthenticationException) {
                System.out.println("refused: " + each.getMessage());
                return;
            }
        }
        System.out.println(e.toString().replace('\n', ' '));
    }
}
