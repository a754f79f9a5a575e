// Kafka's Java client: ADDRESS TRUSTED CERTIFICATE KEY TOPIC; files of PEM, "-" for no certificate.
import java.nio.file.Files;
import java.nio.file.Path;
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

public final class TlsClient {
    public static void main(String[] arguments) throws Exception {
        String topic = arguments[4];
        Properties config = new Properties();
        config.put("bootstrap.servers", arguments[0]);
        config.put("security.protocol", "SSL");
        config.put("max.block.ms", "20000");
        config.put("ssl.truststore.type", "PEM");
        config.put("ssl.truststore.certificates", Files.readString(Path.of(arguments[1])));
        if (!arguments[2].equals("-")) {
            config.put("ssl.keystore.type", "PEM");
            config.put("ssl.keystore.certificate.chain", Files.readString(Path.of(arguments[2])));
            config.put("ssl.keystore.key", Files.readString(Path.of(arguments[3])));
        }
        try {
            try (KafkaProducer<String, String> producer =
                     new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
                producer.send(new ProducerRecord<>(topic, 0, null, "hello")).get();
            }
            try (KafkaConsumer<String, String> consumer =
                     new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
                TopicPartition partition = new TopicPartition(topic, 0);
                consumer.assign(List.of(partition));
                consumer.seekToBeginning(List.of(partition));
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
