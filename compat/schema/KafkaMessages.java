// Kafka's side of the comparison: Kafka's own generated classes, found by name and filled through reflection.
//
//   KafkaMessages make LIST N     random frames of every message and version that these classes know and LIST names
//   KafkaMessages defaults LIST   one frame each, with nothing set
//   KafkaMessages echo LIST       frames from stdin, each read and written again; only versions that these classes know
//   KafkaMessages headers         per API and version: the header versions of request and response
//   KafkaMessages errors          the error codes: number and name
//
// LIST is a file of lines "name firstVersion lastVersion" (schema_echo list). Frames as in schema_echo.cc.

import java.io.*;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.common.protocol.types.*;

public class KafkaMessages {
    static final String[] PACKAGES = {
        "org.apache.kafka.common.message.", "org.apache.kafka.common.metadata.",
        "org.apache.kafka.coordinator.group.generated.", "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.coordinator.share.generated.", "org.apache.kafka.server.log.remote.metadata.storage.generated.",
        "org.apache.kafka.server.log.remote.metadata.storage.", "org.apache.kafka.storage.internals.log.",
        "org.apache.kafka.server.storage.log.", "org.apache.kafka.storage.internals.log.generated."};
    static final int LEFT_OUT = -2;     // this version is not known to these classes

    static final Random random = new Random(20261121);
    static DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 16));

    record Entry(int index, String name, Class<?> type, short first, short last) {}

    public static void main(String[] args) throws Exception {
        switch (args[0]) {
            case "make" -> { for (Entry entry : entries(args[1])) make(entry, Integer.parseInt(args[2])); }
            case "defaults" -> { for (Entry entry : entries(args[1])) make(entry, 0); }
            case "echo" -> echo(entries(args[1]));
            case "headers" -> headers();
            case "errors" -> { for (Errors e : Errors.values()) out.writeBytes(e.code() + " " + e.name() + "\n"); }
            default -> throw new IllegalArgumentException(args[0]);
        }
        out.flush();
    }

    static List<Entry> entries(String file) throws Exception {
        List<Entry> entries = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(file))) {
            String[] words = line.split(" ");
            Class<?> type = find(words[0]);
            short first = Short.parseShort(words[1]);
            short last = Short.parseShort(words[2]);
            if (type != null) {
                Message message = (Message) type.getConstructor().newInstance();
                first = (short) Math.max(first, message.lowestSupportedVersion());
                last = (short) Math.min(last, message.highestSupportedVersion());
            }
            entries.add(new Entry(entries.size(), words[0], type, first, last));
        }
        return entries;
    }

    static Class<?> find(String name) {
        for (String folder : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    return Class.forName(folder + name + suffix);
                } catch (ClassNotFoundException e) {
                    // the next one
                }
            }
        }
        return null;
    }

    static void headers() throws Exception {
        for (ApiMessageType api : ApiMessageType.values()) {
            for (short v = api.lowestSupportedVersion(); v <= api.highestSupportedVersion(true); v++) {
                String versions = api.requestHeaderVersion(v) + " " + api.responseHeaderVersion(v);
                out.writeBytes(api.apiKey() + " " + v + " " + versions + "\n");
            }
        }
    }

    static void frame(int index, short version, byte[] bytes, int sizeIfNull) throws IOException {
        out.writeShort(index);
        out.writeShort(version);
        out.writeInt(bytes == null ? sizeIfNull : bytes.length);
        if (bytes != null) out.write(bytes);
    }

    static byte[] write(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        int size = message.size(cache, version);
        ByteBuffer buffer = ByteBuffer.allocate(size);
        message.write(new ByteBufferAccessor(buffer), cache, version);
        if (buffer.hasRemaining()) throw new IllegalStateException("size " + size + ", written " + buffer.position());
        return buffer.array();
    }

    static void make(Entry entry, int samples) throws Exception {
        if (entry.type == null) return;
        for (short version = entry.first; version <= entry.last; version++) {
            Schema schema = (Schema) ((Object[]) entry.type.getField("SCHEMAS").get(null))[version];
            for (int sample = 0; sample < Math.max(samples, 1); sample++) {
                byte[] bytes = null;
                for (int attempt = 0; bytes == null && attempt < 100; attempt++) {
                    Message message = (Message) entry.type.getConstructor().newInstance();
                    if (samples > 0) fill(message, schema);
                    try {
                        bytes = write(message, version);
                    } catch (NullPointerException e) {
                        // 3.9 calls records nullable where they are not; and a message that nobody filled may not be sendable
                        if (samples == 0) break;
                    }
                }
                if (bytes != null) frame(entry.index, version, bytes, 0);
            }
        }
    }

    static void echo(List<Entry> entries) throws Exception {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 16));
        while (true) {
            int index;
            try {
                index = in.readShort();
            } catch (EOFException e) {
                return;
            }
            short version = in.readShort();
            byte[] bytes = new byte[in.readInt()];
            in.readFully(bytes);
            Entry entry = entries.get(index);
            if (entry.type == null || version < entry.first || version > entry.last) {
                frame(index, version, null, LEFT_OUT);
                continue;
            }
            byte[] again = null;
            try {
                Message message = (Message) entry.type.getConstructor().newInstance();
                ByteBuffer buffer = ByteBuffer.wrap(bytes);
                message.read(new ByteBufferAccessor(buffer), version);
                if (!buffer.hasRemaining()) again = write(message, version);
            } catch (RuntimeException e) {
                System.err.println(entry.name + " " + version + ": " + e);
            }
            frame(index, version, again, -1);
        }
    }

    // Which fields a version has, and of which type, is said by Kafka's own Schema objects.
    static void fill(Object target, Schema schema) throws Exception {
        for (BoundField field : schema.fields()) {
            if (field.def.type instanceof TaggedFields tagged) {
                for (Field one : fieldsOf(tagged)) {
                    if (random.nextBoolean()) set(target, one);
                }
            } else {
                set(target, field.def);
            }
        }
    }

    @SuppressWarnings("unchecked")
    static Collection<Field> fieldsOf(TaggedFields tagged) throws Exception {
        java.lang.reflect.Field fields = TaggedFields.class.getDeclaredField("fields");   // 3.9 has no method for it
        fields.setAccessible(true);
        return ((Map<Integer, Field>) fields.get(tagged)).values();
    }

    static void set(Object target, Field field) throws Exception {
        String wanted = "set" + field.name.replace("_", "");
        for (Method method : target.getClass().getMethods()) {
            if (method.getParameterCount() == 1 && method.getName().equalsIgnoreCase(wanted)) {
                Object value = value(field.type, method.getParameterTypes()[0], method.getGenericParameterTypes()[0]);
                method.invoke(target, value);
                return;
            }
        }
        throw new IllegalStateException(target.getClass() + " has no " + wanted);
    }

    static Object value(Type type, Class<?> into, java.lang.reflect.Type generic) throws Exception {
        if (type.isNullable() && random.nextInt(4) == 0) return null;
        if (type.arrayElementType().isPresent()) return array(type.arrayElementType().get(), into, generic);
        if (type instanceof Schema schema) {
            Object struct = into.getConstructor().newInstance();
            fill(struct, schema);
            return struct;
        }
        if (into == boolean.class) return random.nextBoolean();
        if (into == byte.class) return (byte) number();
        if (into == short.class) return (short) number();
        if (into == int.class) return type == Type.UINT16 ? (int) number() & 0xffff : (int) number();
        if (into == long.class) return type == Type.UNSIGNED_INT32 ? number() & 0xffffffffL : number();
        if (into == double.class) return random.nextGaussian() * 1e6;
        if (into == String.class) return text();
        if (into == Uuid.class) return new Uuid(random.nextLong(), random.nextLong());
        if (into == byte[].class) return bytes();
        if (into == ByteBuffer.class) return ByteBuffer.wrap(bytes());
        if (into.getSimpleName().equals("BaseRecords")) {
            Class<?> memory = Class.forName(into.getPackageName() + ".MemoryRecords");   // its package differs between releases
            return memory.getMethod("readableRecords", ByteBuffer.class).invoke(null, ByteBuffer.wrap(bytes()));
        }
        throw new IllegalStateException("no value for " + into);
    }

    // A List<T>, or one of Kafka's own collections of elements that have a key.
    @SuppressWarnings("unchecked")
    static Object array(Type element, Class<?> into, java.lang.reflect.Type generic) throws Exception {
        Collection<Object> all;
        Class<?> of;
        if (generic instanceof ParameterizedType list) {
            all = new ArrayList<>();
            of = (Class<?>) list.getActualTypeArguments()[0];
        } else {
            all = (Collection<Object>) into.getConstructor().newInstance();
            of = (Class<?>) ((ParameterizedType) into.getGenericSuperclass()).getActualTypeArguments()[0];
        }
        if (of == Boolean.class) of = boolean.class;
        if (of == Byte.class) of = byte.class;
        if (of == Short.class) of = short.class;
        if (of == Integer.class) of = int.class;
        if (of == Long.class) of = long.class;
        int count = random.nextInt(4);
        for (int i = 0; i < count; i++) all.add(value(element, of, of));
        return all;
    }

    static long number() {
        long[] special = {0, 1, -1, Short.MAX_VALUE, Integer.MAX_VALUE, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE};
        return random.nextInt(3) == 0 ? special[random.nextInt(special.length)] : random.nextLong();
    }

    static String text() {
        String[] pieces = {"a", "topic-", "Z9", "\u00e9", "\u65e5", "\ud83d\ude00"};
        StringBuilder text = new StringBuilder();
        int count = random.nextInt(8) == 0 ? random.nextInt(90) : random.nextInt(5);
        for (int i = 0; i < count; i++) text.append(pieces[random.nextInt(pieces.length)]);
        return text.toString();
    }

    static byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
        return bytes;
    }
}
