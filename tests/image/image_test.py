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
PROGRAMS = ["sh", "bash", "sleep", "chmod", "cat", "grep", "dirname"]  # what the full image's base has
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
