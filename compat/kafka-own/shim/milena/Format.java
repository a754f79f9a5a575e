package milena;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

import org.apache.kafka.metadata.bootstrap.BootstrapDirectory;
import org.apache.kafka.metadata.bootstrap.BootstrapMetadata;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.raft.DynamicVoters;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.Feature;
import org.apache.kafka.server.common.MetadataVersion;

/** Formats a node's directories by Kafka's own Formatter, as StorageTool does. */
public final class Format {
    private final String clusterId;
    private final Map<String, Short> levels;
    /** Records for the controller besides levels of features: users of SCRAM. */
    private final List<ApiMessageAndVersion> records;
    private final boolean dynamicQuorum;
    private final Optional<String> voters;

    private Format(String clusterId, Map<String, Short> levels, List<ApiMessageAndVersion> records, boolean dynamicQuorum,
            Optional<String> voters) {
        this.clusterId = clusterId;
        this.levels = released(levels);
        this.records = records;
        this.dynamicQuorum = dynamicQuorum;
        this.voters = voters;
    }

    public static Format with(String clusterId, Map<String, Short> levels, List<ApiMessageAndVersion> records) {
        return new Format(clusterId, levels, records, false, Optional.empty());
    }

    /** A quorum whose voters stand in its log; the controller names them. */
    public static Format dynamic(String clusterId, Map<String, Short> levels, Optional<String> voters) {
        return new Format(clusterId, levels, List.of(), true, voters);
    }

    /** Tests that name no levels are run by Kafka with what is not released yet. */
    private static Map<String, Short> released(Map<String, Short> wanted) {
        Map<String, Short> others = new TreeMap<>(wanted);
        for (MetadataVersion version : List.of(MetadataVersion.latestProduction(), MetadataVersion.latestTesting()))
            if (others.remove(MetadataVersion.FEATURE_NAME, version.featureLevel()))
                for (Feature feature : Feature.FEATURES) others.remove(feature.featureName(), feature.defaultLevel(version));
        return others;
    }

    void run(Program node) throws IOException {
        Map<String, Short> features = new TreeMap<>(levels);
        Short version = features.remove(MetadataVersion.FEATURE_NAME);
        Path metadata = node.logDirs().get(0);
        String listeners = node.settings.get("controller.listener.names");
        Formatter formatter = new Formatter().setNodeId(node.id).setClusterId(clusterId)
            .setDirectories(node.logDirs().stream().map(Path::toString).toList())
            .setReleaseVersion(version == null ? MetadataVersion.latestProduction() : MetadataVersion.fromFeatureLevel(version))
            .setControllerListenerName(listeners.split(",")[0]).setMetadataLogDirectory(metadata.toString())
            .setIgnoreFormatted(true).setHasDynamicQuorum(dynamicQuorum)
            .setPrintStream(new PrintStream(OutputStream.nullOutputStream()));
        voters.ifPresent(text -> formatter.setInitialControllers(DynamicVoters.parse(text)));
        features.forEach(formatter::setFeatureLevel);
        try {
            formatter.run();
        } catch (Exception error) {
            throw Needs.feature(levels + ": " + error.getMessage());
        }
        if (records.isEmpty() || !node.isController()) return;
        List<ApiMessageAndVersion> all = new ArrayList<>(formatter.bootstrapMetadata().records());
        all.addAll(records);
        new BootstrapDirectory(metadata.toString()).writeBinaryFile(BootstrapMetadata.fromRecords(all, "shim"));
    }
}
