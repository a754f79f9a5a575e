"""The cluster: brokers, quorum, features, telemetry."""

import uuid

from rows import LONG, NODE, ODD_NAMES, label_of, rows

SOMEBODY = uuid.UUID(int=77)


def cluster_rows(target):
    for kind in (0, 1, 2, 3, -1, 127):
        for more in (False, True):
            yield f"endpoints {kind} {more}", {"EndpointType": kind, "IncludeClusterAuthorizedOperations": more, "IncludeFencedBrokers": more}


rows("describe cluster", "DescribeCluster", cluster_rows)


def quorum_rows(target):
    for name in (*ODD_NAMES, "__cluster_metadata"):
        yield f"{label_of(name)} 1", {"Topics": [{"TopicName": name, "Partitions": [{"PartitionIndex": 1}]}]}
    for name in ODD_NAMES:
        yield f"{label_of(name)} 0", {"Topics": [{"TopicName": name, "Partitions": [{"PartitionIndex": 0}]}]}
    yield "partition -1", {"Topics": [{"TopicName": "__cluster_metadata", "Partitions": [{"PartitionIndex": -1}]}]}
    yield "no partitions", {"Topics": [{"TopicName": "__cluster_metadata", "Partitions": []}]}
    yield "two partitions", {"Topics": [{"TopicName": "__cluster_metadata", "Partitions": [{"PartitionIndex": 0}, {"PartitionIndex": 1}]}]}
    yield "none", {"Topics": []}
    yield "null", {"Topics": None}


rows("describe quorum", "DescribeQuorum", quorum_rows)


def features_rows(target):
    def body(*updates, validate=True, timeout_ms=5000):
        return {"timeoutMs": timeout_ms, "ValidateOnly": validate, "FeatureUpdates": [
            {"Feature": name, "MaxVersionLevel": level, "AllowDowngrade": kind > 1, "UpgradeType": kind} for name, level, kind in updates]}

    for name in ("no.such", "", LONG, "metadata.version", "group.version", "transaction.version", "kraft.version", "share.version",
                 "streams.version", "eligible.leader.replicas.version"):
        for level in (-1, 0, 1, 2, 3, 29, 30, 31, 32767):
            for kind in (0, 1, 2, 3, 4, -1):
                yield f"{name[:12]} {level} kind {kind}", body((name, level, kind))
    yield "twice", body(("group.version", 1, 1), ("group.version", 1, 1))
    yield "good and bad", body(("group.version", 1, 1), ("no.such", 1, 1))
    yield "none", body()
    yield "null", {"FeatureUpdates": None, "ValidateOnly": True}
    yield "null feature", body((None, 1, 1))
    for timeout_ms in (0, -1):
        yield f"timeout {timeout_ms}", body(("no.such", 1, 1), timeout_ms=timeout_ms)


# Version 0 cannot only validate.
rows("update features", "UpdateFeatures", features_rows, only=(1, 2))


def features_old_rows(target):
    for name, level, down in (("no.such", 1, False), ("", 1, False), (LONG, 1, True), ("metadata.version", 31, False), ("metadata.version", 0, True),
                              ("metadata.version", 30, False), ("group.version", 9, False), ("kraft.version", 9, True)):
        yield f"{name[:12]} {level} {down}", {"timeoutMs": 5000, "FeatureUpdates": [
            {"Feature": name, "MaxVersionLevel": level, "AllowDowngrade": down}]}


rows("update features, old", "UpdateFeatures", features_old_rows, only=(0,))


def unregister_rows(target):
    for number in (9, 0, -1, -(2**31), 2**31 - 1):
        yield f"broker {number}", {"BrokerId": number}


rows("unregister broker", "UnregisterBroker", unregister_rows)


def add_voter_rows(target):
    def body(voter=5, directory=SOMEBODY, listeners=(("CONTROLLER", "127.0.0.1", 9), ), cluster=None, timeout_ms=3000):
        return {"ClusterId": cluster, "TimeoutMs": timeout_ms, "VoterId": voter, "VoterDirectoryId": directory,
                "Listeners": [{"Name": name, "Host": host, "Port": port} for name, host, port in listeners]}

    yield "another", body()
    yield "the same", body(NODE)
    yield "voter -1", body(-1)
    yield "no directory", body(directory=uuid.UUID(int=0))
    yield "another cluster", body(cluster="another")
    yield "empty cluster", body(cluster="")
    yield "no listeners", body(listeners=())
    yield "listener twice", body(listeners=(("CONTROLLER", "a", 1), ("CONTROLLER", "b", 2)))
    yield "odd listener", body(listeners=(("nonsense", "", 0),))
    for timeout_ms in (0, -1):
        yield f"timeout {timeout_ms}", body(timeout_ms=timeout_ms)


rows("add raft voter", "AddRaftVoter", add_voter_rows)


def remove_voter_rows(target):
    for label, cluster, voter, directory in (("another", None, 5, SOMEBODY), ("the only one", None, NODE, SOMEBODY), ("-1", None, -1, SOMEBODY),
                                             ("no directory", None, 5, uuid.UUID(int=0)), ("another cluster", "another", 5, SOMEBODY)):
        yield label, {"ClusterId": cluster, "VoterId": voter, "VoterDirectoryId": directory}


rows("remove raft voter", "RemoveRaftVoter", remove_voter_rows)


def subscription_rows(target):
    yield "somebody", {"ClientInstanceId": SOMEBODY}
    yield "again at once", {"ClientInstanceId": SOMEBODY}
    yield "all ones", {"ClientInstanceId": uuid.UUID(int=2**128 - 1)}
    yield "reserved", {"ClientInstanceId": uuid.UUID(int=1)}


rows("get telemetry subscriptions", "GetTelemetrySubscriptions", subscription_rows)


def push_rows(target):
    def body(instance=SOMEBODY, subscription=0, terminating=False, codec=0, metrics=b""):
        return {"ClientInstanceId": instance, "SubscriptionId": subscription, "Terminating": terminating, "CompressionType": codec,
                "Metrics": metrics}

    yield "nobody", body(uuid.UUID(int=0))
    yield "never asked", body(uuid.UUID(int=123))
    yield "another subscription", body(uuid.UUID(int=124), 5)
    for codec in (1, 4, 5, -1, 127):
        yield f"codec {codec}", body(uuid.UUID(int=200 + codec), codec=codec, metrics=b"nonsense")
    yield "garbage", body(uuid.UUID(int=125), metrics=b"\xff" * 50)
    yield "too large", body(uuid.UUID(int=126), metrics=bytes(2 << 20))
    yield "terminating", body(uuid.UUID(int=127), terminating=True)
    yield "terminating again", body(uuid.UUID(int=127), terminating=True)


rows("push telemetry", "PushTelemetry", push_rows)
