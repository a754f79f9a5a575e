"""What needs security, where none is configured; credentials."""

from rows import LONG, rows

NOBODY = "User:nobody"


def describe_acl_rows(target):
    for kind in (0, 1, 2, 7, 99, -1):
        yield f"kind {kind}", {"ResourceTypeFilter": kind, "ResourceNameFilter": None, "PrincipalFilter": None, "HostFilter": None,
                               "Operation": 1, "PermissionType": 1}
    for operation, permission in ((0, 1), (1, 0), (99, 1), (1, 99), (-1, -1)):
        yield f"operation {operation} permission {permission}", {
            "ResourceTypeFilter": 1, "ResourceNameFilter": "", "PrincipalFilter": "", "HostFilter": "", "Operation": operation,
            "PermissionType": permission}
    for pattern in (0, 1, 2, 4, 99, -1):
        yield f"pattern {pattern}", {"ResourceTypeFilter": 1, "PatternTypeFilter": pattern, "ResourceNameFilter": None, "PrincipalFilter": None,
                                     "HostFilter": None, "Operation": 1, "PermissionType": 1}


rows("describe acls", "DescribeAcls", describe_acl_rows)


def create_acl_rows(target):
    good = {"ResourceType": 2, "ResourceName": "t", "ResourcePatternType": 3, "Principal": NOBODY, "Host": "*", "Operation": 3, "PermissionType": 3}
    for label, change in (("good", {}), ("kind 0", {"ResourceType": 0}), ("kind 1", {"ResourceType": 1}), ("kind 99", {"ResourceType": 99}),
                          ("no name", {"ResourceName": ""}), ("long name", {"ResourceName": LONG}), ("pattern 1", {"ResourcePatternType": 1}),
                          ("pattern 99", {"ResourcePatternType": 99}), ("principal", {"Principal": "nonsense"}), ("no principal", {"Principal": ""}),
                          ("host", {"Host": ""}), ("operation 1", {"Operation": 1}), ("operation 99", {"Operation": 99}),
                          ("permission 1", {"PermissionType": 1}), ("permission 99", {"PermissionType": 99})):
        yield label, {"Creations": [{**good, **change}]}
    yield "none", {"Creations": []}
    yield "twice", {"Creations": [good, good]}
    yield "null", {"Creations": None}


rows("create acls", "CreateAcls", create_acl_rows)


def delete_acl_rows(target):
    good = {"ResourceTypeFilter": 1, "ResourceNameFilter": None, "PatternTypeFilter": 1, "PrincipalFilter": None, "HostFilter": None,
            "Operation": 1, "PermissionType": 1}
    for label, change in (("good", {}), ("kind 0", {"ResourceTypeFilter": 0}), ("kind 99", {"ResourceTypeFilter": 99}),
                          ("pattern 0", {"PatternTypeFilter": 0}), ("pattern 99", {"PatternTypeFilter": 99}), ("operation 0", {"Operation": 0}),
                          ("permission 99", {"PermissionType": 99})):
        yield label, {"Filters": [{**good, **change}]}
    yield "none", {"Filters": []}
    yield "twice", {"Filters": [good, good]}
    yield "null", {"Filters": None}


rows("delete acls", "DeleteAcls", delete_acl_rows)


def create_token_rows(target):
    for lifetime_ms in (-1, 0, 5, -5, 2**63 - 1):
        yield f"lifetime {lifetime_ms}", {"OwnerPrincipalType": None, "OwnerPrincipalName": None, "Renewers": [], "MaxLifetimeMs": lifetime_ms}
    for owner in (("User", "bob"), ("", ""), ("nonsense", "x")):
        yield f"owner {owner}", {"OwnerPrincipalType": owner[0], "OwnerPrincipalName": owner[1], "Renewers": [], "MaxLifetimeMs": -1}
    for renewer in (("User", "bob"), ("nonsense", "x"), ("", "")):
        yield f"renewer {renewer}", {"OwnerPrincipalType": None, "OwnerPrincipalName": None, "MaxLifetimeMs": -1, "Renewers": [
            {"PrincipalType": renewer[0], "PrincipalName": renewer[1]}]}


