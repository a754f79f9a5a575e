#!/usr/bin/env python3
"""Usage: commands_test.py BINARY

Milena's own commands against a broker, each as a process: what they print, what they end with, and the completion in bash.
"""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BINARY = pathlib.Path(sys.argv[1]).resolve()
DEADLINE_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="milena-commands-")
        cls.address = f"127.0.0.1:{free_port()}"
        cls.data = pathlib.Path(cls.directory.name) / "data"
        log_path = pathlib.Path(cls.directory.name) / "log"
        with open(log_path, "w") as log:
            cls.broker = subprocess.Popen([BINARY, "--override", f"listeners=PLAINTEXT://{cls.address}",
                                           "--override", f"log.dirs={cls.data}"],
                                          stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE_S
        while "Kafka Server started" not in log_path.read_text():
            if cls.broker.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log_path.read_text())
            time.sleep(0.02)

    @classmethod
    def tearDownClass(cls):
        cls.broker.terminate()
        cls.broker.wait(DEADLINE_S)
        cls.directory.cleanup()

    def run_command(self, *words, stdin="", status=0):
        done = subprocess.run([BINARY, words[0], "-b", self.address, *words[1:]], input=stdin, capture_output=True, text=True,
                              timeout=DEADLINE_S)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout if status == 0 else done.stderr

    def test_records_go_in_and_out(self):
        self.run_command("topics", "create", "orders", "-p", "3")
        self.run_command("produce", "orders", "-F", "key-value", "-d", ":", "-H", "source=shop", "-z", "zstd",
                         stdin="a:1\nb:2\nc:3\n")
        records = [json.loads(line) for line in self.run_command("cat", "orders", "-F", "json").splitlines()]
        self.assertEqual(sorted((record["key"], record["value"]) for record in records), [("a", "1"), ("b", "2"), ("c", "3")])
        self.assertEqual(records[0]["headers"], [["source", "shop"]])
        # What one writes, the other reads.
        lines = "".join(json.dumps(record) + "\n" for record in records)
        self.run_command("produce", "copy", "-F", "json", stdin=lines)
        self.assertEqual(sorted(self.run_command("cat", "copy").split()), ["1", "2", "3"])
        self.assertEqual(len(self.run_command("cat", "copy", "--from", "last:1").split()), 1)
        self.assertEqual(len(self.run_command("cat", "copy", "-n", "2").split()), 2)
        self.assertEqual(self.run_command("cat", "copy", "--from", "1", "-p", "0", "-n", "1"),
                         self.run_command("cat", "copy", "--from", "last:2", "-n", "1"))
        self.assertEqual(len(self.run_command("cat", "copy", "--from", "-1h").split()), 3)
        self.assertIn("expected first, end", self.run_command("cat", "copy", "--from", "nonsense", status=2))
        topics = json.loads(self.run_command("topics", "--json"))
        self.assertEqual([(topic["topic"], topic["records"]) for topic in topics if topic["topic"] in ("copy", "orders")],
                         [("copy", 3), ("orders", 3)])
        log = next(path for path in self.data.glob("copy-0/*.log"))
        dumped = subprocess.run([BINARY, "dump", "--print-data-log", log], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        self.assertEqual(dumped.stdout.count("payload: "), 3)

    def test_groups_move(self):
        self.run_command("produce", "work", stdin="1\n2\n3\n")
        self.assertEqual(self.run_command("consume", "work", "--from", "first", "-n", "2", "-g", "workers"), "1\n2\n")
        self.assertEqual(self.run_command("consume", "work", "-n", "1", "-g", "workers"), "3\n")
        rows = json.loads(self.run_command("groups", "describe", "workers", "--json"))
        self.assertEqual([(row["offset"], row["end"], row["lag"]) for row in rows], [(3, 3, 0)])
        self.run_command("groups", "move", "workers", "--to", "1")
        self.assertEqual(json.loads(self.run_command("groups", "describe", "workers", "--json"))[0]["offset"], 3)
        self.run_command("groups", "move", "workers", "--to", "1", "--execute")
        self.assertEqual(self.run_command("consume", "work", "-n", "2", "-g", "workers"), "2\n3\n")
        self.run_command("groups", "delete", "workers")
        self.assertIn("workers", self.run_command("groups", "describe", "workers", status=1))

    def test_configs_change(self):
        self.run_command("topics", "create", "kept", "-c", "retention.ms=86400000")
        self.run_command("configs", "topic", "kept", "retention.ms-", "max.message.bytes=2000000")
        configs = {row["config"]: row["value"] for row in json.loads(self.run_command("configs", "topic", "kept", "--json"))}
        self.assertEqual(configs.get("max.message.bytes"), "2000000")
        self.assertNotIn("retention.ms", configs)
        self.assertIn("nonsense", self.run_command("configs", "topic", "kept", "nonsense=1", status=1))

    def test_failures_have_codes(self):
        self.assertIn("expected", self.run_command("topics", "nonsense", status=2))
        self.run_command("topics", "delete", "missing", status=1)
        self.run_command("topics", "delete", "missing", "--if-needed")
        nowhere = subprocess.run([BINARY, "topics", "-b", "127.0.0.1:1"], capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(nowhere.returncode, 1)
        self.assertIn("Connection refused", nowhere.stderr)

    def test_the_cluster_is_shown(self):
        self.assertEqual(json.loads(self.run_command("quorum", "--json"))[0]["role"], "leader")
        self.assertIn("metadata.version", self.run_command("features"))
        self.assertIn(str(self.data), self.run_command("logdirs"))
        self.assertIn("TRANSACTION", self.run_command("transactions"))
        self.assertEqual(json.loads(self.run_command("perf", "produce", "speed", "-n", "100", "--json"))[0]["records"], 100)

    def test_bash_completes(self):
        def completed(*words):
            script = (f'milena() {{ "{BINARY}" "$@"; }}; eval "$(milena completion bash)"; COMP_WORDS=({" ".join(words)}); '
                      f'COMP_CWORD={len(words) - 1}; _milena; echo "${{COMPREPLY[@]}}"')
            return subprocess.run([shutil.which("bash"), "-c", script], capture_output=True, text=True,
                                  timeout=DEADLINE_S).stdout.split()
        self.assertEqual(completed("milena", "prod"), ["produce"])
        self.assertEqual(completed("milena", "topics", "des"), ["describe"])
        self.assertEqual(completed("milena", "produce", "--comp"), ["--compress"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
