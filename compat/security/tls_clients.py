"""Each client over TLS: certificates that fit let it produce and consume, others do not.

A client is a program: ADDRESS TRUSTED CERTIFICATE KEY TOPIC. It writes a record and reads it back, and prints `in`, or
`refused: TEXT` when one side did not accept the other, or anything else when something else happened.
"""

import pathlib
import shutil
import subprocess
import sys

import broker as brokers
import jvm
import packages
from certificates import PASSWORD, Authority
from checks import Skip

HERE = pathlib.Path(__file__).resolve().parent
CLIENTS = HERE / "clients"


def settings(run, authority, port, ports):
    """Three listeners: one for everybody, one that asks for certificates, one with another host's certificate."""
    plain = f"PLAINTEXT://127.0.0.1:{port}"
    named = ",".join(f"{name}://localhost:{number}" for name, number in ports.items())
    found = {
        "listeners": f"{plain},{named}",
        "advertised.listeners": f"{plain},{named}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,OPEN:SSL,MUTUAL:SSL,ELSEWHERE:SSL",
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": authority.store("broker"),
        "ssl.keystore.password": PASSWORD,
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": authority.pem("ca"),
        "listener.name.elsewhere.ssl.keystore.location": authority.store("elsewhere"),
    }
    if run.choice.kind == "oracle":
        found["listeners"] += f",CONTROLLER://127.0.0.1:{brokers.free_port()}"
    return found


def python_client(run):
    return [packages.python_environment("kafka-python", "kafka-python"), str(CLIENTS / "tls_kafka_python.py")]


def kcat_client(run):
    packages.debian(lambda: shutil.which("kcat"), "kcat")
    return [sys.executable, str(CLIENTS / "tls_kcat.py")]


def java_client(run, version="4.3.1"):
    jars = jvm.client_jars(version)
    classes = run.work_dir / f"tls-classes-{version}"
    classes.mkdir(exist_ok=True)
    subprocess.run(["javac", "--release", "11", "-sourcepath", str(CLIENTS), "-d", str(classes), "-cp", f"{jars}/*", str(CLIENTS / "TlsClient.java")],
                   check=True)
    return [*jvm.JAVA, f"-Dlog4j2.configurationFile={brokers.ORACLE / 'log4j2.xml'}", "-cp", f"{classes}:{jars}/*", "TlsClient"]


CLIENT_COMMANDS = {"kcat": kcat_client, "kafka-python": python_client, "java": java_client}


def ask(command, address, trusted, certificate, key, topic):
    """The last line that the client prints, or what became of it."""
    try:
        done = subprocess.run([*command, address, trusted, certificate, key, topic], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=90)
    except subprocess.TimeoutExpired:
        return "did not end within 90 s"
    lines = done.stdout.strip().splitlines()
    return lines[-1] if lines else f"printed nothing and ended with {done.returncode}: {done.stderr[-300:]}"


def body(run):
    kinds = {"milena": brokers.MilenaBroker, "oracle": brokers.OracleBroker}
    if run.choice.kind not in kinds:
        run.checks.skip("tls", "needs a broker with its own settings")
        return
    folder = run.work_dir / "certificates"
    folder.mkdir()
    authority, foreign = Authority(folder, "ca"), Authority(folder, "foreign-ca")
    authority.issue("broker", "/CN=broker/O=Milena", "localhost")
    authority.issue("elsewhere", "/CN=broker/O=Milena", "elsewhere.example")
    ours, none = authority.pem("ca"), ("-", "-")
    app, expired = authority.issue("app", "/CN=app"), authority.issue("late", "/CN=app", days=-1)
    stranger = foreign.issue("stranger", "/CN=app")
    cases = [("right", "OPEN", ours, none, "in"), ("broker of another authority", "OPEN", foreign.pem("foreign-ca"), none, "refused"),
             ("another host's certificate", "ELSEWHERE", ours, none, "refused"), ("mutual right", "MUTUAL", ours, app, "in"),
             ("mutual without certificate", "MUTUAL", ours, none, "refused"),
             ("mutual with a foreign certificate", "MUTUAL", ours, stranger, "refused"),
             ("mutual with an expired certificate", "MUTUAL", ours, expired, "refused")]
    port, ports = brokers.free_port(), {name: brokers.free_port() for name in ("OPEN", "MUTUAL", "ELSEWHERE")}
    with kinds[run.choice.kind](run.work_dir / "tls", settings(run, authority, port, ports), port).start():
        for client, get in CLIENT_COMMANDS.items():
            try:
                command = get(run)
            except Skip as skip:
                run.checks.skip(client, str(skip), skip.registry_answered)
                continue
            for number, (what, listener, trusted, (certificate, key), expected) in enumerate(cases):
                name = f"tls {client} {what}"
                if not run.wanted(name):
                    continue
                with run.checks.check(name):
                    said = ask(command, f"localhost:{ports[listener]}", trusted, certificate, key, f"{client}-{number}")
                    assert said == expected or said.startswith(expected + ":"), f"expected {expected}, and it said: {said}"
        log = run.work_dir / "tls" / "broker.log"
        if log.exists():
            with run.checks.check("tls the log holds no password"):
                text = log.read_text(errors="replace")
                assert PASSWORD not in text and "PRIVATE KEY" not in text
