package milena;

import static milena.StandIn.UNSERVED;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import kafka.cluster.Partition;
import kafka.log.LogManager;
import kafka.server.KafkaConfig;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConfigEntry.ConfigSource;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.requests.MetadataResponse.PartitionMetadata;
import org.apache.kafka.common.requests.MetadataResponse.TopicMetadata;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.ProducerStateEntry;
import org.apache.kafka.storage.internals.log.ProducerStateManager;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** Kafka's logs: offsets and configs are asked of the broker, files are read in its log directories by Kafka's own classes. */
final class LogsStandIn {
    private static final String SEGMENT = ".log";

    private final Program program;
    private final Ask ask;
    private final Supplier<KafkaConfig> settings;

    LogsStandIn(Program program, Ask ask, Supplier<KafkaConfig> settings) {
        this.settings = settings;
        this.program = program;
        this.ask = ask;
    }

    LogManager manager() {
        return StandIn.of(LogManager.class, this::manager);
    }

    private Object manager(String method, Object[] arguments) {
        return switch (method) {
            case "getLog" -> log((TopicPartition) arguments[0], arguments.length > 1 && (Boolean) arguments[1]);
            case "getLog$default$2" -> false;
            case "logsByTopic" -> logs((String) arguments[0]);
            case "currentDefaultConfig" -> new LogConfig(settings.get().extractLogConfigMap());
            case "liveLogDirs" -> CollectionConverters.asScala(program.logDirs().stream().map(Path::toFile).toList()).toSeq();
            // No log is being loaded once the broker answers.
            case "partitionsInitializing" -> new scala.collection.concurrent.TrieMap<TopicPartition, Object>();
            default -> UNSERVED;
        };
    }

    /** The part of ReplicaManager that is about logs. */
    Object replicas(String method, Object[] arguments) {
        return switch (method) {
            case "logManager" -> manager();
            case "getLog", "localLog" -> log((TopicPartition) arguments[0], false);
            case "localLogOrException" -> log((TopicPartition) arguments[0], false).get();
            case "onlinePartition" -> partition((TopicPartition) arguments[0]);
            case "getPartitionOrException" -> partition((TopicPartition) arguments[0]).get();
            case "futureLogExists" -> dir((TopicPartition) arguments[0], true).isPresent();
            default -> UNSERVED;
        };
    }

    private Option<Partition> partition(TopicPartition partition) {
        if (!program.running()) return Option.empty();
        Option<UnifiedLog> log = log(partition, false);
        if (log.isEmpty()) return Option.empty();
        return Option.apply(StandIn.of(Partition.class, (method, none) -> switch (method) {
            case "topicPartition" -> partition;
            case "topic" -> partition.topic();
            case "log" -> log;
            case "leaderLogIfLocal" -> leads(partition) ? log : Option.empty();
            case "localLogOrException" -> log.get();
            case "isLeader" -> leads(partition);
            case "getLeaderEpoch" -> metadata(partition).leaderEpoch.orElse(-1);
            case "leaderReplicaIdOpt" -> Option.apply(metadata(partition).leaderId.orElse(null));
            case "leaderIdIfLocal" -> leads(partition) ? Option.apply(program.id) : Option.empty();
            case "inSyncReplicaIds" ->
                CollectionConverters.asScala(Set.<Object>copyOf(metadata(partition).inSyncReplicaIds)).toSet();
            default -> UNSERVED;
        }));
    }

    private PartitionMetadata metadata(TopicPartition partition) {
        return ask.partition(partition.topic(), partition.partition()).orElseThrow();
    }

    private boolean leads(TopicPartition partition) {
        return metadata(partition).leaderId.equals(Optional.of(program.id));
    }

    private scala.collection.Seq<UnifiedLog> logs(String topic) {
        List<UnifiedLog> found = new ArrayList<>();
        for (int index = 0; index < ask.partitions(topic); ++index)
            found.add(log(new TopicPartition(topic, index), false).get());
        return CollectionConverters.asScala(found).toSeq();
    }

    /** A log is there when the metadata has the partition; its folder may be made with its first record. */
    private Option<UnifiedLog> log(TopicPartition partition, boolean future) {
        boolean there = future ? dir(partition, true).isPresent() : ask.partition(partition.topic(), partition.partition())
            .filter(metadata -> metadata.replicaIds.contains(program.id)).isPresent();
        if (!there) return Option.empty();
        return Option.apply(StandIn.of(UnifiedLog.class, (method, none) -> log(partition, future, method)));
    }

