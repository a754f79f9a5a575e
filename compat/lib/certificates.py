"""Certificates for brokers and clients, by the openssl command."""

import subprocess

PASSWORD = "wonder-land"


class Authority:
    """Certificates by openssl: PEM files NAME.pem and NAME.key in a folder."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}",
                      "-keyout", self.key(name), "-out", self.pem(name))

    def pem(self, name):
        return str(self.folder / f"{name}.pem")

    def key(self, name):
        return str(self.folder / f"{name}.key")

    def issue(self, name, subject, host=None, days=20, address=None):
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", subject, "-keyout", self.key(name),
                      "-out", f"{self.pem(name)}.request")
        extension = self.folder / f"{name}.extension"
        names = [*([f"DNS:{host}"] if host else []), *([f"IP:{address}"] if address else [])]
        extension.write_text(f"subjectAltName={','.join(names)}\n" if names else "basicConstraints=CA:FALSE\n")
        self._openssl("x509", "-req", "-in", f"{self.pem(name)}.request", "-CA", self.pem(self.name), "-CAkey",
                      self.key(self.name), "-CAcreateserial", "-days", str(days), "-extfile", str(extension),
                      "-out", self.pem(name))
        return self.pem(name), self.key(name)

    def store(self, name):
        path = str(self.folder / f"{name}.p12")
        self._openssl("pkcs12", "-export", "-in", self.pem(name), "-inkey", self.key(name), "-certfile",
                      self.pem(self.name), "-passout", f"pass:{PASSWORD}", "-out", path)
        return path

    @staticmethod
    def _openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {arguments[0]}: {done.stdout}")
