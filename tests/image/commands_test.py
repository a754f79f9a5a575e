#!/usr/bin/env python3
"""Usage: commands_test.py BINARY

Milena's own commands against a broker, each as a process: what they print, what they end with, and the completion in
bash and zsh.
"""

import json
import os
import pathlib
import pty
import select
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


class Broker:
    def __init__(self, settings, log_path):
        self.log_path = log_path
        command = [BINARY] + [word for key, value in settings.items() for word in ("--override", f"{key}={value}")]
        with open(log_path, "w") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self):
        return self.log_path.read_text()

    def wait_until_it_serves(self):
        deadline = time.monotonic() + DEADLINE_S
        while "Kafka Server started" not in self.log():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(self.log())
            time.sleep(0.02)

    def stop(self):
        """What it ends with."""
        self.process.terminate()
        return self.process.wait(DEADLINE_S)


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="milena-commands-")
        cls.address = f"127.0.0.1:{free_port()}"
        cls.data = pathlib.Path(cls.directory.name) / "data"
        cls.http = f"127.0.0.1:{free_port()}"
        settings = {"listeners": f"PLAINTEXT://{cls.address}", "milena.http.listeners": cls.http, "log.dirs": cls.data}
        cls.broker = Broker(settings, pathlib.Path(cls.directory.name) / "log")
        cls.broker.wait_until_it_serves()

    @classmethod
    def tearDownClass(cls):
        cls.broker.stop()
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
        # The output of one is the input of the other.
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

    def check(self, *words):
        done = subprocess.run([BINARY, "check", "--nagios", *words], capture_output=True, text=True, timeout=DEADLINE_S)
        return done.returncode, done.stdout

    def test_a_monitoring_system_is_answered(self):
        self.run_command("produce", "watched", stdin="1\n2\n3\n")
        self.run_command("consume", "watched", "--from", "first", "-n", "1", "-g", "slow")
        code, line = self.check("-b", self.address, "--disk", "0:", "--group", "slow")
        self.assertEqual((code, line[:14]), (0, "MILENA OK - 1 "), line)
        self.assertIn("'lag_slow'=2;;;0", line)
        self.assertIn(f"'free_1:{self.data}'=", line)
        code, line = self.check("-b", self.address, "--disk", "0:", "--lag", "1", "--group", "slow")
        self.assertEqual((code, line[:41]), (1, "MILENA WARNING - group slow lags by 2 rec"), line)
        code, line = self.check("-b", self.address, "--disk", "0:", "--lag", "1,1", "--brokers", "@1")
        self.assertEqual(code, 2, line)
        self.assertEqual(line.splitlines()[1:], ["CRITICAL: group slow lags by 2 records", "WARNING: 1 broker"])
        code, line = self.check("-b", self.address, "--disk", ",@0:100")
        self.assertEqual(code, 2, line)
        self.assertIn("% are free in directory 1:", line)
        # Over HTTP alone the same figures are found.
        code, line = self.check("--http", self.http, "--disk", "0:", "--lag", "1", "--group", "slow")
        self.assertEqual((code, line[:41]), (1, "MILENA WARNING - group slow lags by 2 rec"), line)
        self.assertIn("'offline'=0;;0;0 'under_replicated'=0;0;;0", line)
        self.assertIn(f"'free_{self.data}'=", line)

    def test_a_monitoring_system_is_told_what_cannot_be_asked(self):
        code, line = self.check("-b", "127.0.0.1:1")
        self.assertEqual((code, line[:18]), (2, "MILENA CRITICAL - "), line)
        self.assertEqual(self.check("--http", "127.0.0.1:1")[0], 2)
        self.assertEqual(self.check("--lag", "many")[0], 3)
        self.assertEqual(self.check("--nonsense")[0], 3)
        code, line = self.check("-b", self.address, "--disk", "0:", "--group", "missing")
        self.assertEqual((code, line[:32]), (3, "MILENA UNKNOWN - group missing: "), line)
        code, line = self.check("-b", self.address, "--command-config", "/nowhere.properties")
        self.assertEqual((code, line[:17]), (3, "MILENA UNKNOWN - "), line)
        code, text = self.check("--help")
        self.assertEqual(code, 0)
        self.assertIn("--under-replicated", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)

    def on_a_terminal(self, *words, **streams):
        """What the command writes to standard error, which is a terminal, and what it ends with."""
        ours, its = pty.openpty()
        with subprocess.Popen([BINARY, *words], stderr=its, env={**os.environ, "TERM": "xterm"}, **streams) as process:
            os.close(its)
            seen = b""
            try:
                while part := os.read(ours, 65536):
                    seen += part
            except OSError:  # the terminal's end, when nobody has it open any longer
                pass
            finally:
                os.close(ours)
            return process.wait(DEADLINE_S), seen.decode()

    def test_a_person_sees_how_far_it_is(self):
        code, seen = self.on_a_terminal("perf", "produce", "-b", self.address, "steady", "-n", "160", "--rate", "100",
                                        stdout=subprocess.DEVNULL)
        self.assertEqual(code, 0, seen)
        lines = [line for line in seen.split("\r") if line.startswith("steady ")]
        self.assertGreater(len(lines), 1, seen)
        self.assertRegex(lines[0], r"^steady +\d+ %  \[#+\.+\]  \d+ of 160  \d+/s  0:0\d left\x1b\[K$")
        self.assertTrue(seen.endswith("\r\x1b[K"), seen)
        # What does not take long says nothing, and neither does what nobody looks at.
        code, seen = self.on_a_terminal("cat", "-b", self.address, "steady", stdout=subprocess.DEVNULL)
        self.assertEqual((code, seen), (0, ""))
        quiet = subprocess.run([BINARY, "perf", "produce", "-b", self.address, "steady", "-n", "160", "--rate", "100"],
                               capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_completes(self):
        self.run_command("topics", "create", "zebra")
        folder = pathlib.Path(self.directory.name) / "zsh"
        (folder / "bin").mkdir(parents=True)
        (folder / "site").mkdir()
        # The broker is not at the usual address.
        (folder / "bin" / "milena").write_text(f'#!/bin/sh\ncommand=$1\n[ $# = 0 ] || shift\n'
                                               f'case $command in topics) set -- --bootstrap-server {self.address} "$@" ;; esac\n'
                                               f'exec "{BINARY}" "$command" "$@"\n')
        (folder / "bin" / "milena").chmod(0o755)
        script = subprocess.run([BINARY, "completion", "zsh"], capture_output=True, text=True, check=True).stdout
        (folder / "site" / "_milena").write_text(script)
        ways = {"fpath": f"fpath=({folder}/site $fpath)\nautoload -Uz compinit; compinit -u -D",
                "eval": 'autoload -Uz compinit; compinit -u -D\neval "$(milena completion zsh)"'}
        for way, loaded in ways.items():
            for typed, expected in [("prod", "produce "), ("topics des", "topics describe "), ("cat zeb", "cat zebra "),
                                    ("produce t --comp", "produce t --compress "), ("completion z", "completion zsh ")]:
                with self.subTest(way=way, typed=typed):
                    self.assertEqual(self.completed_by_zsh(folder, loaded, typed), "milena " + expected)

    def completed_by_zsh(self, folder, loaded, typed):
        """The line after a tab, in a zsh on a terminal of its own."""
        (folder / "rc.zsh").write_text(f"""
PS1=; PATH={folder}/bin:$PATH
{loaded}
show() {{ print -r -- "LINE<$BUFFER>"; exit }}
zle -N show
bindkey '^I' expand-or-complete
bindkey '^T' show
print READY
""")
        ours, its = pty.openpty()
        with subprocess.Popen(["zsh", "-f", "-i"], stdin=its, stdout=its, stderr=its, start_new_session=True,
                              env={"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm"}) as shell:
            os.close(its)
            seen = ""

            def read_until(mark):
                nonlocal seen
                deadline = time.monotonic() + DEADLINE_S
                while mark not in seen and time.monotonic() < deadline:
                    if select.select([ours], [], [], 1)[0]:
                        try:
                            seen += os.read(ours, 65536).decode(errors="replace")
                        except OSError:
                            break
                self.assertIn(mark, seen)
            try:
                os.write(ours, f"source {folder}/rc.zsh\n".encode())
                read_until("READY\r\n")
                os.write(ours, f"milena {typed}\t\x14".encode())
                read_until("LINE<")
                read_until(">\r\n")
            finally:
                shell.kill()
                os.close(ours)
        return seen.rpartition("LINE<")[2].partition(">\r\n")[0]


class SeedTest(unittest.TestCase):
    """A broker that nobody may use without a password, and that has what its seed file says."""

    SEED = """
topics:
  - {name: orders, partitions: 2, records: [{key: a, value: first}, second]}
users:
  - {name: alice, password: alice-secret, mechanisms: SCRAM-SHA-256}
acls:
  - {allow: alice, operations: [read, write], resources: "topic:orders"}
"""

    def start(self, directory, port):
        return Broker({"listeners": f"SASL_PLAINTEXT://127.0.0.1:{port}", "inter.broker.listener.name": "SASL_PLAINTEXT",
                       "sasl.enabled.mechanisms": "SCRAM-SHA-256", "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
                       "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                       "milena.http.listeners": "", "log.dirs": f"{directory}/data",
                       "milena.seed.file": f"{directory}/seed.yaml"}, directory / "log")

    def test_what_a_seed_file_says_is_there_once(self):
        with tempfile.TemporaryDirectory(prefix="milena-seed-") as name:
            directory, port = pathlib.Path(name), free_port()
            (directory / "seed.yaml").write_text(self.SEED)
            login = directory / "alice.properties"
            login.write_text("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config="
                             "org.apache.kafka.common.security.scram.ScramLoginModule required "
                             'username="alice" password="alice-secret";\n')
            for _ in range(2):
                broker = self.start(directory, port)
                broker.wait_until_it_serves()
                try:
                    read = subprocess.run([BINARY, "cat", "-b", f"127.0.0.1:{port}", "--command-config", login, "orders"],
                                          capture_output=True, text=True, timeout=DEADLINE_S)
                    self.assertEqual(sorted(read.stdout.split()), ["first", "second"], read.stderr)
                finally:
                    self.assertEqual(broker.stop(), 0)
            self.assertIn("already applied", broker.log())

    def test_a_mistake_stops_the_start_before_anything_is_made(self):
        with tempfile.TemporaryDirectory(prefix="milena-seed-") as name:
            directory = pathlib.Path(name)
            (directory / "seed.yaml").write_text(self.SEED.replace("[read, write]", "[read, rite]"))
            broker = self.start(directory, free_port())
            self.assertEqual(broker.process.wait(DEADLINE_S), 1)
            self.assertIn(f"{directory}/seed.yaml:7:32: operations: rite: expected", broker.log())
            self.assertFalse((directory / "data").exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
