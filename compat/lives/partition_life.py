"""The life of a partition: batches of every kind written, configs altered, records deleted, looked up by time and read."""

import batches
import common
import transaction_life

BASE_MS = batches.TIME_MS - 1_000_000
CONFIGS = {
    "message.timestamp.type": ("CreateTime", "LogAppendTime"),
    "max.message.bytes": ("1048588", "300"),
    "compression.type": ("producer", "gzip", "uncompressed"),
    "cleanup.policy": ("delete", "compact"),
    "message.timestamp.before.max.ms": ("9223372036854775807", "100000"),
    "segment.bytes": ("1073741824", "1048576"),
}
SPECIAL_TIMES = (-1, -2, -3, -4, -5)


class Life(common.Life):
    def __init__(self, target, name):
        super().__init__(target, name)
        self.topic = target.topic(name=f"of-{name}")
        self.append_time = False
        self.producers = {}

    def choose(self, choices):
        roll = choices.random()
        if roll < 0.45:
            times = [choices.randint(0, 1_000_000) for _ in range(choices.randint(1, 5))]
            return ("write", times, choices.choice((0, 0, 1)), choices.choice((None, b"k", b"k2")), choices.choice((3, 7, 9)),
                    choices.choice((-1, 0, 1, -1, -1)), choices.choice((10, 10, 400)))
        if roll < 0.55:
            return "write as", choices.randint(0, 2), choices.choice(("next", "next", "next", "again", "gap", "older")), \
                choices.choice((0, 0, 0, 1, 2))
        if roll < 0.63:
            key = choices.choice(sorted(CONFIGS))
            return "alter", key, choices.choice(CONFIGS[key])
        if roll < 0.75:
            return "look up", choices.choice(SPECIAL_TIMES + tuple(choices.randint(0, 1_000_000) for _ in range(6))), \
                choices.randint(0, 1)
        if roll < 0.9:
            return "fetch", choices.randint(-1, 60), choices.choice((1, 100, 1 << 20)), choices.choice((4, 8, 11))
        if roll < 0.95:
            return "delete records", choices.randint(-2, 60)
        if roll < 0.98:
            return "epoch end", choices.randint(-1, 2)
        return "describe",

    def do_write(self, times, codec, key, version, acks, size):
        records = [batches.record(i, value=b"v" * size, key=key, time_delta=time - times[0]) for i, time in enumerate(times)]
        fields = {"base_ms": BASE_MS + times[0], "max_ms": BASE_MS + max(times)}
        data = batches.compressed(codec, records, **fields) if codec else batches.batch(records, **fields)
        return self.append(data, version, acks)

    def append(self, data, version, acks):
        body = {"Acks": acks, "TimeoutMs": 10_000,
                "TopicData": [{"Name": self.topic, "PartitionData": [{"Index": 0, "Records": data}]}]}
        if acks == 0:
            return self.without_answer(version, body)
        return self.comparable(self.ask("Produce", version, body))

    def without_answer(self, version, body):
        """The next answer on the connection shows that the batch was taken, or that the connection was closed for it."""
        import messages
        connection = self.target.connect()
        connection.send_frame(messages.request("Produce", version, body))
        answer = connection.ask("ApiVersions", 0)
        connection.socket.close()
        return answer if isinstance(answer, str) else "taken"

    def do_write_as(self, number, order, epoch):
        after = self.producers.get((number, epoch), 0)
        sequence = {"next": after, "again": max(after - 1, 0), "gap": after + 3, "older": max(after - 7, 0)}[order]
        data = batches.batch([batches.record(0)], producer_id=900_000 + number, producer_epoch=epoch, sequence=sequence,
                             base_ms=BASE_MS)
        answer = self.append(data, 7, -1)
        if not any(common.errors_in(answer)):
            self.producers[number, epoch] = max(after, sequence + 1)
        return answer

    def do_alter(self, key, value):
        return self.comparable(self.ask("IncrementalAlterConfigs", 1, {"Resources": [
            {"ResourceType": 2, "ResourceName": self.topic,
             "Configs": [{"Name": key, "ConfigOperation": 0, "Value": value}]}]}))

    def do_look_up(self, time, isolation):
        answer = self.ask("ListOffsets", 9, {"ReplicaId": -1, "IsolationLevel": isolation, "TimeoutMs": 10_000, "Topics": [
            {"Name": self.topic, "Partitions": [{"PartitionIndex": 0, "Timestamp": time if time < 0 else BASE_MS + time}]}]})
        return self.timeless(self.comparable(answer))

    def timeless(self, value):
        """Times that the broker gave are its own."""
        if isinstance(value, dict):
            return {key: "<now>" if key == "Timestamp" and one > BASE_MS + 1_000_000 else self.timeless(one)
                    for key, one in value.items()}
        return [self.timeless(one) for one in value] if isinstance(value, list) else value

    def do_fetch(self, offset, most, version):
        answer = self.ask("Fetch", version, {
            "MaxWaitMs": 0, "MinBytes": 0, "MaxBytes": 1 << 24, "SessionId": 0, "SessionEpoch": -1, "IsolationLevel": 0,
            "Topics": [{"Topic": self.topic, "Partitions": [
                {"Partition": 0, "FetchOffset": offset, "PartitionMaxBytes": most}]}]})
        for topic in answer["Responses"]:
            for one in topic["Partitions"]:
                one["Records"] = list(transaction_life.heads(one["Records"] or b""))
        return self.comparable(answer)

    def do_delete_records(self, offset):
        return self.comparable(self.ask("DeleteRecords", 1, {"TimeoutMs": 10_000, "Topics": [
            {"Name": self.topic, "Partitions": [{"PartitionIndex": 0, "Offset": offset}]}]}))

    def do_epoch_end(self, epoch):
        return self.comparable(self.ask("OffsetForLeaderEpoch", 3, {"ReplicaId": -1, "Topics": [
            {"Topic": self.topic, "Partitions": [{"Partition": 0, "CurrentLeaderEpoch": -1, "LeaderEpoch": epoch}]}]}))

    def do_describe(self):
        answer = self.ask("DescribeProducers", 0, {"Topics": [{"Name": self.topic, "PartitionIndexes": [0]}]})
        for partition in answer["Topics"][0]["Partitions"]:
            partition["ActiveProducers"].sort(key=lambda one: one["ProducerId"])
        return self.comparable(answer)
