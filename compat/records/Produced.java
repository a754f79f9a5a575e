// Asks Apache Kafka 4.3 what it makes of produced records: each case goes through ProduceRequest.validateRecords and the
// append of a real log in a scratch folder, and is written as one line of tests/golden/records/produced.txt:
//
//   NAME|VERSION|NOW|SETTINGS|INPUT|ERROR|MESSAGE|INDEX:MESSAGE;...|BATCH
//
// INPUT and BATCH (what stands in the log afterwards) are in hex. Run by ./golden.
import java.io.File;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.*;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.utils.ByteUtils;
import org.apache.kafka.common.utils.Crc32C;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.common.TransactionVersion;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.*;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

public class Produced {
    static final long NOW = 1700000000000L;
    static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
    static final Time CLOCK = new Time() {
        public long milliseconds() {
            return NOW;
        }
        public long nanoseconds() {
            return System.nanoTime();
        }
        public void sleep(long ms) {}
        public void waitObject(Object object, java.util.function.Supplier<Boolean> condition, long deadlineMs) {}
    };
    static final ScheduledExecutorService NEVER = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });
    static PrintStream out;
    static Path scratch;
    static int runs = 0;

    static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    static SimpleRecord record(long timestamp, String key, String value) {
        return new SimpleRecord(timestamp, utf8(key), utf8(value));
    }

    static SimpleRecord[] sample() {
        return new SimpleRecord[] {
            record(NOW, "k0", "v0"), record(NOW + 5, "k1", null),
            new SimpleRecord(NOW + 2, utf8("k2"), utf8("v2"), new RecordHeader[] {new RecordHeader("h", utf8("x"))}),
        };
    }

    static byte[] batch(String codec, SimpleRecord... records) {
        return batch(codec, -1, (short) -1, -1, false, false, records);
    }

    static byte[] batch(String codec, long producerId, short epoch, int sequence, boolean transactional, boolean control,
                        SimpleRecord... records) {
        MemoryRecordsBuilder builder = MemoryRecords.builder(ByteBuffer.allocate(1 << 20), RecordBatch.MAGIC_VALUE_V2,
            Compression.of(codec).build(), TimestampType.CREATE_TIME, 0L, -1L, producerId, epoch, sequence, transactional,
            control, -1);
        for (SimpleRecord record : records) {
            if (control) builder.appendControlRecord(record.timestamp(), ControlRecordType.COMMIT, ByteBuffer.allocate(6));
            else builder.append(record);
        }
        return bytes(builder.build().buffer());
    }

    // A batch around records that are given as bytes.
    static byte[] raw(String codec, int count, byte[] records) {
        byte[] header = batch("none", record(NOW, "k", "v"));
        ByteBuffer all = ByteBuffer.allocate(61 + records.length);
        all.put(header, 0, 61).put(records);
        all.putInt(8, all.capacity() - 12).putShort(21, (short) List.of(CODECS).indexOf(codec));
        all.putInt(23, count - 1).putInt(57, count);
        return sealed(all.array());
    }

    static byte[] compressed(String codec, byte[] records) throws Exception {
        var stream = new org.apache.kafka.common.utils.ByteBufferOutputStream(1 << 20);
        try (var compressor = Compression.of(codec).build().wrapForOutput(stream, RecordBatch.MAGIC_VALUE_V2)) {
            compressor.write(records);
        }
        stream.buffer().flip();
        return bytes(stream.buffer());
    }

    // One record's bytes with the given numbers, whatever sense they make.
    static byte[] rawRecord(int extraLength, long timestampDelta, int offsetDelta, int keySize, int valueSize, int headers) {
        ByteBuffer body = ByteBuffer.allocate(200);
        body.put((byte) 0);
        ByteUtils.writeVarlong(timestampDelta, body);
        ByteUtils.writeVarint(offsetDelta, body);
        ByteUtils.writeVarint(keySize, body);
        body.put((byte) 'k');
        ByteUtils.writeVarint(valueSize, body);
        body.put((byte) 'v');
        ByteUtils.writeVarint(headers, body);
        body.flip();
        ByteBuffer all = ByteBuffer.allocate(210);
        ByteUtils.writeVarint(body.remaining() + extraLength, all);
        all.put(body).flip();
        return bytes(all);
    }

    static byte[] join(byte[]... parts) {
        ByteBuffer all = ByteBuffer.allocate(Arrays.stream(parts).mapToInt(p -> p.length).sum());
        for (byte[] part : parts) all.put(part);
        return all.array();
    }

    interface Change {
        void apply(ByteBuffer batch);
    }

    static byte[] changed(byte[] batch, Change change) {
        ByteBuffer copy = ByteBuffer.wrap(batch.clone());
        change.apply(copy);
        return sealed(copy.array());
    }

    static byte[] sealed(byte[] batch) {
        ByteBuffer.wrap(batch).putInt(17, (int) Crc32C.compute(batch, 21, batch.length - 21));
        return batch;
    }

    static void ask(String name, int version, String settings, byte[] input) throws Exception {
        Map<String, String> config = new HashMap<>();
        for (String setting : settings.split(" ")) {
            if (!setting.isEmpty()) config.put(setting.split("=")[0], setting.split("=")[1]);
        }
        File dir = scratch.resolve("run" + runs++).resolve("t-0").toFile();
        dir.mkdirs();
        // Under this folder nothing happens in the background.
        Scheduler scheduler = (Scheduler) Proxy.newProxyInstance(Produced.class.getClassLoader(),
            new Class<?>[] {Scheduler.class}, (proxy, method, args) ->
                method.getName().startsWith("schedule") ? NEVER.schedule(() -> {}, 1, TimeUnit.DAYS) : null);
        UnifiedLog log = UnifiedLog.create(dir, new LogConfig(config), 0L, 0L, scheduler, new BrokerTopicStats(), CLOCK,
            300000, new ProducerStateManagerConfig(86400000, false), 600000, new LogDirFailureChannel(5), true,
            Optional.empty());
        Errors error = Errors.NONE;
        String message = "";
        List<String> recordErrors = new ArrayList<>();
        byte[] appended = {};
        String thrown = "";
        try {
            MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(input.clone()));
            ProduceRequest.validateRecords((short) version, records);
            log.appendAsLeader(records, 7, AppendOrigin.CLIENT, RequestLocal.noCaching(), VerificationGuard.SENTINEL,
                TransactionVersion.TV_0.featureLevel());
            log.flush(true);
            appended = Files.readAllBytes(dir.toPath().resolve("00000000000000000000.log"));
        } catch (RecordValidationException e) {
            error = Errors.forException(e.invalidException());
            message = e.invalidException().getMessage();
            for (var r : e.recordErrors()) recordErrors.add(r.batchIndex + ":" + r.message);
        } catch (Throwable e) {
            error = Errors.forException(e);
            thrown = e.toString();
        }
        log.close();
        out.println(String.join("|", name, "" + version, "" + NOW, settings, hex(input), "" + error.code(), message,
            String.join(";", recordErrors), hex(appended)));
        System.err.println(name + ": " + error + " " + thrown);
    }

    public static void main(String[] args) throws Exception {
        out = new PrintStream(args[0] + "/produced.txt");
        scratch = Path.of(args[1]);
        goodBatches();
        badSets();
        badHeaders();
        badRecords();
        timestamps();
        keys();
        sizes();
        out.close();
    }

    static void goodBatches() throws Exception {
        for (String source : CODECS) {
            ask("plain_" + source, 9, "", batch(source, sample()));
            ask("append_time_" + source, 9, "message.timestamp.type=LogAppendTime", batch(source, sample()));
            for (String target : CODECS) {
                ask(source + "_to_" + target, 9, "compression.type=" + target.replace("none", "uncompressed"), batch(source, sample()));
            }
            ask("to_none_append_time_" + source, 9, "compression.type=uncompressed message.timestamp.type=LogAppendTime",
                batch(source, sample()));
            ask("idempotent_" + source, 9, "compression.type=uncompressed",
                batch(source, 77, (short) 2, 0, false, false, sample()));
            ask("wrong_max_timestamp_" + source, 9, "", changed(batch(source, sample()), b -> b.putLong(35, 5)));
            ask("some_leader_epoch_" + source, 9, "", changed(batch(source, sample()), b -> b.putInt(12, 99)));
        }
        ask("transactional", 9, "", batch("none", 77, (short) 2, 0, true, false, sample()));
        ask("zstd_v7", 7, "", batch("zstd", sample()));
        ask("zstd_v6", 6, "", batch("zstd", sample()));
        ask("zstd_v3", 3, "", batch("zstd", sample()));
        ask("unknown_attributes", 9, "message.timestamp.type=LogAppendTime",
            changed(batch("none", sample()), b -> b.putShort(21, (short) 0x7f00)));
        ask("unknown_attributes_kept", 9, "", changed(batch("none", sample()), b -> b.putShort(21, (short) 0x7f00)));
        ask("delete_horizon_bit", 9, "", changed(batch("none", sample()), b -> b.putShort(21, (short) 0x40)));
    }

    static void badSets() throws Exception {
        byte[] good = batch("none", sample());
        ask("nothing", 9, "", new byte[0]);
        ask("cut_header", 9, "", Arrays.copyOf(good, 16));
        ask("cut_batch", 9, "", Arrays.copyOf(good, good.length - 1));
        ask("two_batches", 9, "", join(good, good));
        ask("piece_behind", 9, "", join(good, Arrays.copyOf(good, good.length - 1)));
        ask("garbage_behind", 9, "", join(good, new byte[20]));
        ask("small_garbage_behind", 9, "", join(good, new byte[11]));
        ask("magic_3", 9, "", changed(good, b -> b.put(16, (byte) 3)));
        ask("magic_minus", 9, "", changed(good, b -> b.put(16, (byte) -1)));
        ask("magic_1", 9, "", changed(good, b -> b.put(16, (byte) 1)));
        ask("length_0", 9, "", changed(good, b -> b.putInt(8, 0)));
        ask("length_13", 9, "", changed(good, b -> b.putInt(8, 13)));
        ask("length_14", 9, "", changed(good, b -> b.putInt(8, 14)));
        ask("length_48", 9, "", Arrays.copyOf(changed(good, b -> b.putInt(8, 48)), 60));
        ask("length_negative", 9, "", changed(good, b -> b.putInt(8, -5)));
        ask("length_huge", 9, "", changed(good, b -> b.putInt(8, Integer.MAX_VALUE)));
        byte[] wrong = good.clone();
        wrong[wrong.length - 1] ^= 1;
        ask("wrong_crc", 9, "", wrong);
        ask("codec_5", 9, "", changed(good, b -> b.putShort(21, (short) 5)));
        ask("codec_7_v3", 9, "", changed(good, b -> b.putShort(21, (short) 7)));
    }

    static void badHeaders() throws Exception {
        byte[] good = batch("none", sample());
        ask("base_offset_1", 9, "", changed(good, b -> b.putLong(0, 1)));
        ask("base_offset_minus", 9, "", changed(good, b -> b.putLong(0, -1)));
        for (int delta : new int[] {-1, 0, 1, 3, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            ask("last_offset_delta_" + delta, 9, "", changed(good, b -> b.putInt(23, delta)));
        }
        for (int count : new int[] {-1, 0, 2, 4}) {
            ask("count_" + count, 9, "", changed(good, b -> b.putInt(57, count)));
            for (String codec : CODECS) {
                ask("both_counts_" + count + "_" + codec, 9, "",
                    changed(batch(codec, sample()), b -> b.putInt(57, count).putInt(23, count - 1)));
            }
        }
        ask("control", 9, "", batch("none", -1, (short) -1, -1, false, true, record(NOW, "", "")));
        ask("control_transactional", 9, "", batch("none", 5, (short) 0, -1, true, true, record(NOW, "", "")));
        ask("no_sequence", 9, "", changed(batch("none", 5, (short) 0, 0, false, false, sample()), b -> b.putInt(53, -1)));
        ask("producer_minus_2", 9, "", changed(good, b -> b.putLong(43, -2)));
    }

    static void badRecords() throws Exception {
        for (String codec : CODECS) {
            String[] names = {"good", "length_more", "length_less", "key_null", "key_beyond", "value_beyond", "header_minus",
                "header_missing", "headers_many", "negative_key", "offset_5", "offset_minus", "timestamp_delta"};
            byte[][] records = {
                rawRecord(0, 0, 0, 1, 1, 0), rawRecord(1, 0, 0, 1, 1, 0), rawRecord(-1, 0, 0, 1, 1, 0),
                rawRecord(0, 0, 0, -1, 1, 0), rawRecord(0, 0, 0, 100, 1, 0), rawRecord(0, 0, 0, 1, 100, 0),
                rawRecord(0, 0, 0, 1, 1, -1), rawRecord(0, 0, 0, 1, 1, 1), rawRecord(0, 0, 0, 1, 1, Integer.MAX_VALUE),
                rawRecord(0, 0, 0, -7, 1, 0), rawRecord(0, 0, 5, 1, 1, 0), rawRecord(0, 0, -1, 1, 1, 0),
                rawRecord(0, 1234, 0, 1, 1, 0),
            };
            for (int i = 0; i < names.length; i++) {
                ask("record_" + names[i] + "_" + codec, 9, "", raw(codec, 1, compressed(codec, records[i])));
            }
            byte[] one = rawRecord(0, 0, 0, 1, 1, 0), two = rawRecord(0, 0, 1, 1, 1, 0);
            ask("records_in_order_" + codec, 9, "", raw(codec, 2, compressed(codec, join(one, two))));
            ask("records_same_offset_" + codec, 9, "", raw(codec, 2, compressed(codec, join(one, one))));
            ask("records_swapped_" + codec, 9, "", raw(codec, 2, compressed(codec, join(two, one))));
            ask("records_and_garbage_" + codec, 9, "", raw(codec, 2, compressed(codec, join(one, two, new byte[1]))));
            ask("records_none_" + codec, 9, "", raw(codec, 1, compressed(codec, new byte[0])));
            ask("record_length_0_" + codec, 9, "", raw(codec, 1, compressed(codec, new byte[1])));
            if (codec.equals("none")) continue;
            byte[] stream = compressed(codec, join(one, two));
            stream[stream.length / 2] ^= (byte) 0xff;
            ask("stream_garbage_" + codec, 9, "", raw(codec, 2, new byte[] {9, 8, 7, 6, 5, 4, 3, 2, 1, 9, 8, 7, 6, 5, 4, 3, 2}));
            ask("stream_empty_" + codec, 9, "", raw(codec, 1, new byte[0]));
        }
    }

    static void timestamps() throws Exception {
        for (String codec : new String[] {"none", "gzip"}) {
            long[] times = {NOW + 3600000, NOW + 3600001, NOW - 1000, NOW - 1001, -1, -2, 0, Long.MAX_VALUE, Long.MIN_VALUE};
            for (long time : times) {
                // The builder takes no negative timestamps; the batch's base is changed afterwards.
                byte[] batch = changed(batch(codec, record(0, "k", "v"), record(0, "k", "v")),
                    b -> b.putLong(27, time).putLong(35, time));
                ask("timestamp_default_" + time + "_" + codec, 9, "", batch);
                ask("timestamp_limits_" + time + "_" + codec, 9,
                    "message.timestamp.before.max.ms=1000 message.timestamp.after.max.ms=3600000", batch);
                ask("timestamp_append_time_" + time + "_" + codec, 9, "message.timestamp.type=LogAppendTime", batch);
                ask("timestamp_recompressed_" + time + "_" + codec, 9, "compression.type=lz4 message.timestamp.after.max.ms=9223372036854775807", batch);
            }
            byte[] claimed = changed(batch(codec, sample()), b -> b.putShort(21, (short) (b.getShort(21) | 8)));
            ask("claims_append_time_" + codec, 9, "", claimed);
            byte[] claimedNone = changed(claimed, b -> b.putLong(35, -1));
            ask("claims_append_time_none_" + codec, 9, "", claimedNone);
            byte[] claimedLate = changed(claimed, b -> b.putLong(35, NOW + 9999999));
            ask("claims_append_time_late_" + codec, 9, "", claimedLate);
            ask("several_late_" + codec, 9, "", batch(codec, record(NOW, "k", "v"), record(NOW + 9999999, "k", "v"),
                record(NOW + 9999998, "k", "v"), record(NOW, "k", "v"), record(NOW + 9999997, "k", "v"),
                record(NOW + 9999996, "k", "v")));
        }
    }

    static void keys() throws Exception {
        for (String codec : new String[] {"none", "zstd"}) {
            SimpleRecord[] records = {record(NOW, null, "a"), record(NOW, "", "b"), record(NOW, null, "c"),
                record(NOW, null, "d"), record(NOW, null, "e")};
            ask("keys_not_needed_" + codec, 9, "", batch(codec, records));
            ask("keys_missing_" + codec, 9, "cleanup.policy=compact", batch(codec, records));
            ask("keys_missing_both_" + codec, 9, "cleanup.policy=compact,delete", batch(codec, records));
            ask("keys_and_time_" + codec, 9, "cleanup.policy=compact",
                batch(codec, record(NOW + 9999999, "k", "a"), record(NOW + 9999999, null, "a"), record(NOW, null, "b")));
        }
    }

    static void sizes() throws Exception {
        byte[] good = batch("none", sample());
        ask("size_exact", 9, "max.message.bytes=" + good.length, good);
        ask("size_over", 9, "max.message.bytes=" + (good.length - 1), good);
        ask("size_over_before_crc", 9, "max.message.bytes=10", sealed(good.clone()));
        SimpleRecord large = new SimpleRecord(NOW, utf8("k"), new byte[5000]);
        ask("size_grows", 9, "max.message.bytes=4000 compression.type=uncompressed", batch("gzip", large));
        ask("size_shrinks", 9, "max.message.bytes=5200 compression.type=gzip", batch("none", large));
        SimpleRecord segment = new SimpleRecord(NOW, utf8("k"), new byte[1100000]);
        ask("segment_grows", 9, "segment.bytes=1048576 max.message.bytes=2000000 compression.type=uncompressed", batch("gzip", segment));
    }
}
