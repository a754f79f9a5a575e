"""GSSAPI: kcat with a ticket of a realm is served, and without one is not."""

import os
import subprocess

import broker as brokers
import kdc


def kcat(realm, port, *more, environment=None):
    return subprocess.run(
        ["kcat", "-b", f"localhost:{port}", "-X", "security.protocol=SASL_PLAINTEXT", "-X", "sasl.mechanisms=GSSAPI",
         "-X", "sasl.kerberos.service.name=kafka", "-X", "sasl.kerberos.kinit.cmd=true", "-t", "gssapi", *more],
        env=environment or realm.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30,
        input="hello\n" if "-P" in more else None)


def body(run):
    if not run.wanted("sasl gssapi") or run.choice.kind != "milena":
        return
    with kdc.Realm(run.work_dir / "realm") as realm:
        port = brokers.free_port()
        settings = {
            "listeners": f"SASL_PLAINTEXT://localhost:{port}",
            "sasl.enabled.mechanisms": "GSSAPI",
            "listener.name.sasl_plaintext.gssapi.sasl.jaas.config":
                "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true "
                f'keyTab="{realm.keytab}" principal="kafka/localhost@{kdc.REALM}";',
            "milena.log.level": "debug",
        }
        os.environ.update(KRB5_CONFIG=realm.environment["KRB5_CONFIG"])
        broker = brokers.MilenaBroker(run.work_dir / "gssapi", settings, port)
        with broker.start():
            with run.checks.check("sasl gssapi kcat with a ticket"):
                written = kcat(realm, port, "-P")
                assert written.returncode == 0, written.stdout
                read = kcat(realm, port, "-C", "-e")
                assert "hello" in read.stdout, read.stdout
                log = (run.work_dir / "gssapi" / "broker.log").read_text()
                assert "authenticated as User:alice with GSSAPI" in log, log[-1000:]
            with run.checks.check("sasl gssapi kcat without a ticket"):
                none = dict(realm.environment, KRB5CCNAME=f"FILE:{run.work_dir}/no-such-cache")
                refused = kcat(realm, port, "-L", "-m", "3", environment=none)
                assert refused.returncode != 0, refused.stdout
