"""kcat, on Debian's librdkafka: ADDRESS TRUSTED CERTIFICATE KEY TOPIC; files of PEM, "-" for no certificate."""

import subprocess
import sys

address, trusted, certificate, key, topic = sys.argv[1:]
command = ["kcat", "-b", address, "-X", "security.protocol=SSL", "-X", f"ssl.ca.location={trusted}",
           "-X", "ssl.endpoint.identification.algorithm=https", "-X", "message.timeout.ms=5000"]
if certificate != "-":
    command += ["-X", f"ssl.certificate.location={certificate}", "-X", f"ssl.key.location={key}"]
sent = subprocess.run([*command, "-P", "-t", topic], input=b"hello", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
if sent.returncode != 0:
    said = sent.stdout.decode(errors="replace").replace("\n", " ")
    print(("refused: " if "SSL" in said or "Disconnected" in said else "") + said)
else:
    got = subprocess.run([*command, "-C", "-t", topic, "-e", "-q"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    print("in" if got.stdout == b"hello\n" else f"another record: {got.stdout[:80]}")
