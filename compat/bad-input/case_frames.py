"""Frames and request headers: sizes, unknown APIs and versions, what is cut short or comes in pieces."""

import struct

import messages
from table import add, case
from target import SILENT

MAX_REQUEST_BYTES = 104_857_600     # the default of socket.request.max.bytes
API_VERSIONS = 18


def claim(size, behind=b""):
    """A frame whose size says `size`, with these bytes behind it."""
    def run(target):
        connection = target.connect()
        connection.send(struct.pack(">i", size) + behind)
        target.say("", connection.receive("ApiVersions", 0, deadline_s=2))
    return run


for size in (-1, -(2**31), 0, MAX_REQUEST_BYTES + 1, 2**31 - 1):
    add(f"frame of size {size}", claim(size))
    add(f"frame of size {size} with bytes behind", claim(size, bytes(64)))
for size in range(1, 9):
    add(f"frame of size {size}, of zeros", claim(size, bytes(size)))
    add(f"frame of size {size}, of an ApiVersions header",
        claim(size, messages.header(API_VERSIONS, 0)[:size]))


@case("frame of size 0 between good ones")
def _(target):
    connection = target.connect()
    connection.send_frame(messages.request("FindCoordinator", 0, {"Key": "g"}))
    target.say("before", connection.receive("FindCoordinator", 0))
    connection.send(bytes(4))
    connection.send_frame(messages.request("FindCoordinator", 0, {"Key": "g"}))
    target.say("after", connection.receive("FindCoordinator", 0))


