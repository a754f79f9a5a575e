#!/usr/bin/env python3
"""Usage: packaging_test.py BINARY SOURCES

What packages are made of, without building one: the manual, the unit of systemd, the names of Kafka's scripts, the
workflow of GitHub Actions.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    yaml = None

BINARY, SOURCES = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
PACKAGING = SOURCES / "packaging"


class Packaging(unittest.TestCase):
    def test_every_script_of_the_binary_gets_its_link(self):
        lines = (PACKAGING / "kafka-scripts").read_text().splitlines()
        linked = {line for line in lines if not line.startswith("#")}
        known = set(re.findall(r'\{"(kafka-[a-z-]+)"', (SOURCES / "src/tools/commands.cc").read_text()))
        self.assertTrue(known)
        self.assertEqual(linked, known)

    def test_the_manual_describes_every_command(self):
        made = subprocess.run([PACKAGING / "manual.py", BINARY, "1.2.3"], capture_output=True, text=True)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertIn('"milena 1.2.3"', made.stdout)
        for name in re.findall(r'^    \{"([a-z-]+)", "', (SOURCES / "src/tools/commands.cc").read_text(), re.M):
            self.assertIn(f".SH MILENA {name.upper()}".replace("-", "\\-"), made.stdout)
        # A line that begins with a dot or a quote would be a macro.
        macros = {line.split()[0] for line in made.stdout.splitlines() if line.startswith((".", "'"))}
        self.assertLessEqual(macros, {".TH", ".SH", ".nf", ".fi", ".TP", ".I"})

    def test_a_binary_without_help_makes_no_manual(self):
        made = subprocess.run([PACKAGING / "manual.py", "/bin/true", "1.2.3"], capture_output=True, text=True)
        self.assertNotEqual(made.returncode, 0)
        self.assertEqual(made.stdout, "")

    def test_the_settings_of_the_service_are_understood(self):
        for path in [PACKAGING / "server.properties", PACKAGING / "kubernetes" / "server.properties"]:
            shown = subprocess.run([BINARY, "config", path], capture_output=True, text=True)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), path)
            self.assertIn("log.dirs", shown.stdout)

    def services_of_workflows(self):
        for path in sorted((PACKAGING / "github-actions").glob("*.yml")):
            workflow = yaml.safe_load(path.read_text())
            for name, job in workflow["jobs"].items():
                self.assertIn("runs-on", job, name)
                yield job, job["services"]["kafka"]

    @unittest.skipUnless(yaml, "Python's yaml is not installed")
    def test_the_workflow_starts_a_broker_that_its_steps_find(self):
        jobs = list(self.services_of_workflows())
        self.assertTrue(jobs)
        for job, service in jobs:
            environment = {"PATH": os.environ["PATH"], **service.get("env", {})}
            for value in environment.values():
                self.assertIsInstance(value, str)  # 3 and false would be made into texts by rules of their own
            # As docker/run has it where nothing says what clients are told.
            environment.setdefault("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://localhost:9092")
            shown = subprocess.run([BINARY, "config", "--env"], capture_output=True, text=True, env=environment)
            self.assertEqual((shown.returncode, shown.stderr), (0, ""), service)
            told = re.search(r"^advertised\.listeners=PLAINTEXT://(\S+)", shown.stdout, re.M)[1]
            wanted = [step["env"]["BOOTSTRAP_SERVERS"] for step in job["steps"] if "BOOTSTRAP_SERVERS" in step.get("env", {})]
            self.assertEqual(wanted, [told])
            # On the runner the port must be published, in a container the name of the service is the host's.
            port = told.partition(":")[2]
            self.assertEqual("container" in job, f"{port}:{port}" not in map(str, service.get("ports", [])))
            self.assertEqual("container" in job, told.startswith("kafka:"))
            for step in job["steps"]:
                self.assertEqual(len({"uses", "run"} & set(step)), 1, step)
                checked = subprocess.run(["bash", "-n"], input=step.get("run", ""), capture_output=True, text=True)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_systemd_takes_the_unit(self):
        unit = (PACKAGING / "milena.service").read_text().replace("/usr/bin/milena", str(BINARY))
        unit = re.sub(r"^Documentation=.*\n", "", unit, flags=re.M)
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "milena.service"
            path.write_text(unit)
            checked = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
