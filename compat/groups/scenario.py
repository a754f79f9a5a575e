"""What every client's group goes through, while records are written all the time."""

import subprocess
import time

import wait
from member import Book, Member

GROUP, TOPIC = "the-group", "the-topic"
DEADLINE_S = 90
# A partition belongs to whoever got something of it within this time; records come twenty times as often.
WINDOW_S = 1.0


class Author:
    def __init__(self, command, log_path):
        self.log = open(log_path, "ab")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self._line() == ["writing"]

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the author ended with {self.process.wait(10)}")
        return line.split()

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self._line()

    def offsets(self, command):
        return {int(partition): int(offset) for partition, _, offset in (word.partition(":") for word in self.ask(command)[1:])}

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.log.close()


class Scenario:
    """One client's turn, on a broker of its own. `client` tells the commands (clients.py)."""

    def __init__(self, checks, broker, client, directory, author_command):
        self.checks = checks
        self.broker = broker
        self.client = client
        self.directory = directory
        self.book = Book(strict=client.tells_losses)
        self.members = []
        self.made = 0
        self.partitions = 2
        self.author = Author([*author_command, broker.address, GROUP, TOPIC], directory / "author.log")

    def start_member(self, kind=None):
        self.made += 1
        name = f"member-{self.made}"
        command = [*self.client.command, self.broker.address, GROUP, TOPIC, kind or self.client.kind]
        self.members.append(Member(name, command, self.book, self.directory / f"{name}.log", self.client.environment))

    def shared(self, since):
        """Each partition arrives at one member, each member has one if there are enough."""
        for member in self.members:
            assert member.alive(), f"{member.name} has ended by itself"
        now = time.monotonic()
        parts = [member.partitions(max(since, now - WINDOW_S)) for member in self.members]
        busy = sum(1 for part in parts if part)
        return (sum(map(len, parts)) == self.partitions == len(set().union(*parts))
                and busy == min(len(self.members), self.partitions))

    def settle(self, what):
        begin = time.monotonic()
        wait.until(lambda: self.shared(begin), what, DEADLINE_S, 0.1)
        print(f"# {self.client.name}: {what} after {time.monotonic() - begin:.1f} s", flush=True)
        self.check_book()

    def check_book(self):
        with self.book.lock:
            assert not self.book.wrong, f"{len(self.book.wrong)} records too many, as: {self.book.wrong[:3]}"

    def join(self):
        self.start_member()
        self.settle("one member has both partitions")

    def scale_up(self):
        self.start_member()
        self.settle("two members share two partitions")
        self.start_member()
        self.settle("three members share two partitions")

    def scale_down(self):
        for _ in range(2):
            self.members.pop(0).stop()
            self.settle("a member has left")

    def replace_all(self, kind):
        """Every member leaves for one of the other protocol, which is there before."""
        for _ in range(len(self.members)):
            self.start_member(kind)
            self.settle(f"a {kind} member more")
            self.members.pop(0).stop()
            self.settle(f"one of {len(self.members)} members is {kind} more than before")

    def upgrade(self):
        self.replace_all("consumer")

    def downgrade(self):
        self.replace_all(self.client.kind)

    def exactly_once(self):
        """Nobody has died yet, so nothing came twice: only for clients that commit before they give a partition back."""
        self.check_book()
        repeated = self.book.repeated()
        assert repeated == 0, f"{repeated} records came more than once, and no commit had failed"

    def join_second(self):
        self.start_member()
        self.settle("two members")

    def grow(self):
        self.join_second()
        self.grow_topic()

    def grow_topic(self):
        assert self.author.ask("grow 8") == ["grown"]
        self.partitions = 8
        self.settle("two members share eight partitions")

    def dealt_in_ranges(self):
        """What the range assignor gives to two members; the uniform one would have kept what each had before the topic grew."""
        since = time.monotonic()
        wait.until(lambda: self.shared(since), "everybody gets something", DEADLINE_S, 0.1)
        parts = sorted(sorted(member.partitions(since)) for member in self.members)
        assert parts == [[0, 1, 2, 3], [4, 5, 6, 7]], parts

    def kill_member(self):
        self.members.pop(0).kill()
        self.settle("the other has taken over from a member that was killed")
        self.start_member()
        self.settle("a new member beside it")

    def restart(self):
        self.broker.stop()
        self.broker.start()
        self.settle("the group goes on after a restart of the broker")

    def crash(self):
        self.broker.kill()
        self.broker.start()
        self.settle("the group goes on after a crash of the broker")

    def end(self):
        ends = self.author.offsets("ends")
        wait.until(lambda: not self.book.missing(ends), f"all of {ends} arrives; missing {self.book.missing(ends)}", DEADLINE_S, 0.1)
        for member in self.members:
            member.stop()
        self.members = []
        self.check_book()
        committed = self.author.offsets("committed")
        assert committed == ends, f"committed {committed}, written {ends}"
        print(f"# {self.client.name}: {sum(ends.values())} records, {self.book.repeated()} deliveries again", flush=True)

    def steps_of_upgrade(self):
        return [("joins", self.join), ("a second member", self.join_second), ("grows", self.grow_topic),
                ("upgrades to the consumer protocol", self.upgrade), ("goes back to the classic protocol", self.downgrade)]

    def run(self):
        if self.client.upgrades:
            steps = self.steps_of_upgrade()
            return self.take([*steps, ("each record at least once, none after its commit", self.end)])
        steps = [("joins", self.join), ("scales up", self.scale_up), ("scales down", self.scale_down)]
        if self.client.tells_losses:
            steps.append(("each record once while members only come and leave", self.exactly_once))
        steps.append(("the topic grows from 2 to 8 partitions", self.grow))
        if self.client.kind == "consumer-range":
            steps.append(("the partitions are dealt out in ranges", self.dealt_in_ranges))
        steps.append(("a member is killed", self.kill_member))
        if self.broker.owned:
            steps += [("the broker is restarted", self.restart), ("the broker is killed", self.crash)]
        steps.append(("each record at least once" + (", none after its commit" if self.book.strict else ""), self.end))
        self.take(steps)

    def take(self, steps):
        failed_before = self.checks.failed
        for name, step in steps:
            with self.checks.check(f"{self.client.name}: {name}"):
                step()
            if self.checks.failed > failed_before:
                return  # the steps build on one another

    def close(self):
        for member in self.members:
            if member.alive():
                member.kill()
        self.author.close()
