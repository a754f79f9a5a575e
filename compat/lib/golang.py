"""Builds Go programs of compat/ and tests of Go modules, with the versions of compat/go/go.mod; modules live in the cache."""

import os
import re
import shutil
import subprocess
import sys

import packages
from broker import ROOT
from checks import Skip

MODULE = ROOT / "compat" / "go"
CACHE = packages.CACHE / "go"
ENVIRONMENT = dict(os.environ, GOMODCACHE=str(CACHE / "mod"), GOCACHE=str(CACHE / "build"), CGO_ENABLED="1")

# Messages of the go command when no module proxy answered, as against one that does not have the module.
_UNREACHABLE = re.compile(r"dial tcp|no such host|i/o timeout|connection refused|network is unreachable|TLS handshake timeout")


def missing_toolchain():
    wanted = re.search(r"^go (\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE).group(1)
    if not shutil.which("go"):
        return f"needs Go {wanted} or newer, and there is no go command"
    if not shutil.which("gcc"):
        return "confluent-kafka-go needs gcc"
    version = subprocess.run(["go", "env", "GOVERSION"], cwd="/", stdout=subprocess.PIPE, text=True).stdout.strip().removeprefix("go")
    numbers = [[int(part) for part in re.findall(r"\d+", text)] for text in (version, wanted)]
    toolchain_may_change = subprocess.run(["go", "env", "GOTOOLCHAIN"], stdout=subprocess.PIPE, text=True).stdout.strip() != "local"
    if numbers[0] < numbers[1] and not (toolchain_may_change and numbers[0] >= [1, 21]):
        return f"needs Go {wanted} or newer, and this is {version}"
    return None


class DoesNotBuild(Exception):
    pass


def build(package, binary, tests=False):
    """The program of a package, or of its tests. Raises Skip when modules cannot be got, DoesNotBuild with the words."""
    command = ["go", "test", "-c"] if tests else ["go", "build"]
    done = subprocess.run([*command, "-trimpath", "-o", str(binary), package], cwd=MODULE, env=ENVIRONMENT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode == 0:
        return binary
    sys.stderr.write(done.stdout[-3000:])
    if "go: downloading" in done.stdout or _UNREACHABLE.search(done.stdout):
        raise Skip("could not get the Go modules (see above)", not _UNREACHABLE.search(done.stdout))
    raise DoesNotBuild("does not build (see above)")


def folder_of(package):
    done = subprocess.run(["go", "list", "-f", "{{.Dir}} {{.Module.Version}}", package], cwd=MODULE, env=ENVIRONMENT,
                          stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.split()