    private Object log(TopicPartition partition, boolean future, String method) throws IOException {
        return switch (method) {
            case "topicPartition" -> partition;
            case "name" -> partition.toString();
            case "isFuture" -> future;
            case "dir" -> dir(partition, future).orElseGet(() -> expected(partition));
            case "parentDir" -> existing(partition, future).getParent();
            case "parentDirFile" -> existing(partition, future).getParentFile();
            case "topicId" -> ask.topic(partition.topic()).map(TopicMetadata::topicId);
            case "logStartOffset", "localLogStartOffset" -> ask.offset(partition, OffsetSpec.earliest());
            case "logEndOffset" -> end(partition, future);
            case "highWatermark" -> ask.offset(partition, OffsetSpec.latest());
            case "isEmpty" -> ask.offset(partition, OffsetSpec.earliest()) == ask.offset(partition, OffsetSpec.latest());
            case "config" -> config(partition.topic());
            case "logSegments" -> segments(partition, future);
            case "numberOfSegments" -> segments(partition, future).size();
            case "activeSegment" -> segments(partition, future).get(segments(partition, future).size() - 1);
            case "producerStateManager" -> StandIn.of(ProducerStateManager.class, (name, none) -> producers(partition, name));
            case "activeProducersWithLastSequence" -> ask.producers(partition).stream()
                .collect(Collectors.toMap(ProducerState::producerId, ProducerState::lastSequence));
            case "size" -> segments(partition, future).stream().mapToLong(LogSegment::size).sum();
            // What was acknowledged can be read in the files at once.
            case "flush", "closeHandlers", "close" -> null;
            default -> UNSERVED;
        };
    }

    /** One replica's end is its high watermark; of several, each has what is in its files. */
    private long end(TopicPartition partition, boolean future) throws IOException {
        if (metadata(partition).replicaIds.size() == 1) return ask.offset(partition, OffsetSpec.latest());
        if (dir(partition, future).isEmpty()) return 0;
        List<LogSegment> segments = segments(partition, future);
        return segments.isEmpty() ? 0 : segments.get(segments.size() - 1).readNextOffset();
    }

    private Object producers(TopicPartition partition, String method) {
        return switch (method) {
            case "isEmpty" -> ask.producers(partition).isEmpty();
            case "activeProducers" -> ask.producers(partition).stream()
                .collect(Collectors.toMap(ProducerState::producerId, LogsStandIn::entry));
            default -> UNSERVED;
        };
    }

    private static ProducerStateEntry entry(ProducerState state) {
        return new ProducerStateEntry(state.producerId(), (short) state.producerEpoch(), state.coordinatorEpoch().orElse(-1),
            state.lastTimestamp(), state.currentTransactionStartOffset());
    }

    private Optional<File> dir(TopicPartition partition, boolean future) {
        for (Path logs : program.logDirs()) {
            File[] found = logs.toFile().listFiles((parent, name) -> future
                ? name.startsWith(partition + ".") && name.endsWith("-future") : name.equals(partition.toString()));
            if (found != null && found.length > 0) return Optional.of(found[0]);
        }
        return Optional.empty();
    }

    /** Where the folder of a partition without records will be made. */
    private File expected(TopicPartition partition) {
        Path logs = ask.logDir(partition).map(Path::of).orElse(program.logDirs().get(0));
        return logs.resolve(partition.toString()).toFile();
    }

    private File existing(TopicPartition partition, boolean future) {
        return dir(partition, future).orElseThrow(() -> Needs.inside("the folder of " + partition + ", which has no record yet"));
    }

    private LogConfig config(String topic) {
        Properties properties = new Properties();
        Set<String> overridden = new HashSet<>();
        for (ConfigEntry entry : ask.configs(new ConfigResource(ConfigResource.Type.TOPIC, topic)).values()) {
            boolean own = entry.source() == ConfigSource.DYNAMIC_TOPIC_CONFIG;
            if (own) overridden.add(entry.name());
            // A default comes from the broker's own settings, where lists are read already.
            boolean list = !own && entry.type() == ConfigEntry.ConfigType.LIST;
            if (entry.value() != null) properties.put(entry.name(), list ? List.of(entry.value().split(",")) : entry.value());
        }
        return new LogConfig(properties, overridden);
    }

    private List<LogSegment> segments(TopicPartition partition, boolean future) throws IOException {
        File dir = existing(partition, future);
        List<LogSegment> segments = new ArrayList<>();
        try (var files = Files.list(dir.toPath())) {
            List<String> names = files.map(path -> path.getFileName().toString())
                .filter(name -> name.endsWith(SEGMENT)).sorted().toList();
            for (String name : names) {
                long base = Long.parseLong(name.substring(0, name.length() - SEGMENT.length()));
                segments.add(LogSegment.open(dir, base, config(partition.topic()), Time.SYSTEM, true, 0, false, ""));
            }
        }
        return segments;
    }
}
