package milena;

import static milena.StandIn.UNSERVED;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.yammer.metrics.core.Gauge;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.Measurable;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.metrics.KafkaYammerMetrics;

/** The metrics of listeners that Kafka has in its JVM: those that the node's page says under the names of the JMX exporter. */
final class MetricsStandIn {
    private static final String GROUP = "socket-server-metrics";
    private static final String EXPIRED = "expired-connections-killed-count";
    private static final Pattern LINE = Pattern.compile("kafka_server_socket_server_metrics_(\\w+)\\{listener=\"(\\w+)\"\\} (\\S+)");
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    private MetricsStandIn() { }

    static Metrics of(Program program) {
        return StandIn.of(Metrics.class, (method, arguments) -> method.equals("metrics") ? read(program) : UNSERVED);
    }

    /** What Kafka says of all its listeners together; the nodes of a test share the registry of its JVM. */
    static void register(Collection<Program> brokers) {
        var name = new com.yammer.metrics.core.MetricName("kafka.network", "SocketServer", "ExpiredConnectionsKilledCount");
        List<Program> all = new ArrayList<>(brokers);
        KafkaYammerMetrics.defaultRegistry().removeMetric(name);
        KafkaYammerMetrics.defaultRegistry().newGauge(name, new Gauge<Double>() {
            @Override
            public Double value() {
                return all.stream().filter(Program::running).flatMap(broker -> read(broker).values().stream())
                    .filter(metric -> metric.metricName().name().equals(EXPIRED))
                    .mapToDouble(metric -> (Double) metric.metricValue()).sum();
            }
        });
    }

    private static Map<MetricName, KafkaMetric> read(Program program) {
        Map<MetricName, KafkaMetric> found = new HashMap<>();
        for (Matcher line = LINE.matcher(page(program)); line.find();) {
            MetricName name = new MetricName(line.group(1).replace('_', '-'), GROUP, "", Map.of("listener", line.group(2)));
            double value = Double.parseDouble(line.group(3));
            found.put(name, new KafkaMetric(found, name, (Measurable) (config, now) -> value, new MetricConfig(), Time.SYSTEM));
        }
        return found;
    }

    private static String page(Program program) {
        try {
            URI address = URI.create("http://127.0.0.1:" + program.httpPort() + "/metrics?names=jmx");
            return CLIENT.send(HttpRequest.newBuilder(address).build(), BodyHandlers.ofString()).body();
        } catch (IOException error) {
            throw new IllegalStateException("node " + program.id + " tells no metrics", error);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(interrupted);
        }
    }
}
