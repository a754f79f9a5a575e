"""The life of a classic group: members that join, rebalance, commit, leave, come back under their instance id or are unknown."""

import time

import common
import messages
import wait

MEMBERS = ("a", "b", "c")
PROTOCOLS = {"range": b"r", "roundrobin": b"rr"}
REBALANCE_MS = 1500
MOST_ROUNDS = 10


class Life(common.Life):
    def __init__(self, target, name):
        super().__init__(target, name)
        self.topic = target.topic(partitions=3, name=f"of-{name}")
        self.ids = {}                # of the members that have joined: name -> member id
        self.generation = -1
        self.leader = None
        wait.until(lambda: self.target.quietly("FindCoordinator", 3, {"Key": name, "KeyType": 0})["ErrorCode"] == 0,
                   f"a coordinator of {name}", 30)
        self.ask("DescribeGroups", 0, {"Groups": [name]})

    def choose(self, choices):
        roll = choices.random()
        who = choices.choice(MEMBERS)
        wrong = choices.choice((None, None, None, None, "generation", "member"))
        if not self.ids or roll < 0.15:
            joining = tuple(sorted(set(self.ids) | set(choices.sample(MEMBERS, choices.randint(1, 3)))))
            return "join", joining, choices.randint(1, 9)   # in version 0 the session is what a rebalance waits for
        if roll < 0.35:
            return "heartbeat", who, wrong, choices.randint(0, 4)
        if roll < 0.6:
            return "commit", who, wrong, choices.randint(0, 8), choices.randrange(4), choices.randint(0, 100)
        if roll < 0.75:
            return "fetch", choices.randint(1, 7), choices.choice(("all", "some"))
        if roll < 0.8:
            return "describe", choices.randint(0, 5)
        if roll < 0.83:
            return "list", choices.randint(0, 4)
        if roll < 0.9:
            return "leave", who, wrong, choices.randint(0, 5)
        if roll < 0.93:
            return "sync", who, wrong, choices.randint(0, 5)
        if roll < 0.97:
            return "delete offsets", choices.randrange(4)
        return "delete",

    def member(self, who, wrong):
        return "nobody" if wrong == "member" else self.ids.get(who, "")

    def generation_for(self, wrong):
        return self.generation + 7 if wrong == "generation" else self.generation

    def do_join(self, joining, version):
        """All of them join until they are in one generation, as clients do: who comes first differs from run to run, though
        the leader, whose joining begins a rebalance, is the first to ask. Then it assigns. A member id is asked for first
        where the version has it so."""
        joining = sorted(joining, key=lambda who: (who != self.leader, who))
        connections = {who: self.target.connect() for who in joining}
        for _ in range(MOST_ROUNDS):
            answers = self.join_round(joining, connections, version)
            if answers is None:
                continue
            shares = self.sync_all(joining, connections, min(version, 5))
            if all(error == 0 for error, _ in shares.values()):
                break
        else:
            raise AssertionError(f"{self.target.name}: {self.name} never had {joining} in one generation")
        for connection in connections.values():
            connection.socket.close()
        return {"shares": shares, "protocol": {answer["ProtocolName"] for answer in answers.values()}}

    def join_round(self, joining, connections, version):
        """The answers, or None where they are not of one generation."""
        for who in joining:
            if version >= 4 and who not in self.ids:
                answer = self.exchange(connections[who], "JoinGroup", version, self.join_body(who))
                self.ids[who] = answer["MemberId"]
        for who in joining:
            connections[who].send_frame(messages.request("JoinGroup", version, self.join_body(who)))
            if who == joining[0] and len(joining) > 1:
                self.let_rebalance_begin()
        answers = {who: self.receive(connections[who], "JoinGroup", version) for who in joining}
        for who, answer in answers.items():
            if answer["ErrorCode"] == 0:
                self.ids[who] = answer["MemberId"]
                self.generation = answer["GenerationId"]
                self.leader = who if answer["Leader"] == answer["MemberId"] else self.leader
            else:
                self.ids.pop(who, None)
        generations = {(answer["ErrorCode"], answer["GenerationId"]) for answer in answers.values()}
        whole = len(generations) == 1 and 0 in dict(generations) and self.leader in answers
        return answers if whole else None

    def let_rebalance_begin(self):
        """A member that rejoins before the leader is answered at once with the generation that there is."""
        end = time.monotonic() + 1
        while time.monotonic() < end:
            group, = self.target.quietly("DescribeGroups", 0, {"Groups": [self.name]})["Groups"]
            if group["GroupState"] == "PreparingRebalance":
                return

    def join_body(self, who):
        return {"GroupId": self.name, "SessionTimeoutMs": 60_000, "RebalanceTimeoutMs": REBALANCE_MS,
                "MemberId": self.ids.get(who, ""), "ProtocolType": "consumer",
                "Protocols": [{"Name": name, "Metadata": data} for name, data in PROTOCOLS.items()]}

    def sync_body(self, who, generation, member, assignments):
        return {"GroupId": self.name, "GenerationId": generation, "MemberId": member, "ProtocolType": "consumer",
                "ProtocolName": "range", "Assignments": assignments}

    def sync_all(self, joining, connections, version):
        everybody = [{"MemberId": self.ids[who], "Assignment": b"of " + who.encode()} for who in joining]
        for who in joining:
            body = self.sync_body(who, self.generation, self.ids[who], everybody if who == self.leader else [])
            connections[who].send_frame(messages.request("SyncGroup", version, body))
        answers = {who: self.receive(connections[who], "SyncGroup", version) for who in joining}
        return {who: (answer["ErrorCode"], answer["Assignment"]) for who, answer in answers.items()}

    def exchange(self, connection, api, version, body):
        connection.send_frame(messages.request(api, version, body))
        return self.receive(connection, api, version)

    def receive(self, connection, api, version):
        data = connection.receive_frame(20)
        if isinstance(data, str):
            raise AssertionError(f"{self.target.name}: {api} v{version}: {data}")
        return messages.decode(api, version, data[5 if messages.flexible(api, version) else 4:])

    def do_heartbeat(self, who, wrong, version):
        return self.comparable(self.ask("Heartbeat", version, {
            "GroupId": self.name, "GenerationId": self.generation_for(wrong), "MemberId": self.member(who, wrong)}))

    def do_sync(self, who, wrong, version):
        return self.comparable(self.ask("SyncGroup", version, self.sync_body(
            who, self.generation_for(wrong), self.member(who, wrong), [])))

    def do_commit(self, who, wrong, version, partition, offset):
        return self.comparable(self.ask("OffsetCommit", max(version, 2), {
            "GroupId": self.name, "GenerationIdOrMemberEpoch": self.generation_for(wrong),
            "MemberId": self.member(who, wrong), "RetentionTimeMs": -1,
            "Topics": [{"Name": self.topic, "Partitions": [
                {"PartitionIndex": partition, "CommittedOffset": offset, "CommittedMetadata": "m"}]}]}))

    def do_fetch(self, version, which):
        topics = [{"Name": self.topic, "PartitionIndexes": [0, 1, 2, 3]}]
        return self.comparable(self.ask("OffsetFetch", version, {
            "GroupId": self.name, "Topics": None if which == "all" and version >= 2 else topics}))

    def do_describe(self, version):
        answer = self.ask("DescribeGroups", version, {"Groups": [self.name]})
        for group in answer["Groups"]:
            for member in group["Members"]:
                member["ClientId"] = ""
            # After a member that never came back the leader's choice is each broker's own.
        return self.comparable(answer)

    def do_list(self, version):
        answer = self.ask("ListGroups", version, {})
        answer["Groups"] = [group for group in answer["Groups"] if group["GroupId"] == self.name]
        return self.comparable(answer)

    def do_leave(self, who, wrong, version):
        member = self.member(who, wrong)
        body = {"GroupId": self.name, "MemberId": member, "Members": [{"MemberId": member}]}
        if version < 3:
            body.pop("Members")
        else:
            body.pop("MemberId")
        answer = self.ask("LeaveGroup", version, body)
        if not wrong and not any(common.errors_in(answer)):
            self.ids.pop(who, None)
            self.leader = None if who == self.leader else self.leader
        return self.comparable(answer)

    def do_delete_offsets(self, partition):
        return self.comparable(self.ask("OffsetDelete", 0, {"GroupId": self.name, "Topics": [
            {"Name": self.topic, "Partitions": [{"PartitionIndex": partition}]}]}))

    def do_delete(self):
        return self.comparable(self.ask("DeleteGroups", 2, {"GroupsNames": [self.name]}))