rows("create delegation token", "CreateDelegationToken", create_token_rows)


def hmac_rows(field):
    def make(target):
        for hmac in (b"", b"abc", bytes(300)):
            for period_ms in (-1, 0, 5, -5):
                yield f"{len(hmac)} bytes {period_ms}", {"Hmac": hmac, field: period_ms}
    return make


rows("renew delegation token", "RenewDelegationToken", hmac_rows("RenewPeriodMs"))
rows("expire delegation token", "ExpireDelegationToken", hmac_rows("ExpiryTimePeriodMs"))


def describe_token_rows(target):
    yield "all", {"Owners": None}
    yield "none", {"Owners": []}
    yield "bob", {"Owners": [{"PrincipalType": "User", "PrincipalName": "bob"}]}
    yield "odd", {"Owners": [{"PrincipalType": "", "PrincipalName": ""}, {"PrincipalType": "x", "PrincipalName": LONG}]}


rows("describe delegation token", "DescribeDelegationToken", describe_token_rows)


def handshake_rows(target):
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "", "nonsense", LONG):
        yield f"{mechanism[:20]}", {"Mechanism": mechanism}


rows("sasl handshake", "SaslHandshake", handshake_rows)
rows("sasl authenticate", "SaslAuthenticate", lambda target: [("nothing", {"AuthBytes": b""}), ("something", {"AuthBytes": b"\0a\0b"})])


def describe_scram_rows(target):
    for names in (["nobody"], [""], [LONG], ["nobody", "nobody"], ["nobody", "somebody"], [], None, [None]):
        yield f"{str(names)[:30]}", {"Users": names if names is None else [{"Name": name} for name in names]}


rows("describe scram credentials", "DescribeUserScramCredentials", describe_scram_rows)


def alter_scram_rows(target):
    def upsert(name="x", mechanism=1, iterations=4096, salt=b"salt", password=b"password"):
        return {"Name": name, "Mechanism": mechanism, "Iterations": iterations, "Salt": salt, "SaltedPassword": password}

    def delete(name="nobody", mechanism=1):
        return {"Name": name, "Mechanism": mechanism}

    def body(deletions=(), upsertions=()):
        return {"Deletions": list(deletions), "Upsertions": list(upsertions)}

    for mechanism in (0, 3, 99, -1):
        yield f"mechanism {mechanism}", body(upsertions=[upsert(mechanism=mechanism)])
        yield f"delete mechanism {mechanism}", body([delete(mechanism=mechanism)])
    for iterations in (0, -1, 4095, 16385, 2**31 - 1):
        yield f"iterations {iterations}", body(upsertions=[upsert(iterations=iterations)])
    for mechanism in (1, 2):
        yield f"nobody {mechanism}", body([delete(mechanism=mechanism)])
        yield f"iterations of {mechanism}", body(upsertions=[upsert(mechanism=mechanism, iterations=5000, name="y"),
                                                             upsert(mechanism=mechanism, iterations=1, name="z")])
    yield "no name", body(upsertions=[upsert("")])
    yield "delete no name", body([delete("")])
    yield "twice", body(upsertions=[upsert(), upsert()])
    yield "delete twice", body([delete(), delete()])
    yield "delete and upsert", body([delete("x")], [upsert("x")])
    yield "none", body()
    yield "null", {"Deletions": None, "Upsertions": None}
    yield "long", body(upsertions=[upsert(LONG)])
    yield "no salt", body(upsertions=[upsert("s", salt=b"")])
    yield "no password", body(upsertions=[upsert("p", password=b"")])


rows("alter scram credentials", "AlterUserScramCredentials", alter_scram_rows)
