"""What a key and its secret look like, by the protocol of the repository: what the SDKs of that protocol can sign with.

An S3 or Blob secret follows from the key and the folder's own signing key, which is random: a Bridge Node checks
signatures with it, and nobody keeps it. Of a GCS key's pair the public half is kept. A key keeps its form when the
repository changes its protocol.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

MAIL = "@flashback.example"
NEEDED = "keys of GCS repositories are pairs only where 'cryptography' is installed: pip install 'fbplan[gcs]', and issue the key anew"


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key as its owner gets it once, and the half of a pair that stays."""

    key: str
    secret: str = field(repr=False)
    public_key: str | None = None


def issued(protocol: str, drawn: str, signing_key: str) -> Issued:
    """The key of a repository that speaks `protocol`: an id and a secret, an e-mail and a private key, or an account."""
    match protocol:
        case "GCS" if (pair := _pair()) is not None:
            return Issued(drawn.lower() + MAIL, *pair)
        case "BLOB":
            return Issued(drawn.lower(), secret_of(drawn.lower(), signing_key))
        case _:
            return Issued(drawn, secret_of(drawn, signing_key))


def secret_of(key: str, signing_key: str) -> str:
    """The secret of a key id in the folder with this signing key; of a GCS key, what the node signs its tokens with."""
    about = f"repository key {key}".encode()
    if key.islower():  # the key of an account is base64, which the SDK decodes
        return base64.b64encode(hmac.digest(signing_key.encode(), about, hashlib.sha512)).decode()
    return base64.urlsafe_b64encode(hmac.digest(signing_key.encode(), about, hashlib.sha256)[:30]).decode()


def _pair() -> tuple[str, str] | None:
    """A private key on one line, as a service account's JSON file has it and env files can hold it, and its public half."""
    try:
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
    except ImportError:
        return None
    made = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    private = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = made.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private.replace("\n", "\\n"), public
