"""A policy over three buckets of an emulated cloud, a front before it that can fail, and the key in a sink."""

from __future__ import annotations

import uuid
from functools import cache
from pathlib import Path
from typing import Any

from cloud_front import Front, Seen
from router_desk import RouterDesk
from runtime_world import T0, meter, policy_document, raw
from stand_ins import ACCOUNT, ACCOUNT_KEY

from fbplan.runtime import Place, Reference, wrap
from fbplan.secrets import FileSink, IssuedKey, Secret

CAP = 1000


class CloudWorld(RouterDesk):
    """One repository `app` over buckets a, b, c; what the world calls a bucket has a name of its own in the cloud."""

    protocol: str
    put_method: str

    def __init__(self, folder: Path, front: Front) -> None:
        super().__init__(T0)
        self.folder, self.front = folder, front
        folder.mkdir()
        front.seen.clear()
        front.luck.clear()
        self.addresses = {name: f"{name}-{uuid.uuid4().hex}" for name in "abc"}
        for address in self.addresses.values():
            self.make(address)
        self.key = self.rotate(self.first_key())
        self.policy = folder / "routing-policy.json"
        self.write_policy()

    def write_policy(self, caps: dict[str, int] | None = None, generation: int = 7, **repository: Any) -> None:
        stated = caps or dict.fromkeys("abc", CAP)
        buckets = {
            name: {"meters": [meter(stated[name])], "name": address, "folders": {"app": ""}}
            for name, address in self.addresses.items()
        }
        keys = {"write": {"sink": "file:secrets/writer.env", "key_id": self.key[0]}}
        told = {"endpoint": self.front.url, "protocol": self.protocol, "keys": keys, **repository}
        self.policy.write_bytes(raw(policy_document(buckets, generation, **told)))

    def rotate(self, key: tuple[str, str]) -> tuple[str, str]:
        """Put a key into the sink as an apply does."""
        issued = IssuedKey("api_key.app/writer", "r1", key[0], Secret(key[1]), 1)
        FileSink(file="secrets/writer.env").store(issued, self.folder, {})
        return key

    def place(self, bucket: str = "a", **changes: Any) -> Place:
        found = Place("app", bucket, self.addresses[bucket], "", self.protocol, self.front.url)
        return found._replace(sink="file:secrets/writer.env", **changes)

    def fail(self, bucket: str, **stated: Any) -> None:
        """The next upload to a bucket."""
        self.front.fail(self.put_method, self.part(bucket), **stated)

    def puts(self, bucket: str = "") -> list[Seen]:
        wanted = [self.part(bucket)] if bucket else [self.part(name) for name in "abc"]
        return [seen for part in wanted for seen in self.front.asked(self.put_method, part)]

    def part(self, bucket: str) -> str:
        raise NotImplementedError

    def first_key(self) -> tuple[str, str]:
        raise NotImplementedError

    def make(self, address: str) -> None:
        raise NotImplementedError

    def plain(self) -> Any:
        """The SDK's client as a service has it, past the front."""
        raise NotImplementedError


def wrapped(cloud: CloudWorld, **changes: Any) -> Any:
    """A service's client with the policy at work."""
    return wrap(cloud.plain(cloud.front.url), cloud.policy, **cloud.settings(**changes))


def bucket_of(reference: str) -> str:
    return Reference.parse(reference).bucket


class Gcs(CloudWorld):
    protocol, put_method = "GCS", "POST"

    def part(self, bucket: str) -> str:
        return f"/b/{self.addresses[bucket]}/"

    def first_key(self) -> tuple[str, str]:
        return "one@app", pem()

    def rotate(self, key: tuple[str, str]) -> tuple[str, str]:
        # a sink is an env file, and a line of that holds no newline
        return super().rotate((key[0], key[1].replace("\n", "\\n")))

    def make(self, address: str) -> None:
        self.plain().create_bucket(address)

    def plain(self, url: str | None = None) -> Any:
        return google_client(url or self.front.upstream.geturl())


class Blob(CloudWorld):
    protocol, put_method = "BLOB", "PUT"

    def part(self, bucket: str) -> str:
        return f"/{self.addresses[bucket]}/"

    def first_key(self) -> tuple[str, str]:
        return ACCOUNT, ACCOUNT_KEY

    def make(self, address: str) -> None:
        self.plain().create_container(address)

    def plain(self, url: str | None = None) -> Any:
        return azure_client(url or self.front.upstream.geturl())


@cache
def google_client(url: str) -> Any:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client

    return Client(project="p", credentials=AnonymousCredentials(), client_options={"api_endpoint": url})


@cache
def azure_client(url: str) -> Any:
    from azure.storage.blob import BlobServiceClient

    return BlobServiceClient(url, credential={"account_name": ACCOUNT, "account_key": ACCOUNT_KEY})


@cache
def pem() -> str:
    """A private key as a service account has it."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    made = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
