import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member of a group: Kafka's Java consumer, any release from 2.1 on. See member.py for what it prints. */
final class GroupMember {
    /** It commits nothing and has long intervals: between its heartbeats the coordinator hears nothing of it. */
    private static final boolean QUIET = System.getenv("MEMBER_QUIET") != null;

    private GroupMember() {}

    private static void say(StringBuilder lines) {
        System.out.print(lines);
        System.out.flush();
    }

    /** Commits before a partition is given back: in the midst of a cooperative rebalance the loop's commits are refused. */
    private static final class Listener implements ConsumerRebalanceListener {
        private final KafkaConsumer<byte[], byte[]> consumer;

        Listener(KafkaConsumer<byte[], byte[]> consumer) {
            this.consumer = consumer;
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> revoked) {
            if (!revoked.isEmpty()) {
                commit(consumer);
            }
            onPartitionsLost(revoked);
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> assigned) {}

        // Since 2.4; until then a partition that is lost is said to be revoked.
        public void onPartitionsLost(Collection<TopicPartition> lost) {
            StringBuilder lines = new StringBuilder();
            for (TopicPartition one : lost) {
                lines.append("lost ").append(one.partition()).append('\n');
            }
            say(lines);
        }
    }

    private static Properties settings(String[] arguments) {
        Properties settings = new Properties();
        Security.putInto(settings);
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("group.id", arguments[1]);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("metadata.max.age.ms", "1000");
        settings.put("max.poll.records", "50");
        settings.put("reconnect.backoff.max.ms", "500");
        if (arguments[3].startsWith("consumer")) {
            settings.put("group.protocol", "consumer");
            if (arguments[3].equals("consumer-range")) {
                settings.put("group.remote.assignor", "range");
            }
        } else {
            settings.put("session.timeout.ms", QUIET ? "45000" : "10000");
            settings.put("heartbeat.interval.ms", QUIET ? "10000" : "500");
            settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer."
                + (arguments[3].equals("cooperative") ? "CooperativeStickyAssignor" : "RangeAssignor"));
        }
        return settings;
    }

    private static void take(KafkaConsumer<byte[], byte[]> consumer, ConsumerRecords<byte[], byte[]> records) {
        StringBuilder lines = new StringBuilder();
        for (ConsumerRecord<byte[], byte[]> one : records) {
            lines.append("r ").append(one.partition()).append(' ').append(one.offset()).append('\n');
        }
        say(lines);
        commit(consumer);
    }

    private static void commit(KafkaConsumer<byte[], byte[]> consumer) {
        if (QUIET) {
            return;
        }
        try {
            consumer.commitSync();
        } catch (KafkaException failure) {
            System.err.println("commit: " + failure);
            return;
        }
        StringBuilder lines = new StringBuilder();
        for (TopicPartition one : consumer.assignment()) {
            lines.append("c ").append(one.partition()).append(' ').append(consumer.position(one)).append('\n');
        }
        say(lines);
    }

    public static void main(String[] arguments) throws Exception {
        AtomicBoolean stopping = new AtomicBoolean();
        Thread reader = new Thread(() -> {
            try {
                System.in.read();
            } catch (java.io.IOException ended) {
                // The end is a reason to stop as well.
            }
            stopping.set(true);
        });
        reader.setDaemon(true);
        reader.start();
        try (KafkaConsumer<byte[], byte[]> consumer =
                 new KafkaConsumer<>(settings(arguments), new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(Collections.singletonList(arguments[2]), new Listener(consumer));
            while (!stopping.get()) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
                if (!records.isEmpty()) {
                    take(consumer, records);
                }
            }
        }
        System.out.println("stopped");
    }
}
