"""`--secured`: brokers with a SASL_SSL listener and StandardAuthorizer, and a user that may do everything but is no super user.

The clients of the suite get the SASL_SSL listener's address, and log in as client_security.py says. A second listener, which is
not told to them, is for the administrator: whoever comes there is a super user.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess

import acls
import broker
import client_security
import wait
import wire
from certificates import PASSWORD, Authority
from target import Target

USER = "app"
MECHANISM = "SCRAM-SHA-512"
SCRAM_SHA_512 = 2  # in AlterUserScramCredentials
ITERATIONS = 4096
KINDS = ("Topic", "Group", "Cluster", "TransactionalId")
JAAS = "org.apache.kafka.common.security.scram.ScramLoginModule required"
ALL_ACLS = {"ResourceTypeFilter": 1, "ResourceNameFilter": None, "PatternTypeFilter": 1, "PrincipalFilter": f"User:{USER}",
            "HostFilter": None, "Operation": 1, "PermissionType": 1}


class Secured:
    """Certificates and the clients' file, for all brokers of a run."""

    def __init__(self, folder):
        folder.mkdir()
        authority = Authority(folder, "ca")
        authority.issue("broker", "/CN=broker", "localhost", address="127.0.0.1")
        self.store = authority.store("broker")
        path = folder / "client.properties"
        path.write_text("".join(f"{key}={value}\n" for key, value in _client_settings(authority).items()))
        os.environ[client_security.VARIABLE] = str(path)

    def settings(self, kind, port, admin_port):
        listeners = f"SASL_SSL://127.0.0.1:{port},PLAINTEXT://127.0.0.1:{admin_port}"
        found = {
            "listeners": listeners,
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
            "sasl.enabled.mechanisms": MECHANISM,
            f"listener.name.sasl_ssl.{MECHANISM.lower()}.sasl.jaas.config": f"{JAAS};",
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": self.store,
            "ssl.keystore.password": PASSWORD,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": "User:ANONYMOUS",
        }
        if kind == "oracle":
            controller = f"127.0.0.1:{broker.free_port()}"
            found["listeners"] += f",CONTROLLER://{controller}"
            found["controller.quorum.voters"] = f"1@{controller}"
        return found

    def start(self, choice, directory, settings, environment):
        port, admin_port = broker.free_port(), broker.free_port()
        made = broker.start(choice, directory, {**self.settings(choice.kind, port, admin_port), **(settings or {})},
                            environment=environment, port=port)
        try:
            admit(broker.RunningBroker(f"127.0.0.1:{admin_port}", directory), made.address)
        except BaseException:
            made.__exit__()
            raise
        return made


def _client_settings(authority):
    found = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": MECHANISM,
        "sasl.username": USER,
        "sasl.password": PASSWORD,
        "sasl.jaas.config": f'{JAAS} username="{USER}" password="{PASSWORD}";',
        "ssl.ca.location": authority.pem("ca"),
    }
    if not shutil.which("keytool"):
        return {**found, "ssl.truststore.type": "PEM", "ssl.truststore.location": authority.pem("ca")}
    # Java's clients before 2.7 read no PEM, and no authority from a store that openssl has made.
    store = pathlib.Path(authority.folder / "trusted.p12")
    subprocess.run(["keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", authority.pem("ca"), "-keystore", str(store),
                    "-storetype", "PKCS12", "-storepass", PASSWORD], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {**found, "ssl.truststore.type": "PKCS12", "ssl.truststore.location": store, "ssl.truststore.password": PASSWORD}


def admit(admin_broker, address):
    """Makes the user and its ACLs, and waits until the listener of the clients knows both."""
    admin = Target("admin", admin_broker)
    salt = os.urandom(24)
    upsertion = {"Name": USER, "Mechanism": SCRAM_SHA_512, "Iterations": ITERATIONS, "Salt": salt,
                 "SaltedPassword": hashlib.pbkdf2_hmac("sha512", PASSWORD.encode(), salt, ITERATIONS)}
    wanted = [acls.acl(kind, "All", "*", principal=f"User:{USER}") for kind in KINDS]
    results = [*admin.quietly("AlterUserScramCredentials", 0, {"Upsertions": [upsertion]})["Results"],
               *admin.quietly("CreateAcls", 3, {"Creations": wanted})["Results"]]
    failed = [result for result in results if result["ErrorCode"] != 0]
    if failed:
        raise RuntimeError(f"the user of --secured was not made: {failed}")
    wait.until(lambda: len(admin.quietly("DescribeAcls", 3, ALL_ACLS)["Resources"]) == len(wanted), "the user has its ACLs")
    wait.until(lambda: _may_log_in(address), "the user may log in")
    admin.bystander.socket.close()


def _may_log_in(address):
    try:
        wire.Connection(address).socket.close()
        return True
    except AssertionError:  # the broker does not know the user yet
        return False
