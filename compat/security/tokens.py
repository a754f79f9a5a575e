"""Signed tokens for OAUTHBEARER, and the JWKS that checks them, with the openssl command."""

import base64
import json
import subprocess
import time


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """An RSA key in a file of its own."""

    def __init__(self, path, key_id):
        self.path = path
        self.key_id = key_id
        subprocess.run(["openssl", "genrsa", "-out", str(path), "2048"], check=True, stderr=subprocess.DEVNULL)

    def jwk(self):
        modulus = subprocess.run(["openssl", "rsa", "-in", str(self.path), "-noout", "-modulus"], check=True,
                                 stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL).stdout.strip().split("=")[1]
        return {"kty": "RSA", "kid": self.key_id, "use": "sig", "alg": "RS256", "e": "AQAB",
                "n": _base64url(bytes.fromhex(modulus))}

    def sign(self, subject, lifetime_s=3600, **more):
        now = int(time.time())
        header = {"alg": "RS256", "kid": self.key_id, "typ": "JWT"}
        claims = {"sub": subject, "iat": now - 10_000, "exp": now + lifetime_s, "aud": "kafka", "scope": "all", **more}
        text = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(self.path)], input=text.encode(), check=True,
                                   stdout=subprocess.PIPE).stdout
        return f"{text}.{_base64url(signature)}"


def jwks(*keys):
    return json.dumps({"keys": [key.jwk() for key in keys]})
