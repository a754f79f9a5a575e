// Writes record batches with the classes of Apache Kafka 4.3, for tests/golden/records. Run by ./golden.
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.message.KRaftVersionRecord;
import org.apache.kafka.common.message.LeaderChangeMessage;
import org.apache.kafka.common.message.SnapshotFooterRecord;
import org.apache.kafka.common.message.SnapshotHeaderRecord;
import org.apache.kafka.common.message.VotersRecord;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.utils.BufferSupplier;

public class Batches {
    static final long TIME = 1700000000000L;

    static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static byte[] repeated(String text, int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) bytes[i] = (byte) text.charAt(i % text.length());
        return bytes;
    }

    static byte[] noise(int size) {
        byte[] bytes = new byte[size];
        int x = 1;
        for (int i = 0; i < size; i++) {
            x = x * 1103515245 + 12345;
            bytes[i] = (byte) (x >>> 16);
        }
        return bytes;
    }

    static SimpleRecord[] sample() {
        Header[] headers = {
            new RecordHeader("a", utf8("1")), new RecordHeader("b", null),
            new RecordHeader("\u00fc", new byte[] {0, (byte) 0xff}),
        };
        return new SimpleRecord[] {
            new SimpleRecord(TIME, utf8("key-0"), utf8("value-0")),
            new SimpleRecord(TIME + 5, null, utf8("no key")),
            new SimpleRecord(TIME + 3, utf8("tombstone"), null),
            new SimpleRecord(TIME + 10, utf8(""), utf8(""), headers),
            new SimpleRecord(TIME + 20, utf8("large"), repeated("abcdefghij", 70000)),
            new SimpleRecord(TIME - 7, utf8("noise"), noise(2000)),
        };
    }

    static void save(String dir, String name, ByteBuffer buffer) throws IOException {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        Files.write(Path.of(dir, name), bytes);
    }

    static MemoryRecords build(Compression compression, TimestampType type, long logAppendTime, boolean transactional) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 18), RecordBatch.MAGIC_VALUE_V2,
            compression, type, 1000L, logAppendTime, 4242L, (short) 3, 10, transactional, 7);
        for (SimpleRecord record : sample()) builder.append(record);
        return builder.build();
    }

    public static void main(String[] args) throws IOException {
        String dir = args[0];
        for (CompressionType codec : CompressionType.values()) {
            save(dir, "v2_" + codec.name + ".bin",
                build(Compression.of(codec).build(), TimestampType.CREATE_TIME, RecordBatch.NO_TIMESTAMP, false).buffer());
        }
        save(dir, "v2_log_append_time.bin",
            build(Compression.NONE, TimestampType.LOG_APPEND_TIME, TIME + 1000, true).buffer());
        save(dir, "marker_commit.bin", MemoryRecords.withEndTransactionMarker(50, TIME, 7, 4242L, (short) 3,
            new EndTransactionMarker(ControlRecordType.COMMIT, 11)).buffer());
        save(dir, "marker_abort.bin", MemoryRecords.withEndTransactionMarker(51, TIME, 7, 4242L, (short) 3,
            new EndTransactionMarker(ControlRecordType.ABORT, 12)).buffer());
        save(dir, "leader_change.bin", MemoryRecords.withLeaderChangeMessage(0, TIME, 1, ByteBuffer.allocate(1024),
            new LeaderChangeMessage().setLeaderId(1).setVoters(
                List.of(new LeaderChangeMessage.Voter().setVoterId(1)))).buffer());
        save(dir, "snapshot_header.bin", MemoryRecords.withSnapshotHeaderRecord(0, TIME, 1, ByteBuffer.allocate(1024),
            new SnapshotHeaderRecord().setLastContainedLogTimestamp(TIME)).buffer());
        save(dir, "snapshot_footer.bin", MemoryRecords.withSnapshotFooterRecord(5, TIME, 1, ByteBuffer.allocate(1024),
            new SnapshotFooterRecord()).buffer());
        save(dir, "kraft_version.bin", MemoryRecords.withKRaftVersionRecord(1, TIME, 1, ByteBuffer.allocate(1024),
            new KRaftVersionRecord().setKRaftVersion((short) 1)).buffer());
        save(dir, "voters.bin", MemoryRecords.withVotersRecord(2, TIME, 1, ByteBuffer.allocate(1024),
            new VotersRecord().setVoters(List.of())).buffer());
        compacted(dir);
    }

    // What Kafka's log cleaner leaves: records gone, offsets kept, a delete horizon, and a batch without records.
    static void compacted(String dir) throws IOException {
        for (boolean keepSome : new boolean[] {true, false}) {
            ByteBuffer out = ByteBuffer.allocate(1 << 18);
            build(Compression.NONE, TimestampType.CREATE_TIME, RecordBatch.NO_TIMESTAMP, false).filterTo(
                new MemoryRecords.RecordFilter(TIME + 5000, 1000) {
                    protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                        return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, false);
                    }
                    protected boolean shouldRetainRecord(RecordBatch batch, org.apache.kafka.common.record.internal.Record record) {
                        return keepSome && (record.offset() == 1002 || record.offset() == 1003);
                    }
                }, out, BufferSupplier.NO_CACHING);
            out.flip();
            save(dir, keepSome ? "compacted.bin" : "compacted_empty.bin", out);
        }
    }
}
