import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ConsumerGroupListing;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.GroupNotEmptyException;

/** KafkaConsumer with subscribe: classic groups. */
final class GroupChecks {
    private static final int PARTITIONS = 4;
    private static final int COUNT = 200;

    private final Client client;
    private String topic;
    private List<Rec> records;

    GroupChecks(Client client) {
        this.client = client;
    }

    void run(Checks checks) {
        checks.check("group: a second run goes on where the first committed", this::resume);
        checks.check("group: two members share, one leaves, the other takes over", () -> share("two", null));
        checks.check("group: round robin assignment", () -> share("round-robin", "org.apache.kafka.clients.consumer.RoundRobinAssignor"));
        if (Client.hasClass("org.apache.kafka.clients.consumer.CooperativeStickyAssignor")) {
            checks.check("group: cooperative rebalance", () -> share("cooperative", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"));
            checks.check("group: a static member comes back without a rebalance", this::staticMember);
        }
        checks.check("group: list, describe, offsets, delete by AdminClient", this::admin);
        checks.check("group: pattern subscription, auto commit", this::pattern);
    }

    private KafkaConsumer<byte[], byte[]> member(String group, String... settings) {
        List<String> all = new ArrayList<>(Arrays.asList("group.id", group, "session.timeout.ms", "10000", "heartbeat.interval.ms", "200"));
        all.addAll(Arrays.asList(settings));
        return client.consumer(all.toArray(new String[0]));
    }

    private void resume() throws Exception {
        topic = client.topic("groups", PARTITIONS);
        records = Client.records("groups", COUNT, PARTITIONS, Client.TIMESTAMP_MS);
        client.produce(topic, records);
        String group = client.name("resume");
        List<Rec> read = new ArrayList<>();
        for (int run = 0; run < 2; run++) {
            try (KafkaConsumer<byte[], byte[]> consumer = member(group, "max.poll.records", "7")) {
                consumer.subscribe(Collections.singleton(topic));
                int target = run == 0 ? COUNT / 2 : COUNT;
                while (read.size() < target) {
                    read.addAll(Client.recs(Client.poll(consumer, 1)));
                    consumer.commitSync();
                }
            }
        }
        Rec.requireSame(records, read);
    }

    /** Polls both until the condition holds, collecting what they read. */
    private static void pollUntil(String what, List<Rec> into, Client.Condition condition, List<KafkaConsumer<byte[], byte[]>> consumers) throws Exception {
        Client.await(what, () -> {
            for (KafkaConsumer<byte[], byte[]> consumer : consumers) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(20))) {
                    into.add(Rec.of(record));
                }
            }
            return condition.holds();
        });
    }

    private void share(String name, String assignor) throws Exception {
        String group = client.name(name);
        String shared = client.topic("shared-" + name, PARTITIONS);
        String[] settings = assignor == null ? new String[0] : new String[] {"partition.assignment.strategy", assignor};
        List<Rec> read = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> stays = member(group, settings)) {
            stays.subscribe(Collections.singleton(shared));
            pollUntil("the first member has all partitions", read, () -> stays.assignment().size() == PARTITIONS, Collections.singletonList(stays));
            try (KafkaConsumer<byte[], byte[]> leaves = member(group, settings)) {
                leaves.subscribe(Collections.singleton(shared));
                List<KafkaConsumer<byte[], byte[]>> both = Arrays.asList(stays, leaves);
                pollUntil("two partitions each", read, () -> stays.assignment().size() == 2 && leaves.assignment().size() == 2, both);
                Set<TopicPartition> union = new HashSet<>(stays.assignment());
                union.addAll(leaves.assignment());
                Checks.requireEquals(new HashSet<>(Client.partitions(shared, PARTITIONS)), union, "partitions of both");
                client.produce(shared, records.subList(0, 100));
                pollUntil("the first hundred records", read, () -> read.size() >= 100, both);
                Rec.requireSame(records.subList(0, 100), read);
                stays.commitSync();
                leaves.commitSync();
            }
            // What it read between the last commit and the rebalance it would read again, so the rest comes afterwards.
            pollUntil("the one left has all partitions", read, () -> stays.assignment().size() == PARTITIONS, Collections.singletonList(stays));
            client.produce(shared, records.subList(100, COUNT));
            pollUntil("all records", read, () -> read.size() >= COUNT, Collections.singletonList(stays));
            Rec.requireSame(records, read);
        }
    }

    private void staticMember() throws Exception {
        String group = client.name("static");
        List<Rec> read = new ArrayList<>();
        try (KafkaConsumer<byte[], byte[]> other = member(group, "group.instance.id", "one")) {
            other.subscribe(Collections.singleton(topic));
            pollUntil("the first static member is in", read, () -> other.assignment().size() == PARTITIONS, Collections.singletonList(other));
            Set<TopicPartition> before;
            try (KafkaConsumer<byte[], byte[]> consumer = member(group, "group.instance.id", "two")) {
                consumer.subscribe(Collections.singleton(topic));
                pollUntil("two partitions each", read, () -> other.assignment().size() == 2 && consumer.assignment().size() == 2, Arrays.asList(other, consumer));
                before = new HashSet<>(consumer.assignment());
            }
            Checks.requireEquals(2, describe(group).members().size(), "members after one has closed");
            try (KafkaConsumer<byte[], byte[]> consumer = member(group, "group.instance.id", "two")) {
                consumer.subscribe(Collections.singleton(topic));
                // The other is not polled meanwhile: a rebalance would have to wait for it.
                pollUntil("the member is back", read, () -> !consumer.assignment().isEmpty(), Collections.singletonList(consumer));
                Checks.requireEquals(before, consumer.assignment(), "assignment after coming back");
            }
        }
    }

    private ConsumerGroupDescription describe(String group) throws Exception {
        return client.admin.describeConsumerGroups(Collections.singleton(group)).all().get(30, TimeUnit.SECONDS).get(group);
    }

    private void admin() throws Exception {
        String group = client.name("described");
        try (KafkaConsumer<byte[], byte[]> consumer = member(group, "client.id", "the-client")) {
            consumer.subscribe(Collections.singleton(topic));
            Client.poll(consumer, COUNT);
            consumer.commitSync();
            Set<String> listed = new TreeSet<>();
            for (ConsumerGroupListing listing : client.admin.listConsumerGroups().all().get(30, TimeUnit.SECONDS)) {
                listed.add(listing.groupId());
            }
            Checks.require(listed.contains(group), "the group is listed, among " + listed);
            ConsumerGroupDescription description = describe(group);
            Checks.requireEquals("range", description.partitionAssignor(), "assignor");
            Checks.requireEquals(1, description.members().size(), "members");
            Checks.require(description.coordinator().id() >= 0, "a coordinator");
            Checks.require(description.toString().contains("Stable"), "state Stable, in " + description);
            org.apache.kafka.clients.admin.MemberDescription member = description.members().iterator().next();
            Checks.requireEquals("the-client", member.clientId(), "client id");
            Checks.requireEquals("/127.0.0.1", member.host(), "client host");
            Checks.require(member.consumerId().startsWith("the-client-"), "member id " + member.consumerId());
            Checks.requireEquals(new HashSet<>(Client.partitions(topic, PARTITIONS)), member.assignment().topicPartitions(), "assignment");
            Checks.requireError(GroupNotEmptyException.class, () -> delete(group));
        }
        long committed = 0;
        for (org.apache.kafka.clients.consumer.OffsetAndMetadata offset
            : client.admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get(30, TimeUnit.SECONDS).values()) {
            committed += offset.offset();
        }
        Checks.requireEquals((long) COUNT, committed, "sum of the committed offsets");
        Checks.require(describe(group).toString().contains("Empty"), "state Empty");
        delete(group);
        for (ConsumerGroupListing listing : client.admin.listConsumerGroups().all().get(30, TimeUnit.SECONDS)) {
            Checks.require(!listing.groupId().equals(group), "the group is no longer listed");
        }
    }

    private void delete(String group) throws Exception {
        client.admin.deleteConsumerGroups(Collections.singleton(group)).all().get(30, TimeUnit.SECONDS);
    }

    private void pattern() throws Exception {
        String first = client.topic("pattern-a", 1);
        String second = client.topic("pattern-b", 1);
        client.produce(first, Client.records("a", 10, 1, Client.TIMESTAMP_MS));
        client.produce(second, Client.records("b", 10, 1, Client.TIMESTAMP_MS));
        String group = client.name("pattern");
        try (KafkaConsumer<byte[], byte[]> consumer = member(group, "enable.auto.commit", "true")) {
            consumer.subscribe(Pattern.compile(Pattern.quote(client.name("pattern-")) + ".*"));
            Checks.requireEquals(20, Client.poll(consumer, 20).size(), "records");
        }
        // Closing commits.
        try (KafkaConsumer<byte[], byte[]> consumer = member(group)) {
            Checks.requireEquals(10L, Client.committed(consumer, new TopicPartition(first, 0)).offset(), "committed by close");
            Checks.requireEquals(10L, Client.committed(consumer, new TopicPartition(second, 0)).offset(), "committed by close");
        }
    }
}
