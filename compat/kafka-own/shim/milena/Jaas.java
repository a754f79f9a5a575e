package milena;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.auth.login.Configuration;

import org.apache.kafka.common.security.JaasUtils;

/** What a test wrote into a JAAS file for its brokers becomes settings, as somebody would write them who has no JVM. */
public final class Jaas {
    private static final String SECTION = "KafkaServer";
    private static final Map<String, List<String>> MECHANISMS = Map.of("PlainLoginModule", List.of("plain"),
        "ScramLoginModule", List.of("scram-sha-256", "scram-sha-512"), "Krb5LoginModule", List.of("gssapi"),
        "OAuthBearerLoginModule", List.of("oauthbearer"));

    private Jaas() { }

    public static void toSettings(Map<String, String> settings) {
        if (System.getProperty(JaasUtils.JAVA_LOGIN_CONFIG_PARAM) == null) return;
        for (String pair : settings.getOrDefault("listener.security.protocol.map", "").split(",")) {
            String listener = pair.split(":")[0].toLowerCase(Locale.ROOT);
            if (!pair.contains(":SASL_")) continue;
            AppConfigurationEntry[] entries = Configuration.getConfiguration().getAppConfigurationEntry(listener + "." + SECTION);
            if (entries == null) entries = Configuration.getConfiguration().getAppConfigurationEntry(SECTION);
            if (entries != null) for (AppConfigurationEntry entry : entries) add(entry, listener, settings);
        }
    }

    private static void add(AppConfigurationEntry entry, String listener, Map<String, String> settings) {
        String module = entry.getLoginModuleName();
        String options = entry.getOptions().entrySet().stream()
            .map(option -> " " + option.getKey() + "=\"" + option.getValue() + "\"").collect(Collectors.joining());
        String flag = entry.getControlFlag() == LoginModuleControlFlag.REQUIRED ? "required" : "sufficient";
        for (String mechanism : MECHANISMS.getOrDefault(module.substring(module.lastIndexOf('.') + 1), List.of())) {
            settings.putIfAbsent("listener.name." + listener + "." + mechanism + ".sasl.jaas.config",
                module + " " + flag + options + ";");
            // Kafka's tokens in tests are signed by nobody.
            if (mechanism.equals("oauthbearer")) settings.putIfAbsent("milena.sasl.oauthbearer.unsecured.tokens", "true");
        }
    }
}
