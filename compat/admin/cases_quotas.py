"""Quotas of users, clients and addresses."""

from rows import LONG, rows

EXACT, DEFAULT, ANY = range(3)


def describe_rows(target):
    def body(*components, strict=False):
        return {"Components": [{"EntityType": kind, "MatchType": how, "Match": match} for kind, how, match in components], "Strict": strict}

    for strict in (False, True):
        for kind in ("user", "client-id", "ip", "nonsense", "", LONG, "User"):
            for how, match in ((EXACT, "x"), (EXACT, ""), (EXACT, None), (DEFAULT, None), (DEFAULT, "x"), (ANY, None), (ANY, "x"), (3, "x"), (-1, None)):
                yield f"{kind[:12]} {how} {match} {strict}", body((kind, how, match), strict=strict)
        yield f"none {strict}", body(strict=strict)
        yield f"user twice {strict}", body(("user", ANY, None), ("user", EXACT, "x"), strict=strict)
        yield f"user and ip {strict}", body(("user", ANY, None), ("ip", ANY, None), strict=strict)
        yield f"user and client {strict}", body(("user", ANY, None), ("client-id", ANY, None), strict=strict)
        yield f"client and ip {strict}", body(("client-id", EXACT, "x"), ("ip", EXACT, "127.0.0.1"), strict=strict)
    yield "null components", {"Components": None, "Strict": False}


rows("describe client quotas", "DescribeClientQuotas", describe_rows)


def alter_rows(target):
    def entry(entity, *ops):
        return {"Entity": [{"EntityType": kind, "EntityName": name} for kind, name in entity],
                "Ops": [{"Key": key, "Value": value, "Remove": remove} for key, value, remove in ops]}

    def body(*entries):
        return {"Entries": list(entries), "ValidateOnly": True}

    rate = ("producer_byte_rate", 1000.0, False)
    connections = ("connection_creation_rate", 1000.0, False)
    for label, entity in (("user", [("user", "x")]), ("default", [("user", None)]), ("empty name", [("user", "")]), ("nonsense", [("nonsense", "x")]),
                          ("no kind", [("", "x")]), ("long", [("user", LONG)]), ("nothing", []), ("user twice", [("user", "x"), ("user", "y")]),
                          ("user and ip", [("user", "x"), ("ip", "127.0.0.1")]), ("user and client", [("user", "x"), ("client-id", None)]),
                          ("ip", [("ip", "127.0.0.1")]), ("odd ip", [("ip", "no.such.host.invalid")]), ("empty ip", [("ip", "")]),
                          ("default ip", [("ip", None)]), ("client and ip", [("client-id", "x"), ("ip", None)])):
        yield f"{label} with a rate", body(entry(entity, rate))
        yield f"{label} with connections", body(entry(entity, connections))
        yield f"{label} with nothing", body(entry(entity))
    for key in ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "no_such", "", LONG):
        for value in (0.0, -1.0, 0.5, 1.5, 1e30, float("nan"), float("inf"), 9e18):
            yield f"{key[:30]} {value}", body(entry([("user", "x")], (key, value, False)))
        yield f"{key[:30]} removed", body(entry([("user", "x")], (key, 5.0, True)))
    for value in (0.0, -1.0, 0.5, 1e30, float("nan"), 2147483648.0):
        yield f"connections {value}", body(entry([("ip", "127.0.0.1")], ("connection_creation_rate", value, False)))
    yield "key twice", body(entry([("user", "x")], rate, ("producer_byte_rate", 5.0, True)))
    yield "entity twice", body(entry([("user", "x")], rate), entry([("user", "x")], rate))
    yield "good and bad", body(entry([("user", "x")], rate), entry([("nonsense", "x")], rate))
    yield "good and bad keys", body(entry([("user", "x")], rate, ("no_such", 1.0, False)))
    yield "none", body()
    yield "null entries", {"Entries": None}
    yield "null entity", body({"Entity": None, "Ops": []})


rows("alter client quotas", "AlterClientQuotas", alter_rows)
