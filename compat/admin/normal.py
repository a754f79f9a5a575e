"""Takes out of a tool's output what cannot be equal on two brokers: ids, times, addresses, sizes, stack traces."""

import json
import re

# A line of a log begins with its time. The tools' own words are what counts; what they log is the client's affair.
LOG_LINE = re.compile(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]")
# The end of a log line with a stack trace.
LOG_REST = re.compile(r"^ ?\([\w.]+\)$")
# The head of the table of all options, which follows what is wrong with the call's own.
USAGE = re.compile(r"^Option +Description$|^usage: ")
CHOICE = re.compile(r"(.*(?:Valid \w+ are: |only supports operations \[|(?:Quota|SCRAM credential) configs for .* are ))([\w.=, -]+)(.*)")
OPTIONS = re.compile(r"(Option \[[\w-]+\] takes (?:one of these|the following) options: )(\[.*\])()$")
# Printed by the host of the tools where they would end the JVM.
OURS = re.compile(r"^ToolHost\$Exited|^exit \d+$")
STACK = re.compile(r"^\s+at |^\s+\.\.\. \d+ more|^\s*Suppressed: ")
# Words that only look like ids: names of Java's classes, of constants, of keys.
WORD = re.compile(r"([A-Z]?[a-z]{2,})+|[A-Z_]+|[a-z_-]+")
ID = re.compile(r"(?<![\w-])[\w-]{22}(?![\w-])")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
RULES = [
    (UUID, "<uuid>"),
    # librdkafka and kadm write ids in the other alphabet of base64.
    (re.compile(r"(topic_id: )[\w+/]{22}$"), r"\1<id>"),
    (re.compile(r"(?<=\[)[\w+/]{22}==(?=\])"), "<id>"),
    # Milliseconds and nanoseconds since 1970, of this decade.
    (re.compile(r"(?<!\d)1[78]\d{11}(?!\d)"), "<ms>"),
    (re.compile(r"\b20[23]\d-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z?"), "<time>"),
    (re.compile(r'"size":[1-9]\d*'), '"size":<size>'),
    (re.compile(r"((?:finalized_epoch|log_end_offset|high_watermark|partition_size|Size|size|[pP]ort): )[1-9]\d*"), r"\1<n>"),
    (re.compile(r'([tT]otal_?[bB]ytes|[uU]sable_?[bB]ytes)("?: ?)\d+'), r"\1\2<size>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id>"),
    # The message of Kafka's success.
    (re.compile(r"((?:ErrorMessage|error_message): )NONE$"), r"\1"),
    # How far the metadata log is, and how long ago something was.
    (re.compile(r"((?:LeaderEpoch|HighWatermark|MaxFollowerLag|MaxFollowerLagTimeMs):\s+)\d+"), r"\1<n>"),
    (re.compile(r"^(\d+ [\w-]{22} )\d+( \d+ (?:<ms>|\d+ ms ago) )"), r"\1<n>\2"),
    # From which version on is for compat/apiversions: Milena also has the ones that Kafka 4.0 dropped.
    (re.compile(r"(\(\d+\): )(?:\d+ to )?(\d+ \[usable)"), r"\1up to \2"),
    (re.compile(r"\b\d+ ms (ago|from now)"), r"<n> ms \1"),
    # Which of its ways of giving up the client takes is a matter of timing.
    (re.compile(r"Call\(callName=([\w()=]+), .*? timed out at \S+ after \d+ attempt\(s\)"), r"<\1 timed out>"),
    (re.compile(r"Timed out waiting (?:for a node assignment|to send the call)\. Call: ([\w()=]+)"), r"<\1 timed out>"),
    (re.compile(r"((?:Ongoing|Complete\w+|Prepare\w+|Empty)\s+\d+\s+(?:<ms>|None)\s+)\d+"), r"\1<n>"),
    # find-hanging: when the last record was written, and how many minutes ago.
    (re.compile(r"^((?:[\w.]+\s+)(?:-?\d+\s+){5}(?:<ms>|\d{13})\s+)\d+\s*$"), r"\1<n>"),
    (re.compile(r"(Finalized\w*Epoch: |Epoch: )\d+"), r"\1<n>"),
    (re.compile(r"/tmp/\S*?/kafka-\w+\.tmp"), "<temporary file>"),
]


def lines(transcript):
    """(label, lines) of each call: the exit status and what it printed, comparable."""
    for entry in transcript["entries"]:
        made = [f"exit {entry['status']}"]
        for origin in ("out", "err"):
            made += [f"{origin} {_line(one, transcript['own'])}" for one in _told(entry[origin])]
        # A ~ before the tool's name: the order of what it prints is that of a hash table.
        yield entry["label"], sorted(made) if entry["label"].startswith("~") else made


def _told(text):
    """The lines that are the tool's own words."""
    for line in text.replace("\r", "").split("\n"):
        line = line.rstrip()
        if USAGE.match(line):
            return
        if line and not any(noise.match(line) for noise in (LOG_LINE, LOG_REST, STACK, OURS)):
            yield line


def _sorted(value):
    """JSON with its lists of partitions in order: Kafka's is that of a hash table."""
    if isinstance(value, dict):
        return {key: sorted(one, key=str) if key == "partitions" else _sorted(one) for key, one in value.items()}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _line(line, own):
    if line.startswith('{"'):
        try:
            line = json.dumps(_sorted(json.loads(line)), separators=(",", ":"))
        except ValueError:
            pass
    # A set of Java's: its order changes from run to run.
    choice = CHOICE.match(line) or OPTIONS.match(line)
    if choice:
        line = choice.group(1) + ", ".join(sorted(choice.group(2).split(", "))) + choice.group(3)
    # Columns are as wide as their widest cell, which may be an id or an address.
    line = re.sub(r"[ \t]+", " ", line).strip()
    for text, name in own:
        line = line.replace(text, name)
    for pattern, name in RULES:
        line = pattern.sub(name, line)
    return ID.sub(lambda found: found.group() if WORD.fullmatch(found.group()) else "<id>", line).rstrip()
