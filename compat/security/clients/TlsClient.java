// Kafka's Java client: ADDRESS TRUSTED CERTIFICATE KEY TOPIC; files of PEM, "-" for no certificate.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

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
        RoundTrip.make(config, topic, false);
    }
}
