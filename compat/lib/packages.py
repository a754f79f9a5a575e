"""Gets what a suite needs: Debian packages, and Python packages in a virtualenv in the cache.

Nothing outside the cache is changed, but for Debian packages when we are root.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys

from checks import Skip

CACHE = pathlib.Path(os.environ.get("MILENA_CACHE") or pathlib.Path.home() / ".cache" / "milena")
DEBIAN_PYTHON = "/usr/bin/python3"

# Messages of pip and apt when no registry answered, as against one that refuses.
_UNREACHABLE = ("NewConnectionError", "name resolution", "timed out", "ProxyError", "ConnectTimeout", "Connection refused",
                "Network is unreachable", "Connection broken", "ConnectionResetError", "Could not resolve", "Could not connect",
                "Connection failed", "No route to host")


def _unreachable(output):
    return any(sign in output for sign in _UNREACHABLE)


def debian(program_check, *packages):
    """Installs Debian packages unless `program_check()` says that all is there. Raises Skip when it cannot."""
    if program_check():
        return
    wanted = " ".join(packages)
    if not shutil.which("apt-get"):
        raise Skip(f"needs the Debian packages {wanted}, and there is no apt-get here", registry_answered=False)
    if os.geteuid() != 0:
        raise Skip(f"needs the Debian packages {wanted}: install them as root (apt-get install {wanted})")
    print(f"installing {wanted}", file=sys.stderr, flush=True)
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    output = ""
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", *packages]):
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        output += done.stdout
    if done.returncode != 0 or not program_check():
        sys.stderr.write(output[-2000:])
        raise Skip(f"could not install the Debian packages {wanted}", registry_answered=not _unreachable(output))


def debian_python_has(*modules):
    """True when Debian's own Python can import all of these."""
    if not os.path.exists(DEBIAN_PYTHON):
        return False
    return subprocess.run([DEBIAN_PYTHON, "-c", "import " + ", ".join(modules)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0


def python_environment(name, *packages):
    """Makes or brings up to date the virtualenv `name` with the newest of `packages` (or NAME==VERSION); returns its python."""
    debian(lambda: debian_python_has("venv", "ensurepip"), "python3-venv")
    CACHE.mkdir(parents=True, exist_ok=True)
    home = CACHE / f"venv-{name}"
    python = home / "bin" / "python"
    with open(CACHE / f"venv-{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not python.exists():
            subprocess.run([DEBIAN_PYTHON, "-m", "venv", "--clear", str(home)], check=True)
        done = subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--upgrade", "--disable-pip-version-check",
                               *packages], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            if _all_installed(python, packages):
                print("the newest Python packages could not be asked for; using those of the last run", file=sys.stderr)
            else:
                sys.stderr.write(done.stdout[-2000:])
                raise Skip(f"pip could not install {' '.join(packages)}", registry_answered=not _unreachable(done.stdout))
    return str(python)


def _all_installed(python, packages):
    names = [one.partition("==")[0] for one in packages]
    return subprocess.run([str(python), "-m", "pip", "show", "--quiet", *names], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode == 0
