"""Each client, each mechanism: right credentials let it produce and consume, wrong ones are refused as such.

A client is a program: ADDRESS MECHANISM USER SECRET TOPIC. It writes a record and reads it back, and prints `in`, or
`refused: TEXT` when the broker refused its credentials, or anything else when something else happened.
"""

import importlib.machinery
import os
import pathlib
import subprocess
import types

import broker as brokers
import golang
import jvm
import packages
import tokens
from checks import Skip

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE / "clients"
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")
JAAS = "org.apache.kafka.common.security."
PASSWORD = "wonder-land"


def settings(run, port, key_file):
    sasl_port = brokers.free_port()
    oauth = run.choice.kind != "oracle"  # Kafka takes a JWKS of a file only with a property of the JVM
    listener = "listener.name.sasl_plaintext"
    found = {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": ",".join(("PLAIN", *SCRAM, *(("OAUTHBEARER",) if oauth else ()))),
        f"{listener}.plain.sasl.jaas.config":
            f'{JAAS}plain.PlainLoginModule required user_alice="{PASSWORD}" user_bob="builder";',
    }
    for mechanism in SCRAM:
        found[f"{listener}.{mechanism.lower()}.sasl.jaas.config"] = f"{JAAS}scram.ScramLoginModule required;"
    if oauth:
        found[f"{listener}.oauthbearer.sasl.oauthbearer.jwks.endpoint.url"] = f"file://{key_file}"
        found[f"{listener}.oauthbearer.sasl.oauthbearer.expected.audience"] = "kafka"
    if run.choice.kind == "oracle":
        controller = f"127.0.0.1:{brokers.free_port()}"
        found["listeners"] += f",CONTROLLER://{controller}"
        found["controller.quorum.voters"] = f"1@{controller}"
    return sasl_port, oauth, found


def python_client(run, package, program):
    python = packages.python_environment(package, *((package,) if package != "confluent" else ("confluent-kafka",)))
    return [python, str(CLIENTS / program)]


def java_client(run):
    # The tools bring what the client needs for tokens besides itself.
    jars = jvm.tool_jars("4.3.1")
    classes = run.work_dir / "java-classes"
    classes.mkdir(exist_ok=True)
    done = subprocess.run(["javac", "--release", "11", "-sourcepath", str(CLIENTS), "-d", str(classes), "-cp", f"{jars}/*", str(CLIENTS / "SecureClient.java")],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"javac failed:\n{done.stdout}")
    return [*jvm.JAVA, f"-Dlog4j2.configurationFile={brokers.ORACLE / 'log4j2.xml'}", "-cp", f"{classes}:{jars}/*", "SecureClient"]


def go_client(run, name):
    why = golang.missing_toolchain()
    if why:
        raise Skip(why)
    return [str(golang.build(f"./{name}", run.work_dir / name))]


def node_client(run):
    loader = importlib.machinery.SourceFileLoader("node_run", str(HERE.parent / "node" / "run"))
    node_run = types.ModuleType(loader.name)
    node_run.__file__ = loader.path
    loader.exec_module(node_run)
    modules = node_run.installed_modules()
    os.environ.update(NODE_PATH=str(modules), KAFKAJS_NO_PARTITIONER_WARNING="1")
    return ["node", str(CLIENTS / "secure.js")]


CLIENT_COMMANDS = {
    "kafka-python": lambda run: python_client(run, "kafka-python", "secure_kafka_python.py"),
    "confluent": lambda run: python_client(run, "confluent", "secure_confluent.py"),
    "java": java_client,
    "franz-go": lambda run: go_client(run, "securefranz"),
    "sarama": lambda run: go_client(run, "securesarama"),
    "kafkajs": node_client,
}


def ask(command, address, mechanism, user, secret, topic):
    """The last line that the client prints, or what became of it."""
    try:
        done = subprocess.run([*command, address, mechanism, user, secret, topic], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "did not end within 60 s"
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines else f"printed nothing and ended with {done.returncode}: {done.stderr[-300:]}"


def make_users(run, address):
    """SCRAM users, by the listener that needs none."""
    python = packages.python_environment("confluent", "confluent-kafka")
    subprocess.run([python, str(CLIENTS / "make_users.py"), address, "alice", PASSWORD], check=True, timeout=60)


def body(run):
    good_key = tokens.Key(run.work_dir / "good.pem", "k1")
    forged_key = tokens.Key(run.work_dir / "forged.pem", "k1")
    key_file = run.work_dir / "jwks.json"
    key_file.write_text(tokens.jwks(good_key))
    port = brokers.free_port()
    sasl_port, oauth, wanted = settings(run, port, key_file)
    kinds = {"milena": brokers.MilenaBroker, "oracle": brokers.OracleBroker}
    if run.choice.kind not in kinds:
        run.checks.skip("sasl", "needs a broker with its own settings")
        return
    with kinds[run.choice.kind](run.work_dir / "sasl", wanted, port).start():
        make_users(run, f"127.0.0.1:{port}")
        cases = [(mechanism, *case) for mechanism in ("PLAIN", *SCRAM)
                 for case in (("right", "alice", PASSWORD, "in"), ("wrong password", "alice", "other", "refused"),
                              ("unknown user", "mallory", PASSWORD, "refused"))]
        if oauth:
            cases += [("OAUTHBEARER", name, "alice", token, expected) for name, token, expected in (
                ("right", good_key.sign("alice"), "in"),
                ("expired", good_key.sign("alice", -3600), "refused"),
                ("forged", forged_key.sign("alice"), "refused"),
                ("of another audience", good_key.sign("alice", aud="other"), "refused"))]
        for client, get in CLIENT_COMMANDS.items():
            try:
                command = get(run)
            except Skip as skip:
                run.checks.skip(client, str(skip), skip.registry_answered)
                continue
            for number, (mechanism, what, user, secret, expected) in enumerate(cases):
                name = f"sasl {client} {mechanism} {what}"
                if not run.wanted(name):
                    continue
                with run.checks.check(name):
                    said = ask(command, f"127.0.0.1:{sasl_port}", mechanism, user, secret, f"{client}-{number}")
                    assert said == expected or said.startswith(expected + ":"), f"expected {expected}, and it said: {said}"
        log = (run.work_dir / "sasl" / "broker.log")
        if log.exists():
            with run.checks.check("sasl the log holds no password"):
                text = log.read_text(errors="replace")
                assert PASSWORD not in text and "builder" not in text
