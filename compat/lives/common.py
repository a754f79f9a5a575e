"""What the lives share: a step is a tuple of a name and plain values; both brokers take the same one."""

import wait

CONCURRENT_TRANSACTIONS = 51
COORDINATOR_LOADING, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR = 14, 15, 16
# Errors that a client retries until they pass.
PASSING = {CONCURRENT_TRANSACTIONS, COORDINATOR_LOADING, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR}


def errors_in(answer):
    """All error codes of an answer, at any depth."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            if key == "ErrorCode":
                yield value
            else:
                yield from errors_in(value)
    elif isinstance(answer, list):
        for one in answer:
            yield from errors_in(one)


class Life:
    """One life on one broker. `choose` may look at nothing but what is the same on both."""

    def __init__(self, target, name):
        self.target = target
        self.name = name
        self.connection = target.connect()

    def take(self, step):
        return getattr(self, "do_" + step[0].replace(" ", "_"))(*step[1:])

    def ask(self, api, version, body, connection=None):
        """The raw answer, asked for again while the error is one that passes."""
        return wait.until(lambda: self._once(api, version, body), f"{api} of {self.name} is settled", 20)

    def _once(self, api, version, body):
        answer = self.target.quietly(api, version, body)
        return None if PASSING & set(errors_in(answer)) else answer

    def comparable(self, answer):
        return in_order(self.target.comparable(answer))


def in_order(value):
    """Topics and partitions in one order: Kafka's is that of its hash tables."""
    if isinstance(value, dict):
        return {key: in_order(one) for key, one in value.items()}
    if isinstance(value, list):
        values = [in_order(one) for one in value]
        keys = ("Name", "Topic", "PartitionIndex", "Partition", "ProducerId")
        if values and all(isinstance(one, dict) and any(key in one for key in keys) for one in values):
            values.sort(key=lambda one: [str(one.get(key, "")) for key in keys])
        return values
    return value
