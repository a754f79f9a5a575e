// Kafka's Java client: ADDRESS MECHANISM USER SECRET TOPIC.
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
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class SecureClient {
    private static final String PACKAGE = "org.apache.kafka.common.security.";

    public static void main(String[] arguments) throws Exception {
        String topic = arguments[4];
        try {
            Properties config = config(arguments[0], arguments[1], arguments[2], arguments[3]);
            try (KafkaProducer<String, String> producer =
                     new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
                producer.send(new ProducerRecord<>(topic, "hello")).get();
            }
            config.put("group.id", topic);
            config.put("auto.offset.reset", "earliest");
            try (KafkaConsumer<String, String> consumer =
                     new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
                consumer.subscribe(List.of(topic));
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

    private static Properties config(String address, String mechanism, String user, String secret) throws Exception {
        Properties config = new Properties();
        config.put("bootstrap.servers", address);
        config.put("security.protocol", "SASL_PLAINTEXT");
        config.put("sasl.mechanism", mechanism);
        config.put("max.block.ms", "20000");
        if (mechanism.equals("OAUTHBEARER")) {
            Path file = Files.createTempFile("token", ".jwt");
            file.toFile().deleteOnExit();
            Files.writeString(file, secret);
            String url = file.toUri().toString();
            System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.urls", url);
            System.setProperty("org.apache.kafka.sasl.oauthbearer.allowed.files", file.toString());
            config.put("sasl.oauthbearer.token.endpoint.url", url);
            config.put("sasl.oauthbearer.jwt.retriever.class", PACKAGE + "oauthbearer.FileJwtRetriever");
            config.put("sasl.oauthbearer.jwt.validator.class", PACKAGE + "oauthbearer.ClientJwtValidator");
            config.put("sasl.login.callback.handler.class", PACKAGE + "oauthbearer.OAuthBearerLoginCallbackHandler");
            config.put("sasl.jaas.config", PACKAGE + "oauthbearer.OAuthBearerLoginModule required;");
        } else {
            String module = mechanism.equals("PLAIN") ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
            config.put("sasl.jaas.config", PACKAGE + module + " required username=\"" + user + "\" password=\"" + secret + "\";");
        }
        return config;
    }
}
