package milena;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** What the settings that a test asks for become for a broker program. */
public final class Settings {
    /** How many brokers a cluster may have. */
    public static final int MOST_BROKERS = Integer.getInteger("milena.brokers", 1);

    private static final Pattern PLUGINS = Pattern.compile("authorizer\\.class\\.name|.*\\.policy\\.class\\.name"
        + "|client\\.quota\\.callback\\.class|metric\\.reporters|principal\\.builder\\.class"
        + "|remote\\.log\\.(storage|metadata).*|.*replica\\.selector\\.class|group\\.(consumer|share)\\.assignors");
    private static final Pattern REPLICAS = Pattern.compile(".*replication\\.factor|.*min\\.isr|min\\.insync\\.replicas");
    private static final List<String> SYSTEM_TOPICS = List.of("offsets.topic.replication.factor",
        "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
        "share.coordinator.state.topic.replication.factor", "share.coordinator.state.topic.min.isr");

    /** Classes that allow everything, or say what is so anyway: without them a broker does the same. */
    private static final Set<String> HARMLESS = Set.of("kafka.server.AlterCredentialsTest$TestStandardAuthorizer",
        "kafka.server.AlterCredentialsTest$TestPrincipalBuilderReturningAuthorized",
        "kafka.server.RequestQuotaTest$KraftTestAuthorizer", "kafka.server.RequestQuotaTest$TestPrincipalBuilder");

    /** What Milena does itself. */
    private static final Set<String> OWN = Set.of("org.apache.kafka.metadata.authorizer.StandardAuthorizer");

    private Settings() { }

    /** No test that needs a class in the broker's JVM goes on. */
    public static void refusePlugins(Map<String, String> settings) {
        settings.forEach((key, value) -> {
            if (value.isEmpty() || HARMLESS.contains(value) || OWN.contains(value)) return;
            if (PLUGINS.matcher(key).matches()) throw Needs.plugin(key + "=" + value);
        });
    }

    /** As many replicas as there are brokers. */
    public static void squeeze(Map<String, String> settings, int brokers) {
        for (String key : SYSTEM_TOPICS) settings.putIfAbsent(key, Integer.toString(brokers));
        settings.replaceAll((key, value) -> REPLICAS.matcher(key).matches() && value.matches("\\d{1,4}")
            && Integer.parseInt(value) > brokers ? Integer.toString(brokers) : value);
    }

    /** Kafka's test kit turns on what is not released, and some tests use it; here nothing unreleased is served. */
    public static void common(Map<String, String> settings) {
        settings.values().removeAll(HARMLESS);
        settings.put("unstable.feature.versions.enable", "false");
        settings.put("unstable.api.versions.enable", "false");
        if (Boolean.getBoolean("milena.strict")) settings.put("milena.strict.kafka", "true");
    }
}
