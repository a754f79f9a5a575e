import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/**
 * One record with everything a user can see of it, to be sent and compared. {@link #make} varies keys, values and
 * headers with the index, so that the empty, the absent and the repeated all occur.
 */
final class Rec {
    final int partition;
    final long timestamp;
    final byte[] key;
    final byte[] value;
    final List<Header> headers;

    Rec(int partition, long timestamp, byte[] key, byte[] value, List<Header> headers) {
        this.partition = partition;
        this.timestamp = timestamp;
        this.key = key;
        this.value = value;
        this.headers = headers;
    }

    static Rec make(String label, int index, int partition, long timestamp) {
        byte[] key = index % 5 == 0 ? null : index % 7 == 0 ? new byte[0] : bytes(label + "-key-" + index);
        byte[] value = index % 11 == 3 ? null : index % 11 == 4 ? new byte[0] : bytes(label + " value " + index + " " + "abc ".repeat(index % 50));
        List<Header> headers = new ArrayList<>();
        if (index % 3 == 1) {
            headers.add(new RecordHeader("trace", bytes("id-" + index)));
        }
        if (index % 6 == 4) {
            headers.add(new RecordHeader("trace", bytes("again")));
            headers.add(new RecordHeader("nothing", (byte[]) null));
            headers.add(new RecordHeader("größe", new byte[0]));
            headers.add(new RecordHeader("", new byte[] {0, -1, 127}));
        }
        return new Rec(partition, timestamp, key, value, headers);
    }

    ProducerRecord<byte[], byte[]> forTopic(String topic) {
        return new ProducerRecord<>(topic, partition, timestamp, key, value, headers);
    }

    static Rec of(ConsumerRecord<byte[], byte[]> record) {
        return new Rec(record.partition(), record.timestamp(), record.key(), record.value(), Arrays.asList(record.headers().toArray()));
    }

    boolean same(Rec other) {
        return partition == other.partition && timestamp == other.timestamp && Arrays.equals(key, other.key)
            && Arrays.equals(value, other.value) && headers.equals(other.headers);
    }

    @Override
    public String toString() {
        return "{partition " + partition + ", timestamp " + timestamp + ", key " + text(key) + ", value " + text(value) + ", headers " + headers + "}";
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(byte[] bytes) {
        if (bytes == null) {
            return "null";
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        return "'" + (text.length() > 60 ? text.substring(0, 60) + "...' (" + bytes.length + " bytes)" : text + "'");
    }

    /** Requires the same records in the same order in each partition; the order between partitions is free. */
    static void requireSame(List<Rec> expected, List<Rec> actual) {
        Checks.requireEquals(expected.size(), actual.size(), "number of records");
        Map<Integer, List<Rec>> left = byPartition(expected);
        Map<Integer, List<Rec>> right = byPartition(actual);
        for (int partition : left.keySet()) {
            List<Rec> want = left.get(partition);
            List<Rec> got = right.getOrDefault(partition, new ArrayList<>());
            Checks.requireEquals(want.size(), got.size(), "number of records in partition " + partition);
            for (int i = 0; i < want.size(); i++) {
                Checks.require(want.get(i).same(got.get(i)), "record " + i + " of partition " + partition + ": expected " + want.get(i) + ", got " + got.get(i));
            }
        }
    }

    private static Map<Integer, List<Rec>> byPartition(List<Rec> records) {
        Map<Integer, List<Rec>> result = new TreeMap<>();
        for (Rec record : records) {
            result.computeIfAbsent(record.partition, p -> new ArrayList<>()).add(record);
        }
        return result;
    }
}