@case("half a frame, and the rest after others were served")
def _(target):
    data = messages.request("FindCoordinator", 0, {"Key": "g"})
    data = struct.pack(">i", len(data)) + data
    for cut in (1, 3, 4, 5, len(data) // 2, len(data) - 1):
        connection = target.connect()
        connection.send(data[:cut])
        target.say(f"after {cut} bytes", connection.receive_frame(0.2))
        target.ask("Heartbeat", 0, {"GroupId": "g", "GenerationId": 1, "MemberId": "m"}, label="another")
        connection.send(data[cut:])
        target.say(f"after the rest of {cut}", connection.receive("FindCoordinator", 0))


@case("a frame byte by byte")
def _(target):
    data = messages.request("FindCoordinator", 0, {"Key": "g"})
    connection = target.connect()
    for byte in struct.pack(">i", len(data)) + data:
        connection.send(bytes([byte]))
    target.say("", connection.receive("FindCoordinator", 0))


@case("a claimed frame of 100 MB with 10 bytes of it")
def _(target):
    connection = target.connect()
    connection.send(struct.pack(">i", 100_000_000) + bytes(10))
    target.say("", connection.receive_frame(0.5))


@case("a hundred claimed frames of 100 MB with 10 bytes of each")
def _(target):
    # Apache Kafka believes the claim, and its network threads are dead for lack of memory ever after.
    if target.name == "Kafka":
        target.say("the last", SILENT)
        return
    for _ in range(100):
        target.connect().send(struct.pack(">i", 100_000_000) + bytes(10))
    target.say("the last", target.connections[-1].receive_frame(0.5))


@case("a connection that says nothing")
def _(target):
    target.say("", target.connect().receive_frame(0.3))


@case("other protocols")
def _(target):
    for name, data in (("HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
                       ("TLS", bytes.fromhex("16030100c8010000c40303") + bytes(192)), ("text", b"help\r\nhelp\r\n")):
        connection = target.connect()
        connection.send(data)
        target.say(name, connection.receive_frame(1))


@case("unknown api keys")
def _(target):
    for key in (-1, -32768, 4, 5, 6, 7, 52, 56, 58, 67, 93, 1000, 32767):
        for version in (0, 1):
            target.frame(messages.header(key, version) + bytes(20), label=f"{key} v{version}")


# The APIs that Milena offers so far.
OFFERED_BY_BOTH = (*range(0, 4), *range(8, 17), 18, *range(19, 24), *range(29, 33), 37, 42, 47, 60, 75)


@case("versions around what is advertised")
def _(target):
    for name, api in sorted(messages.apis().items()):
        if name == "ApiVersions" or api.number not in target.advertised or "broker" not in api.listeners:
            continue
        if api.number not in OFFERED_BY_BOTH:
            continue
        low, high = target.advertised[api.number]
        for label, version in (("below", low - 1), ("above", high + 1), ("-1", -1), ("32767", 32767)):
            target.frame(messages.header(api.number, version) + bytes(40), label=f"{name} {label}")


ASKED = (5, 6, 99, 32767)


@case("ApiVersions of a version to come")
def _(target):
    for version in ASKED:
        body = messages.encode("ApiVersions", 3, {"ClientSoftwareName": "a", "ClientSoftwareVersion": "1"})
        target.frame(messages.header(API_VERSIONS, version, is_flexible=True) + body, label=f"v{version}")
        target.frame(messages.header(API_VERSIONS, version), label=f"v{version}, header alone, without tags")
        target.frame(messages.header(API_VERSIONS, version, is_flexible=True), label=f"v{version}, header alone")
        target.frame(messages.header(API_VERSIONS, version) + b"\x05" + bytes(3), label=f"v{version}, tags cut")
        target.frame(messages.header(API_VERSIONS, version) + b"\xff" * 12, label=f"v{version}, 0xff behind the header")
        target.frame(struct.pack(">hhi", API_VERSIONS, version, 7), label=f"v{version}, no client id")
        target.frame(struct.pack(">hhih", API_VERSIONS, version, 7, 100), label=f"v{version}, client id cut")


@case("ApiVersions of negative versions")
def _(target):
    for version in (-1, -2, -32768):
        target.frame(messages.header(API_VERSIONS, version), label=f"v{version}")
        target.frame(messages.header(API_VERSIONS, version) + bytes(8), label=f"v{version} with zeros behind")


@case("ApiVersions goes on after an unsupported one")
def _(target):
    connection = target.connect()
    connection.send_frame(messages.header(API_VERSIONS, 99, is_flexible=True))
    target.say("v99", connection.receive("ApiVersions", 0))
    target.ask("FindCoordinator", 0, {"Key": "g"}, connection=connection)


@case("ApiVersions with odd software names")
def _(target):
    for name in ("", " ", "a b", "-a", "a-", "a/b", "ü", b"\xff\xfe", "a" * 300, "good.name-1"):
        for version in ("", "1.0", "1 0", b"\xff"):
            body = {"ClientSoftwareName": name, "ClientSoftwareVersion": version}
            connection = target.connect()
            answer = connection.ask("ApiVersions", 3, body)
            # The advertised addresses differ; only the error counts here.
            target.say(f"{name!r} {version!r}", answer if isinstance(answer, str) else answer["ErrorCode"])
            connection.socket.close()


@case("headers cut at each byte")
def _(target):
    for name, version in (("Metadata", 0), ("Metadata", 9), ("FindCoordinator", 3)):
        data = messages.header(messages.key_of(name), version, is_flexible=messages.flexible(name, version))
        for cut in range(1, len(data) + 1):
            target.frame(data[:cut], label=f"{name} v{version} {cut}", api=name, version=version)


@case("client ids")
def _(target):
    group = {"GroupId": "g", "GenerationId": 1, "MemberId": "m"}
    for name, client_id in (("null", None), ("empty", ""), ("not UTF-8", b"\xff\xfe\x80a"), ("long", "a" * 32767),
                            ("with zeros", b"\0\0"), ("line breaks", "a\r\nb"), ("unicode", "ü€𝄞")):
        target.ask("Heartbeat", 0, group, label=name, client_id=client_id)
        target.ask("Heartbeat", 4, group, label=f"{name}, flexible", client_id=client_id)
    head = struct.pack(">hhi", messages.key_of("Heartbeat"), 0, 7)
    body = messages.encode("Heartbeat", 0, group)
    for size in (-2, -32768, 200, 32767):
        target.frame(head + struct.pack(">h", size) + body, label=f"client id of size {size}", api="Heartbeat")


@case("correlation ids")
def _(target):
    for number in (0, -1, 2**31 - 1, -(2**31)):
        connection = target.connect()
        connection.send_frame(messages.request("FindCoordinator", 0, {"Key": "g"}, correlation_id=number))
        target.say(str(number), connection.receive("FindCoordinator", 0, correlation_id=number))


@case("tags of the request header")
def _(target):
    key = messages.key_of("FindCoordinator")
    body = messages.encode("FindCoordinator", 3, {"Key": "g"})
    huge = b"\xff\xff\xff\xff\x0f"
    for name, tags in (("one unknown", b"\1\x63\3abc"), ("two unknown", b"\2\x63\3abc\x64\0"),
                       ("a duplicate", b"\2\x63\1a\x63\1b"), ("not in order", b"\2\x64\1a\x63\1b"),
                       ("size beyond the frame", b"\1\x63\x7fabc"), ("huge size", b"\1\x63" + huge + b"abc"),
                       ("huge count", huge), ("varint without end", b"\x80" * 12),
                       ("varint of five bytes, too big", b"\xff\xff\xff\xff\x7f"), ("a long zero", b"\x80\x80\x80\x80\0")):
        target.frame(messages.header(key, 3, is_flexible=True, tags=tags) + body, label=name, api="FindCoordinator",
                     version=3)


@case("requests one behind the other, the third one bad")
def _(target):
    connection = target.connect()
    group = {"GroupId": "g", "GenerationId": 1, "MemberId": "m"}
    for number in (1, 2):
        connection.send_frame(messages.request("Heartbeat", 0, group, correlation_id=number))
    connection.send_frame(messages.header(1000, 0))
    connection.send_frame(messages.request("Heartbeat", 0, group, correlation_id=4))
    for number in (1, 2, 4):
        target.say(f"answer {number}", connection.receive("Heartbeat", 0, correlation_id=number))


@case("a thousand requests that are not waited for")
def _(target):
    connection = target.connect()
    group = {"GroupId": "g", "GenerationId": 1, "MemberId": "m"}
    for number in range(1000):
        connection.send_frame(messages.request("Heartbeat", 0, group, correlation_id=number))
    answers = [connection.receive("Heartbeat", 0, correlation_id=number) for number in range(1000)]
    target.say("", [answers.count(answers[0]), answers[0], SILENT in answers])
