"""What is found, and what a broker or a cluster uses while something is done to it."""

import collections
import time

import measure


class Samples:
    """What was found: one list for each (figure, broker)."""

    def __init__(self, on_add=lambda figure, broker, value: None):
        self.values = collections.defaultdict(list)
        self.foreign_shares = []
        self.on_add = on_add

    def add(self, figure, broker, value):
        self.values[figure, broker.name].append(value)
        self.on_add(figure, broker, value)

    def of(self, figure, broker_name):
        return self.values.get((figure, broker_name), [])


class Interval:
    """`with Interval(...) as used:` around something done to a broker; afterwards used.cpu_s and used.seconds."""

    def __init__(self, broker, samples):
        self.broker = broker
        self.samples = samples
        self.client_cpu_s = 0.0

    def __enter__(self):
        self.machine = measure.Machine()
        self.before = measure.Usages(self.broker.pids)
        self.begin_s = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            return
        after = measure.Usages(self.broker.pids)
        self.seconds = time.monotonic() - self.begin_s
        self.cpu_s = after.cpu_s_since(self.before)
        self.switches = after.switches_since(self.before)
        self.samples.foreign_shares.append(self.machine.foreign_share(self.cpu_s + self.client_cpu_s))
