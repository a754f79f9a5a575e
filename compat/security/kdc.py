"""A Kerberos realm of its own, in a directory: Debian's krb5-kdc on a free port, with a service and a user."""

import os
import pathlib
import shutil
import subprocess

import broker
import packages
import wait

REALM = "MILENA.TEST"


class Realm:
    def __init__(self, directory):
        packages.debian(lambda: shutil.which("kinit") and os.path.exists("/usr/sbin/krb5kdc"), "krb5-kdc", "krb5-admin-server",
                        "krb5-user", "libsasl2-modules-gssapi-mit")
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True)
        self.port = broker.free_port()
        (self.directory / "krb5.conf").write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{self.port}\n }}\n"
            f"[domain_realm]\n localhost = {REALM}\n")
        (self.directory / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_ports = {self.port}\n kdc_tcp_ports = {self.port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {self.directory}/principal\n"
            f"  key_stash_file = {self.directory}/stash\n  acl_file = {self.directory}/acl\n }}\n")
        self.environment = dict(os.environ, KRB5_CONFIG=str(self.directory / "krb5.conf"),
                                KRB5_KDC_PROFILE=str(self.directory / "kdc.conf"),
                                KRB5CCNAME=f"FILE:{self.directory}/cache")
        self._run("/usr/sbin/kdb5_util", "create", "-s", "-P", "master", "-r", REALM)
        self.keytab = self.directory / "service.keytab"
        self.user_keytab = self.directory / "alice.keytab"
        for principal, table in (("kafka/localhost", self.keytab), ("alice", self.user_keytab)):
            self._run("/usr/sbin/kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
            self._run("/usr/sbin/kadmin.local", "-r", REALM, "ktadd", "-k", str(table), principal)

    def _run(self, *command):
        subprocess.run(command, env=self.environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)

    def __enter__(self):
        self.process = subprocess.Popen(["/usr/sbin/krb5kdc", "-n", "-r", REALM, "-P", str(self.directory / "kdc.pid")],
                                        env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait.until(self._gives_tickets, "the KDC gives a ticket", 20)
        return self

    def _gives_tickets(self):
        return subprocess.run(["kinit", "-kt", str(self.user_keytab), "alice"], env=self.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
