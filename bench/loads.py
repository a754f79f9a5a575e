"""The loads of one librdkafka client, and what a broker uses under them."""

import os

from intervals import Interval

KILOBYTE = 1024
GB = 1e9


def _words(address, topic, records, settings):
    given = ",".join(filter(None, settings))
    return ["--broker", address, "--topic", topic, "--records", records, *(["--set", given] if given else [])]


def produce(load, address, topic, records, size, *settings):
    return load.run("produce", *_words(address, topic, records, ["acks=1,linger.ms=5", *settings]), "--size", size)


def consume(load, address, topic, records, *settings):
    return load.run("consume", *_words(address, topic, records, settings))


def measured(name, broker, sizes, samples, load, run):
    """Runs a load, and keeps the broker's CPU per GB of payload and the payload per second."""
    os.sync()  # what was written before must not be written to the disk in this measurement
    load.touch_file(sizes.file_gb, broker.dir)
    with Interval(broker, samples) as used:
        answer = run()
        used.client_cpu_s = answer["cpu_s"]
    samples.add(f"{name}, CPU", broker, used.cpu_s / (answer["bytes"] / GB))
    samples.add(f"{name}, throughput", broker, answer["bytes"] / 1e6 / answer["seconds"])
    return answer
