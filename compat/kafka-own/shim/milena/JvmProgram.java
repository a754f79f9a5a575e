package milena;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

import kafka.server.BrokerServer;
import org.apache.kafka.common.network.ListenerName;
import org.apache.kafka.common.test.KafkaClusterTestKit;
import org.apache.kafka.common.test.TestKitNodes;
import org.apache.kafka.metadata.BrokerState;
import org.apache.kafka.metadata.bootstrap.BootstrapMetadata;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.MetadataVersion;

/** The control: Kafka's own broker in this JVM, as a program behind the shim. */
final class JvmProgram extends Program {
    private static final Pattern KITS_OWN = Pattern.compile("node.id|log.dirs|(advertised.)?listeners"
        + "|controller.quorum.voters|process.roles|milena\\..*");

    private KafkaClusterTestKit kit;

    JvmProgram(int id, Path dir) {
        super(id, dir);
        apis = Map.of((short) 68, (short) 1, (short) 76, (short) 1, (short) 88, (short) 1);
    }

    private BrokerServer broker() {
        return kit.brokers().get(id);
    }

    @Override
    public boolean running() {
        return kit != null && broker().brokerState() == BrokerState.RUNNING;
    }

    @Override
    public synchronized void start() {
        if (kit == null) {
            try {
                kit = newKit();
                kit.format();
                kit.startup();
                kit.waitForReadyBrokers();
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
            ports.replaceAll((name, port) -> name.equals("CONTROLLER")
                ? kit.controllers().get(id).socketServer().boundPort(new ListenerName(name))
                : broker().boundPort(new ListenerName(name)));
            settings.put("log.dirs", String.join(",", broker().config().logDirs()));
        } else {
            broker().startup();
        }
    }

    private KafkaClusterTestKit newKit() throws Exception {
        short newest = MetadataVersion.latestProduction().featureLevel();
        MetadataVersion version = MetadataVersion.fromFeatureLevel(levels.getOrDefault(MetadataVersion.FEATURE_NAME, newest));
        Map<String, Short> all = new TreeMap<>();
        Feature.PRODUCTION_FEATURES.forEach(feature -> all.put(feature.featureName(), feature.defaultLevel(version)));
        all.put(MetadataVersion.FEATURE_NAME, version.featureLevel());
        all.putAll(levels);
        TestKitNodes nodes = new TestKitNodes.Builder()
            .setBootstrapMetadata(BootstrapMetadata.fromVersions(version, all, "control"))
            .setCombined(true).setNumBrokerNodes(1).setNumControllerNodes(1).setNumDisksPerBroker(logDirs().size())
            .setBrokerListenerName(new ListenerName(settings.get("inter.broker.listener.name"))).build();
        KafkaClusterTestKit.Builder builder = new KafkaClusterTestKit.Builder(nodes);
        settings.forEach((key, value) -> {
            if (!KITS_OWN.matcher(key).matches()) builder.setConfigProp(key, value);
        });
        return builder.build();
    }

    @Override
    public synchronized void stop() {
        if (kit != null && broker().brokerState() != BrokerState.NOT_RUNNING) broker().shutdown();
    }

    @Override
    public synchronized void end() {
        try {
            if (kit != null) kit.close();
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }
}
