/**
 * Usage: ClientMain HOST:PORT PREFIX [slow-create]. Runs every check with the Kafka client of the classpath; the names of
 * topics and groups begin with the prefix.
 */
public final class ClientMain {
    public static void main(String[] args) {
        Checks checks = new Checks();
        Client client = new Client(args[0], args[1], args.length > 2 && args[2].equals("slow-create"));
        new AdminChecks(client).run(checks);
        new ProduceChecks(client).run(checks);
        new ConsumeChecks(client).run(checks);
        new GroupChecks(client).run(checks);
        client.admin.close();
        System.exit(checks.exitStatus());
    }
}
