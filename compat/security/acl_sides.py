"""The two brokers as the programs about ACLs see them: each with StandardAuthorizer, on PLAINTEXT listeners.

Everybody is User:ANONYMOUS there, so hosts tell people apart: who comes from ADMIN may do everything, once make_admin() has said
so; who comes from USER what further ACLs say.
"""

import acls
import broker
import comparison
import wait
from acls import ALLOW, DENY, LITERAL, PREFIXED, TYPES, filter_of  # noqa: F401
from target import Target

ADMIN, USER = "127.0.0.1", "127.0.0.2"
SETTINGS = {**comparison.SETTINGS, "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # Until the first ACLs are there.
            "allow.everyone.if.no.acl.found": "true", "auto.create.topics.enable": "true"}


class Side:
    """One of the two brokers, as an administrator and as the one who may little, at both of its listeners."""

    def __init__(self, name, made, controller_port):
        controller = broker.RunningBroker(f"127.0.0.1:{controller_port}", made.directory)
        self.name = name
        self.admin = {"broker": self.target(made, ADMIN), "controller": self.target(controller, ADMIN)}
        self.user = {"broker": self.target(made, USER), "controller": self.target(controller, USER)}

    def target(self, at, source):
        return Target(self.name, at, source=source)

    def quietly(self, *request):
        return self.admin["broker"].quietly(*request)

    def add(self, *acls):
        for result in self.quietly("CreateAcls", 3, {"Creations": acls})["Results"]:
            assert result["ErrorCode"] == 0, f"{self.name}: {result}"
        self.await_acls(acls, True)

    def remove(self, *acls):
        self.quietly("DeleteAcls", 3, {"Filters": [filter_of(acl) for acl in acls]})
        self.await_acls(acls, False)

    def make_admin(self):
        self.add(*[acl(kind, "All", "*", host=ADMIN) for kind in TYPES])

    def await_acls(self, acls, there):
        """Kafka's broker and its controller have an authorizer each, and hear of ACLs one after the other."""
        for admin in self.admin.values():
            for acl in acls:
                wait.until(lambda: bool(admin.quietly("DescribeAcls", 3, filter_of(acl))["Resources"]) == there, f"{self.name}: {acl}")


def acl(kind, operation, name, pattern=LITERAL, host=USER, permission=ALLOW, principal="User:ANONYMOUS"):
    return acls.acl(kind, operation, name, pattern, host, permission, principal)


def start(kind, directory, **more):
    """A broker of that kind that runs, and the port of its controller."""
    port, controller_port = broker.free_port(), broker.free_port()
    made = kind(directory, {**SETTINGS, **more, **(comparison.THEIRS if kind is broker.OracleBroker else comparison.OURS),
                            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
                            "controller.listener.names": "CONTROLLER",
                            "controller.quorum.voters": f"1@127.0.0.1:{controller_port}"}, port)
    return made.start(), controller_port
