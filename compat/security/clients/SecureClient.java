// Kafka's Java client: ADDRESS MECHANISM USER SECRET TOPIC.
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

public final class SecureClient {
    private static final String PACKAGE = "org.apache.kafka.common.security.";

    public static void main(String[] arguments) throws Exception {
        RoundTrip.make(config(arguments[0], arguments[1], arguments[2], arguments[3]), arguments[4], true);
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
