// Writes messages of magic 0 and 1, and record batches converted to them, with the classes of Apache Kafka 3.9, the
// last that could. For tests/golden/records, where the batches have been written already. Run by ./golden.
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.utils.Time;

public class Messages {
    static final long TIME = 1700000000000L;

    static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static void save(String dir, String name, ByteBuffer buffer) throws IOException {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        Files.write(Path.of(dir, name), bytes);
    }

    public static void main(String[] args) throws IOException {
        String dir = args[0];
        for (byte magic = 0; magic <= 1; magic++) {
            for (CompressionType codec : CompressionType.values()) {
                if (codec == CompressionType.ZSTD) continue;
                MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 18), magic,
                    Compression.of(codec).build(), TimestampType.CREATE_TIME, 0L);
                builder.append(magic == 0 ? -1 : TIME, utf8("key-0"), utf8("value-0"));
                builder.append(magic == 0 ? -1 : TIME + 5, null, utf8("no key"));
                builder.append(magic == 0 ? -1 : TIME + 3, utf8("tombstone"), null);
                builder.append(magic == 0 ? -1 : TIME + 10, utf8("large"), new byte[70000]);
                save(dir, "v" + magic + "_" + codec.name + ".bin", builder.build().buffer());
                downConvert(dir, magic, "v2_" + codec.name, 1002);
            }
            downConvert(dir, magic, "v2_log_append_time", 1000);
        }
    }

    static void downConvert(String dir, byte magic, String name, long firstOffset) throws IOException {
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(Files.readAllBytes(Path.of(dir, name + ".bin"))));
        save(dir, "down" + magic + "_" + name + ".bin",
            ((MemoryRecords) records.downConvert(magic, firstOffset, Time.SYSTEM).records()).buffer());
    }
}
