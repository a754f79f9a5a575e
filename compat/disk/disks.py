"""Disks that fill up and fail: small file systems in memory, and the preloaded shim."""

import contextlib
import errno
import mmap
import os
import pathlib
import shutil
import struct
import subprocess

import broker
import wait
from checks import Skip

HERE = pathlib.Path(__file__).resolve().parent
CONTROL_BYTES = 4096


@contextlib.contextmanager
def small(path, size_mb):
    """A file system of its own, in memory. Only root can mount it."""
    if os.geteuid() != 0:
        raise Skip("a full file system needs root, to mount one", registry_answered=False)
    path.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "milena-compat-disk", str(path)],
                          stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Skip(f"no file system can be mounted here: {done.stderr.strip()}", registry_answered=False)
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


class Filler:
    """Somebody else's file, which takes all the room that there is."""

    def __init__(self, directory):
        self.path = directory / "somebody-elses-file"

    def fill(self):
        with open(self.path, "ab", buffering=0) as file:
            piece = bytes(1 << 16)
            while piece:
                try:
                    file.write(piece)
                except OSError as error:
                    assert error.errno == errno.ENOSPC, error
                    piece = piece[:len(piece) // 2]

    def take(self, count):
        self.path.write_bytes(bytes(count))

    def give_back(self):
        self.path.unlink(missing_ok=True)


class Faults:
    """What the shim shall let fail."""

    def __init__(self, directory):
        self.path = directory / "faults"
        self.path.write_bytes(bytes(CONTROL_BYTES))
        self.file = open(self.path, "r+b")
        self.control = mmap.mmap(self.file.fileno(), CONTROL_BYTES)

    def environment(self):
        return {"LD_PRELOAD": str(shim()), "MILENA_FAULTS": str(self.path)}

    def set(self, *rules):
        """Each rule: (call, errno, part of the path)."""
        text = "".join(f"{call} {number} {part}\n" for call, number, part in rules).encode()
        self.control[0] = 0
        self.control[1:CONTROL_BYTES - 8] = text[1:].ljust(CONTROL_BYTES - 9, b"\0")
        self.control[CONTROL_BYTES - 8:] = bytes(8)
        self.control[0] = text[0] if text else 0

    def hits(self):
        return struct.unpack("<Q", self.control[CONTROL_BYTES - 8:])[0]

    def wait_for_hit(self):
        wait.until(self.hits, "a call fails")


_shim = None


def shim():
    """Builds the shim once. A binary without shared libraries passes it by."""
    global _shim
    if _shim is not None:
        return _shim
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Skip("a C compiler is needed, to build the shim", registry_answered=False)
    with open(broker.binary(), "rb") as binary:
        if b"ld-linux" not in binary.read(1 << 16):
            raise Skip("this binary is linked statically: nothing can be preloaded into it", registry_answered=False)
    made = pathlib.Path(os.environ.get("MILENA_CACHE", pathlib.Path.home() / ".cache" / "milena")) / "disk-shim.so"
    made.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", f"{made}.{os.getpid()}", str(HERE / "shim.c"), "-ldl"],
                   check=True)
    os.replace(f"{made}.{os.getpid()}", made)
    _shim = made
    return _shim
