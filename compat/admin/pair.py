"""Starts the two brokers that are compared: each alone, broker and controller in one, with a listener for either."""

import pathlib
import re

import broker

# Of both brokers. The oracle's own start adds the rest (see ../oracle/start).
COMMON = {"group.initial.rebalance.delay.ms": "0", "num.partitions": "1"}


def controller_settings(port):
    return {"process.roles": "broker,controller", "node.id": "1", "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "controller.quorum.voters": f"1@127.0.0.1:{port}", "inter.broker.listener.name": "PLAINTEXT",
            "offsets.topic.replication.factor": "1", "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1", "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1", "group.consumer.min.heartbeat.interval.ms": "100",
            "group.consumer.heartbeat.interval.ms": "200", "group.share.min.record.lock.duration.ms": "1000"}


def start_milena(directory, settings={}):
    controller_port = broker.free_port()
    made = broker.MilenaBroker(directory, {**COMMON, **controller_settings(controller_port), **settings})
    if made.address.endswith(f":{controller_port}"):
        return start_milena(directory, settings)
    made.settings["listeners"] = f"PLAINTEXT://{made.address},CONTROLLER://127.0.0.1:{controller_port}"
    made.settings["advertised.listeners"] = f"PLAINTEXT://{made.address}"
    return made.start(), f"127.0.0.1:{controller_port}"


def start_kafka(directory, settings={}):
    made = broker.OracleBroker(directory, {**COMMON, **settings}).start()
    text = (pathlib.Path(directory) / "server.properties").read_text()
    return made, re.search(r"CONTROLLER://(127\.0\.0\.1:\d+)", text).group(1)
