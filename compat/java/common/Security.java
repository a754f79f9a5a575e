import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Properties;

/** How a Java client logs in: see compat/lib/client_security.py. Compiled with every program of ours. */
final class Security {
    private Security() {}

    /** Without a login nothing is put. */
    static void putInto(Properties settings) {
        String path = System.getenv("MILENA_CLIENT_SECURITY");
        if (path == null) {
            return;
        }
        try (Reader reader = Files.newBufferedReader(Paths.get(path))) {
            settings.load(reader);
        } catch (IOException failure) {
            throw new IllegalStateException("no settings for security in " + path, failure);
        }
        // These are librdkafka's; the client would warn of them.
        for (String other : new String[] {"sasl.username", "sasl.password", "ssl.ca.location"}) {
            settings.remove(other);
        }
    }
}
