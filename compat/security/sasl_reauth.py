"""Sessions that end while a client is at work: the Java client authenticates again on the same connection, and loses no
record."""

import re
import subprocess

import broker as brokers
import jvm

JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required"
RECORDS, RATE = 12_000, 2_000


def body(run):
    if run.choice.kind != "milena" or not run.wanted("reauth"):
        return
    port, sasl_port = brokers.free_port(), brokers.free_port()
    listeners = f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port}"
    settings = {"listeners": listeners, "advertised.listeners": listeners, "sasl.enabled.mechanisms": "PLAIN",
                "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{JAAS} user_alice="wonder-land";',
                "connections.max.reauth.ms": "2000"}
    client = run.work_dir / "reauth.properties"
    client.write_text(f"bootstrap.servers=127.0.0.1:{sasl_port}\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
                      f'sasl.jaas.config={JAAS} username="alice" password="wonder-land";\nretries=0\n'
                      "enable.idempotence=false\n")
    folder = run.work_dir / "reauth"
    with brokers.MilenaBroker(folder, settings, port).start():
        with run.checks.check("reauth java: three sessions under load, and every record is acknowledged"):
            done = subprocess.run(
                [*jvm.JAVA, f"-Dlog4j2.configurationFile={brokers.ORACLE / 'log4j2.xml'}", "-cp",
                 f"{jvm.tool_jars('4.3.1')}/*", "org.apache.kafka.tools.ProducerPerformance", "--topic", "reauth",
                 "--num-records", str(RECORDS), "--throughput", str(RATE), "--record-size", "100", "--command-config",
                 str(client)],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
            last = [line for line in done.stdout.splitlines() if "records sent" in line][-1:]
            assert done.returncode == 0 and last and last[0].startswith(f"{RECORDS} records sent"), done.stdout[-2000:]
            assert "Exception" not in done.stdout, done.stdout[-2000:]
            log = (folder / "broker.log").read_text(errors="replace")
            assert not re.search(r"Closing the connection|session", log), "the broker closed a connection"
