package milena;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

import org.apache.kafka.common.config.types.Password;

/** What the settings that a test asks for become for a node. */
public final class Settings {
    private static final Pattern PLUGINS = Pattern.compile("authorizer\\.class\\.name|.*\\.policy\\.class\\.name"
        + "|client\\.quota\\.callback\\.class|metric\\.reporters|.*principal\\.builder\\.class"
        + "|remote\\.log\\.(storage|metadata).*|.*replica\\.selector\\.class|group\\.(consumer|share)\\.assignors"
        + "|.*sasl\\.(server|login)\\.callback\\.handler\\.class|.*ssl\\.engine\\.factory\\.class|security\\.providers");

    /** Classes that allow everything, or say what is so anyway: without them a broker does the same. */
    private static final Set<String> HARMLESS = Set.of("kafka.server.AlterCredentialsTest$TestStandardAuthorizer",
        "kafka.server.AlterCredentialsTest$TestPrincipalBuilderReturningAuthorized",
        "kafka.server.RequestQuotaTest$KraftTestAuthorizer", "kafka.server.RequestQuotaTest$TestPrincipalBuilder");

    /** Principal builders of tests that a rule for the names of certificates can stand for. */
    private static final Map<String, String> RULES = Map.of("kafka.api.SslEndToEndAuthorizationTest$TestPrincipalBuilder",
        "RULE:^O=A server,CN=.*$/server/,RULE:^O=A .*,CN=super-user$/server/,DEFAULT");

    /** Principal builders of tests that a principal for each listener can stand for; "*" is any listener. */
    private static final Map<String, Map<String, String>> PRINCIPALS = Map.of(
        "kafka.api.AbstractAuthorizerIntegrationTest$PrincipalBuilder",
        Map.of("broker", "User:broker", "controller", "User:broker", "client", "User:client"),
        "org.apache.kafka.clients.security.GroupAuthorizerIntegrationTest$GroupPrincipalBuilder",
        Map.of("broker", "Group:broker", "controller", "Group:broker", "external", "Group:client"),
        "kafka.api.PlaintextEndToEndAuthorizationTest$TestClientPrincipalBuilder", Map.of("*", "User:client"),
        "kafka.api.PlaintextEndToEndAuthorizationTest$TestServerPrincipalBuilder", Map.of("*", "User:server"));
    private static final String BUILDER = "principal.builder.class";

    /** What Milena does itself. */
    private static final Set<String> OWN = Set.of(
            "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "org.apache.kafka.common.replica.RackAwareReplicaSelector");

    private Settings() { }

    /** As it stands in a file of properties. */
    public static String text(Object value) {
        if (value instanceof Password) return ((Password) value).value();
        if (value instanceof List) return String.join(",", ((List<?>) value).stream().map(Settings::text).toList());
        if (value instanceof Class) return ((Class<?>) value).getName();
        return String.valueOf(value);
    }

    /** No test that needs a class in the broker's JVM goes on. */
    public static void refusePlugins(Map<String, String> settings) {
        String builder = settings.get(BUILDER);
        if (builder != null && RULES.containsKey(builder) && !settings.getOrDefault("ssl.client.auth", "").isEmpty()) {
            settings.remove(BUILDER);
            settings.put("ssl.principal.mapping.rules", RULES.get(builder));
        }
        settings.forEach((key, value) -> {
            if (value.isEmpty() || HARMLESS.contains(value) || OWN.contains(value) || PRINCIPALS.containsKey(value)) return;
            if (PLUGINS.matcher(key).matches()) throw Needs.plugin(key + "=" + value);
        });
    }

    /** Kafka's test kit turns on what is not released, and some tests use it; here nothing unreleased is served. */
    public static void common(Map<String, String> settings) {
        settings.values().removeAll(HARMLESS);
        settings.put("unstable.feature.versions.enable", "false");
        settings.put("unstable.api.versions.enable", "false");
        // A broker stops when all others have told the controller that they know who leads now.
        settings.putIfAbsent("broker.heartbeat.interval.ms", "200");
        if (Boolean.getBoolean("milena.strict")) settings.put("milena.strict.kafka", "true");
    }

    /** Whether who comes by this listener has a principal that is no super user. */
    static boolean mayBeRefused(Map<String, String> settings, String listener) {
        String principal = forMilena(settings).get("listener.name." + listener.toLowerCase(Locale.ROOT) + ".milena.plaintext.principal");
        return principal != null && !List.of(settings.getOrDefault("super.users", "").split(";")).contains(principal);
    }

    /** As Milena reads them: principals of listeners in place of the classes that build them. */
    static Map<String, String> forMilena(Map<String, String> settings) {
        Map<String, String> result = new TreeMap<>();
        settings.forEach((key, value) -> {
            if (key.endsWith(BUILDER) && PRINCIPALS.containsKey(value)) {
                String prefix = key.substring(0, key.length() - BUILDER.length());
                PRINCIPALS.get(value).forEach((listener, principal) -> result.put(
                    (listener.equals("*") ? prefix : "listener.name." + listener + ".") + "milena.plaintext.principal", principal));
            } else {
                result.put(key, value);
            }
        });
        return result;
    }

    /** As Kafka's classes read them. */
    static Properties forKafka(Map<String, String> settings) {
        Properties properties = new Properties();
        settings.forEach((key, value) -> {
            if (!key.startsWith("milena.")) properties.put(key, value);
        });
        return properties;
    }
}
