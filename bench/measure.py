"""Reads what the kernel knows about a process and the machine: processor time, wake-ups, memory."""

import dataclasses
import os
import pathlib
import time


def _threads(pid):
    return [pathlib.Path(entry.path) for entry in os.scandir(f"/proc/{pid}/task")]


def _process_clock_s(pid):
    # The clock id of another process's CPU clock, as clock_getcpuclockid() makes it. It counts threads that have ended.
    return time.clock_gettime((~pid << 3) | 2)


@dataclasses.dataclass
class Usage:
    """What a process has used since it began."""

    schedstat_s: dict  # of each living thread
    clock_s: float     # of the process, with its ended threads
    switches: dict     # voluntary context switches of each living thread: how often it slept, and so was woken

    @staticmethod
    def of(pid):
        schedstat_s, switches = {}, {}
        for thread in _threads(pid):
            try:
                status = (thread / "status").read_text()
                schedstat_s[thread.name] = int((thread / "schedstat").read_text().split()[0]) / 1e9
                switches[thread.name] = int(status.split("\nvoluntary_ctxt_switches:", 1)[1].split(None, 1)[0])
            except (FileNotFoundError, ProcessLookupError):
                pass  # a thread may end while we look
        return Usage(schedstat_s, _process_clock_s(pid), switches)

    def cpu_s_since(self, before):
        """Seconds of CPU of all threads. Threads that ended in between are known to the process's clock only."""
        living = sum(used - before.schedstat_s.get(thread, 0) for thread, used in self.schedstat_s.items())
        return max(living, self.clock_s - before.clock_s)

    def switches_since(self, before):
        return sum(count - before.switches.get(thread, 0) for thread, count in self.switches.items())


class Usages:
    """The same of several processes. What one of them used that began or ended in between is not counted."""

    def __init__(self, pids):
        self.of = {pid: Usage.of(pid) for pid in pids}

    def _pairs(self, before):
        return [(usage, before.of[pid]) for pid, usage in self.of.items() if pid in before.of]

    def cpu_s_since(self, before):
        return sum(now.cpu_s_since(then) for now, then in self._pairs(before))

    def switches_since(self, before):
        return sum(now.switches_since(then) for now, then in self._pairs(before))


def _memory_fields(pid):
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value, _ = line.split()
        fields[name] = int(value) * 1024 / 1e6
    return fields


def memory_mb(pid):
    """(RSS, USS) in MB (1e6 bytes); USS is what the process alone has: what would be free if it ended."""
    fields = _memory_fields(pid)
    return fields["Rss:"], fields["Private_Clean:"] + fields["Private_Dirty:"]


def shared_memory_mb(pid):
    """PSS in MB: each page that several processes have is divided among them."""
    return _memory_fields(pid)["Pss:"]


class Machine:
    """How busy the whole machine was in an interval, so that a disturbed measurement can be told."""

    def __init__(self):
        self.begin_s = time.monotonic()
        self.busy_s = self._busy_s()

    @staticmethod
    def _busy_s():
        ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        user, nice, system, _idle, _iowait, irq, softirq, steal = ticks
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    def foreign_share(self, ours_s):
        """The share of all processors that went to programs which are not part of the measurement."""
        capacity_s = (time.monotonic() - self.begin_s) * os.cpu_count()
        return max(0.0, (self._busy_s() - self.busy_s - ours_s) / capacity_s)


def available_gb():
    for line in pathlib.Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024 / 1e9
    return 0.0
