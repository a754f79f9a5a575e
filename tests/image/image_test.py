#!/usr/bin/env python3
"""Usage: image_test.py BINARY DOCKER_FOLDER

Makes the file trees of both images without a container engine and runs the broker in them with chroot: the full one
through the start script that test-container modules write into it, the bare one through its entry point alone.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BINARY, DOCKER = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
READY = "Transitioning from RECOVERY to RUNNING"  # what test-container modules wait for
PROGRAMS = ["sh", "bash", "sleep", "chmod", "cat", "grep", "dirname", "sed", "hostname", "mkdir", "mv"]  # what its base has
DEADLINE_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def shared_libraries(program):
    listing = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    return re.findall(r"(/\S+) \(0x", listing)


def copy_into(root, path):
    target = root / str(path).lstrip("/")
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def copy_program(root, path):
    """A program and what it is linked with; links are followed, names are kept."""
    copy_into(root, path)
    for library in shared_libraries(path):
        copy_into(root, library)


def make_root(directory, bare):
    root = pathlib.Path(directory)
    subprocess.run([DOCKER / "rootfs", *(["--bare"] if bare else []), BINARY, root], check=True)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")  # as container engines do
    # A bare image holds a static binary; the one of this build may want its libraries.
    for library in shared_libraries(BINARY):
        copy_into(root, library)
    if not bare:
        for name in PROGRAMS:
            copy_program(root, pathlib.Path(shutil.which(name)))
            usual = root / "bin" / name
            if not usual.exists():
                usual.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(shutil.which(name), usual)
    return root


class Container:
    """A command with `root` as its file system and only these variables."""

    def __init__(self, root, command, environment):
        chroot = shutil.which("chroot", path="/usr/sbin:/sbin:/usr/bin:/bin")
        enter = [chroot, "--userspec=1000:1000", str(root)]
        if os.geteuid() != 0:
            enter = [shutil.which("unshare"), "-r", chroot, str(root)]
        self.log_path = root / "log"
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen([*enter, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={"PATH": "/usr/local/bin:/usr/bin:/bin", **environment})
        self.enter = enter

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_until(self, condition, what):
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before {what}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} in {DEADLINE_S} s:\n{self.log()}")
            time.sleep(0.02)

    def execute(self, *command, environment=None):
        return subprocess.run([*self.enter, *command], capture_output=True, text=True, timeout=DEADLINE_S,
                              env={"PATH": "/usr/local/bin:/usr/bin:/bin", **(environment or {})})

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=DEADLINE_S)


@contextlib.contextmanager
def container(bare, command, environment):
    with tempfile.TemporaryDirectory(prefix="milena-image-") as directory:
        os.chmod(directory, 0o755)
        root = make_root(directory, bare)
        running = Container(root, command, environment)
        try:
            yield root, running
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()


class ImageTest(unittest.TestCase):
    def test_a_test_container_module_starts_it(self):
        port, inside = free_port(), free_port()
        wait_for_script = "while [ ! -f /tmp/testcontainers_start.sh ]; do sleep 0.1; done; /tmp/testcontainers_start.sh"
        environment = {
            "CLUSTER_ID": "4L6g3nShT-eMCtK--X86sw",
            "KAFKA_NODE_ID": "1",
            "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@localhost:{free_port()}",
            "KAFKA_LISTENERS": f"PLAINTEXT://127.0.0.1:{port},BROKER://127.0.0.1:{inside},CONTROLLER://127.0.0.1:{free_port()}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
            "KAFKA_LOG_FLUSH_INTERVAL_MESSAGES": "9223372036854775807",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
            "KAFKA_HEAP_OPTS": "-Xmx512m",
        }
        with container(False, ["sh", "-c", wait_for_script], environment) as (root, running):
            script = root / "tmp" / "testcontainers_start.sh"
            unnamed = root / "tmp" / "script"
            unnamed.write_text(f"#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:{port},"
                               f"BROKER://localhost:{inside}\n/etc/kafka/docker/run\n")
            unnamed.chmod(0o777)
            unnamed.rename(script)  # at once whole, as a container engine copies it
            running.wait_until(lambda: READY in running.log(), "ready line")
            healthy = running.execute("milena", "health", f"localhost:{port}")
            self.assertEqual(healthy.returncode, 0, healthy.stderr)
            self.assertIn("cluster.id=4L6g3nShT-eMCtK--X86sw",
                          (root / "var/lib/kafka/data/meta.properties").read_text().replace("\\", ""))
            self.assertNotIn("HEAP", running.log())

    def start_with_script(self, command, environment, path, script, ready=READY, setup=None):
        """A module's way: the container waits for a script that is copied into it once its port is known."""
        running = container(False, command, environment)
        root, started = running.__enter__()
        self.addCleanup(running.__exit__, None, None, None)
        if setup:
            setup(root)
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        unnamed = root / "tmp" / "script"
        unnamed.write_text(script)
        unnamed.chmod(0o777)
        unnamed.rename(target)
        started.wait_until(lambda: re.search(ready, started.log()), ready)
        return root, started

    def confluent(self, port, inside, **more):
        """What modules for Confluent's images set."""
        return {
            "KAFKA_LISTENERS": f"PLAINTEXT://0.0.0.0:{port},BROKER://0.0.0.0:{inside},CONTROLLER://0.0.0.0:{free_port()}",
            "KAFKA_REST_BOOTSTRAP_SERVERS": f"PLAINTEXT://0.0.0.0:{port}",
            "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "KAFKA_INTER_BROKER_LISTENER_NAME": "BROKER", "KAFKA_BROKER_ID": "1", "KAFKA_NODE_ID": "1",
            "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1", "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
            "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1", "KAFKA_LOG_FLUSH_INTERVAL_MESSAGES": "9223372036854775807",
            "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0", "KAFKA_PROCESS_ROLES": "broker,controller",
            "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER", "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9094", **more}

    def serves(self, started, *ports):
        for port in ports:
            healthy = started.execute("milena", "health", f"localhost:{port}")
            self.assertEqual(healthy.returncode, 0, healthy.stderr)

    def test_the_go_module(self):
        port, inside = free_port(), free_port()
        path = "/usr/sbin/testcontainers_start.sh"
        script = (f"""#!/bin/bash
source /etc/confluent/docker/bash-config
export KAFKA_ADVERTISED_LISTENERS="PLAINTEXT://localhost:{port},BROKER://localhost:{inside}"
echo Starting Kafka KRaft mode
sed -i '/KAFKA_ZOOKEEPER_CONNECT/d' /etc/confluent/docker/configure
echo 'kafka-storage format --ignore-formatted -t "$(kafka-storage random-uuid)" -c /etc/kafka/kafka.properties' """
                  """>> /etc/confluent/docker/configure
echo '' > /etc/confluent/docker/ensure
/etc/confluent/docker/configure
/etc/confluent/docker/launch""")
        _, started = self.start_with_script(["sh", "-c", f"while [ ! -f {path} ]; do sleep 0.1; done; bash {path}"],
                                            self.confluent(port, inside), path, script,
                                            ".*Transitioning from RECOVERY to RUNNING.*")
        self.serves(started, port, inside)
        self.assertIn("Formatting metadata directory", started.log())

    def test_the_python_module(self):
        port, inside = free_port(), free_port()
        boot = ("sed -i '/KAFKA_ZOOKEEPER_CONNECT/d' /etc/confluent/docker/configure\n"
                "echo 'kafka-storage format --ignore-formatted -t rO0ABXNyABNqYXZhLnV0aQ== -c "
                "/etc/kafka/kafka.properties' >> /etc/confluent/docker/configure\n")
        script = (f"#!/bin/bash\n{boot}export KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://localhost:{port},"
                  f"BROKER://localhost:{inside}\n. /etc/confluent/docker/bash-config\n"
                  "/etc/confluent/docker/configure\n/etc/confluent/docker/launch")
        _, started = self.start_with_script(
            ["sh", "-c", "while [ ! -f /tc-start.sh ]; do sleep 0.1; done; sh /tc-start.sh"],
            self.confluent(port, inside, CLUSTER_ID="rO0ABXNyABNqYXZhLnV0aQ=="), "/tc-start.sh", script,
            ".*Kafka Server started.*")
        self.serves(started, port, inside)
        self.assertRegex(started.log(), r".*\[KafkaServer id=\d+\] started.*")

    def test_the_node_module(self):
        port, inside = free_port(), free_port()
        command = ("echo 'Waiting for script...'; while [ ! -f /testcontainers_start.sh ]; do sleep 0.1; done; "
                   "/testcontainers_start.sh")
        script = (f"#!/bin/bash\nexport KAFKA_ADVERTISED_LISTENERS=BROKER://localhost:{inside},"
                  f"PLAINTEXT://localhost:{port}\n/etc/confluent/docker/run \n")
        _, started = self.start_with_script(["sh", "-c", command],
                                            self.confluent(port, inside, CLUSTER_ID="4L6g3nShT-eMCtK--X86sw"),
                                            "/testcontainers_start.sh", script)
        self.serves(started, port, inside)
        self.assertIn("Waiting for script...", started.log())

    def test_scripts_that_start_a_zookeeper_first(self):
        port, inside = free_port(), free_port()
        environment = {key: value for key, value in self.confluent(port, inside).items()
                       if not re.search("ROLES|CONTROLLER|NODE_ID", key)}
        environment["KAFKA_LISTENERS"] = f"PLAINTEXT://0.0.0.0:{port},BROKER://0.0.0.0:{inside}"
        environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"] = "BROKER:PLAINTEXT,PLAINTEXT:PLAINTEXT"
        environment["KAFKA_ADVERTISED_LISTENERS"] = f"BROKER://localhost:{inside},PLAINTEXT://localhost:{port}"
        environment["KAFKA_ZOOKEEPER_CONNECT"] = "localhost:2181"
        script = ("#!/bin/bash\ncd /home/appuser\necho 'clientPort=2181' > zookeeper.properties\n"
                  "zookeeper-server-start zookeeper.properties &\necho '' > /etc/confluent/docker/ensure \n"
                  "/etc/confluent/docker/run \n")
        _, started = self.start_with_script(
            ["sh", "-c", "while [ ! -f /tmp/start.sh ]; do sleep 0.1; done; /tmp/start.sh"], environment, "/tmp/start.sh",
            script)
        self.serves(started, port, inside)

    def test_the_java_module_of_redpanda(self):
        port, inside = free_port(), free_port()
        script = ("#!/usr/bin/env bash\n".replace("/usr/bin/env bash", "/bin/bash") +
                  "until grep -q '' /etc/redpanda/redpanda.yaml 2>&1; do sleep 0.1; done\n"
                  "exec /entrypoint.sh \"$@\"\n")

        def settings(root):
            (root / "etc/redpanda/redpanda.yaml").write_text(f"""redpanda:
  admin:
    address: 0.0.0.0
    port: 9644
  kafka_api:
    - address: 0.0.0.0
      name: external
      port: {port}
      authentication_method: none
    - address: 0.0.0.0
      name: internal
      port: {inside}
      authentication_method: none
  advertised_kafka_api:
    - {{ address: localhost, name: external, port: {port} }}
    - {{ address: 127.0.0.1, name: internal, port: {inside} }}
""")
        command = ["sh", "-c", "while [ ! -f /entrypoint-tc.sh ]; do sleep 0.1; done; exec /entrypoint-tc.sh redpanda start "
                   "--mode=dev-container --smp=1 --memory=1G"]
        _, started = self.start_with_script(command, {}, "/entrypoint-tc.sh", script,
                                            ".*Successfully started Redpanda!.*", settings)
        self.serves(started, port, inside)

    def test_the_python_module_of_redpanda(self):
        port, inside = free_port(), free_port()
        path = "/var/lib/redpanda/tc-start.sh"
        script = (f"#!/bin/bash\n/usr/bin/rpk redpanda start --mode dev-container --smp 1 --memory 1G "
                  f"--kafka-addr PLAINTEXT://0.0.0.0:{inside},OUTSIDE://0.0.0.0:{port} "
                  f"--advertise-kafka-addr PLAINTEXT://127.0.0.1:{inside},OUTSIDE://localhost:{port}")
        _, started = self.start_with_script(["sh", "-c", f"while [ ! -f {path} ]; do sleep 0.1; done; sh {path}"], {}, path,
                                            script, ".*Started Kafka API server.*")
        self.serves(started, port, inside)

    def test_the_rust_module(self):
        port, inside = free_port(), free_port()
        path = "/opt/kafka/testcontainers_start.sh"
        wait_for_script = f"while [ ! -f {path} ]; do sleep 0.1; done; chmod 755 {path} && {path}"
        with container(False, ["bash", "-c", wait_for_script], self.confluent(port, inside)) as (_, running):
            # Written from inside, as the broker's user.
            written = running.execute("sh", "-c", f"echo '#!/usr/bin/env bash\nexport KAFKA_ADVERTISED_LISTENERS="
                                      f"PLAINTEXT://127.0.0.1:{port},BROKER://localhost:{inside}\n/etc/kafka/docker/run "
                                      f"\n' > {path}.new && sed -i 's|/usr/bin/env bash|/bin/bash|' {path}.new && "
                                      f"mv {path}.new {path}")
            self.assertEqual(written.returncode, 0, written.stderr)
            running.wait_until(lambda: "Kafka Server started" in running.log(), "ready line")
            self.serves(running, port, inside)

    def test_the_quick_start_of_kafkas_image(self):
        port = free_port()
        environment = {"KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}",
                       "KAFKA_CREATE_TOPICS": "declared:3:1,compacted:1:1:compact"}
        with container(False, ["/etc/kafka/docker/run"], environment) as (root, running):
            running.wait_until(lambda: READY in running.log(), "ready line")

            def script(name, *words, stdin=""):
                done = subprocess.run([*running.enter, f"/opt/kafka/bin/{name}.sh", *words, "--bootstrap-server",
                                       f"localhost:{port}"], input=stdin, capture_output=True, text=True,
                                      timeout=DEADLINE_S, env={"PATH": "/usr/bin:/bin"})
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                return done.stdout

            self.assertEqual(script("kafka-topics", "--list"), "compacted\ndeclared\n")
            self.assertIn("PartitionCount: 3", script("kafka-topics", "--describe", "--topic", "declared"))
            self.assertIn("cleanup.policy=compact", script("kafka-topics", "--describe", "--topic", "compacted"))
            script("kafka-topics", "--create", "--topic", "quickstart-events")
            self.assertIn("Configs:", script("kafka-topics", "--describe", "--topic", "quickstart-events"))
            script("kafka-console-producer", "--topic", "quickstart-events", stdin="first\nsecond\n")
            self.assertEqual(script("kafka-console-consumer", "--topic", "quickstart-events", "--from-beginning",
                                    "--max-messages", "2"), "first\nsecond\n")
            healthy = running.execute("/etc/kafka/docker/run", "health", environment=environment)
            self.assertEqual(healthy.returncode, 0, healthy.stderr)
            self.assertNotIn("CREATE_TOPICS", re.sub("of KAFKA_CREATE_TOPICS", "", running.log()))

    def test_health_reads_a_mounted_file(self):
        port = free_port()
        with container(False, ["sh", "-c", "while [ ! -f /tmp/go ]; do sleep 0.1; done; exec /etc/kafka/docker/run"],
                       {}) as (root, running):
            (root / "mnt/shared/config/server.properties").write_text(f"listeners=PLAINTEXT://127.0.0.1:{port}\n")
            (root / "tmp/go").write_text("")
            running.wait_until(lambda: READY in running.log(), "ready line")
            healthy = running.execute("/etc/kafka/docker/run", "health")
            self.assertEqual(healthy.returncode, 0, healthy.stderr)
            self.assertIn(str(port), healthy.stdout)

    def test_the_tree_leaves_the_bases_users_alone(self):
        with tempfile.TemporaryDirectory(prefix="milena-image-") as directory:
            root = pathlib.Path(directory)
            subprocess.run([DOCKER / "rootfs", BINARY, root], check=True)
            self.assertFalse((root / "etc/passwd").exists())
            for path in ("etc/kafka/secrets", "opt/kafka/config", "home/appuser"):
                self.assertTrue((root / path).is_dir(), path)
            for name in ("kafka-topics", "kafka-console-producer", "kafka-console-consumer", "kafka-consumer-groups",
                         "kafka-configs", "kafka-acls", "kafka-storage"):
                self.assertEqual(os.readlink(root / "usr/bin" / name), "/opt/milena/milena")
                self.assertEqual(os.readlink(root / "opt/kafka/bin" / f"{name}.sh"), "/opt/milena/milena")

    def test_the_bare_image_needs_nothing_else(self):
        port = free_port()
        environment = {"KAFKA_LOG_DIRS": "/var/lib/kafka/data", "KAFKA_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
                       "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://localhost:{port}"}
        recipe = (DOCKER / "Dockerfile").read_text()
        entry_point = json.loads(re.search(r"^ENTRYPOINT (.*)$", recipe, re.M)[1])
        health = json.loads(re.search(r"^HEALTHCHECK .* CMD (.*)$", recipe, re.M)[1])
        with container(True, entry_point, environment) as (_, running):
            running.wait_until(lambda: READY in running.log(), "ready line")
            healthy = running.execute(*health, environment=environment)
            self.assertEqual(healthy.returncode, 0, healthy.stderr)
            self.assertEqual(running.stop(), 0, running.log())
            self.assertNotEqual(running.execute(*health, environment=environment).returncode, 0)

    def test_the_names_of_bitnamis_image_and_derived_listeners(self):
        port, inside = free_port(), free_port()
        environment = {
            "KAFKA_CFG_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{inside},PLAINTEXT_HOST://localhost:{port}",
            "KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT",
            "KAFKA_CFG_INTER_BROKER_LISTENER_NAME": "PLAINTEXT",
            "KAFKA_CFG_NUM_PARTITIONZ": "3",
        }
        with container(False, ["/etc/kafka/docker/run"], environment) as (_, running):
            running.wait_until(lambda: READY in running.log(), "ready line")
            for each in (port, inside):
                healthy = running.execute("milena", "health", f"localhost:{each}")
                self.assertEqual(healthy.returncode, 0, healthy.stderr)
            self.assertIn("KAFKA_CFG_NUM_PARTITIONZ", running.log())
            self.assertEqual(running.stop(), 0, running.log())


if __name__ == "__main__":
    if os.geteuid() != 0 and subprocess.run(["unshare", "-r", "true"], capture_output=True).returncode != 0:
        print("SKIP: neither root nor user namespaces, so no chroot")
        sys.exit(0)
    unittest.main(argv=sys.argv[:1])
