"""Who may do what: access types, rotation, attachments, folders, disabled repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from bridge_rig import Node, refusal

WRITES: dict[str, Callable[[Any], object]] = {
    "put": lambda s3: s3.put_object(Bucket="a", Key="new", Body=b"x"),
    "copy": lambda s3: s3.copy_object(Bucket="a", Key="new", CopySource="a/k"),
    "delete": lambda s3: s3.delete_object(Bucket="a", Key="k"),
    "delete many": lambda s3: s3.delete_objects(Bucket="a", Delete={"Objects": [{"Key": "k"}]}),
    "create upload": lambda s3: s3.create_multipart_upload(Bucket="a", Key="k"),
    "upload part": lambda s3: s3.upload_part(Bucket="a", Key="k", UploadId="u", PartNumber=1, Body=b"x"),
    "complete": lambda s3: s3.complete_multipart_upload(Bucket="a", Key="k", UploadId="u"),
    "abort": lambda s3: s3.abort_multipart_upload(Bucket="a", Key="k", UploadId="u"),
}
READS: dict[str, Callable[[Any], object]] = {
    "buckets": lambda s3: s3.list_buckets(),
    "head bucket": lambda s3: s3.head_bucket(Bucket="a"),
    "location": lambda s3: s3.get_bucket_location(Bucket="a"),
    "list": lambda s3: s3.list_objects_v2(Bucket="a"),
    "get": lambda s3: s3.get_object(Bucket="a", Key="k")["Body"].read(),
    "head": lambda s3: s3.head_object(Bucket="a", Key="k"),
}


def refused(call: Callable[[Any], object], s3: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as fault:
        call(s3)
    return refusal(fault.value)


@pytest.fixture
def repo(node: Node) -> str:
    repo = node.repository("r", (node.bucket("a"), ""))
    node.s3(node.key(repo)).put_object(Bucket="a", Key="k", Body=b"x")
    return repo


def test_a_read_key_reads_and_never_writes(node: Node, repo: str) -> None:
    reader = node.s3(node.key(repo, "READ"))
    for read in READS.values():
        read(reader)
    assert {name: refused(write, reader) for name, write in WRITES.items()} == dict.fromkeys(
        WRITES, (403, "AccessDenied")
    )
    assert reader.list_objects_v2(Bucket="a")["KeyCount"] == 1


@pytest.mark.parametrize("access", ["WRITE", "ADMIN"])
def test_write_and_admin_keys_read_and_write(node: Node, repo: str, access: str) -> None:
    s3 = node.s3(node.key(repo, access))
    for read in READS.values():
        read(s3)
    for name in ("put", "copy", "delete many"):
        WRITES[name](s3)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="a")["Contents"]] == ["new"]


def test_a_deleted_key_stops_at_once_and_its_successor_goes_on(node: Node, repo: str) -> None:
    old, new = node.key(repo, name="w"), node.key(repo, name="w.g2")
    clients = node.s3(old), node.s3(new)
    for s3 in clients:  # the overlap of a rotation
        WRITES["put"](s3)
    node.api.delete(f"/repo/{repo}/apikey/{old['id']}")
    assert refused(READS["get"], clients[0]) == (403, "InvalidAccessKeyId")
    WRITES["put"](clients[1])


def test_a_downgrade_takes_the_right_to_write(node: Node, repo: str) -> None:
    key = node.key(repo)
    node.api.put(f"/repo/{repo}/apikey/{key['id']}", json={"name": "writer", "accessType": "READ"})
    assert refused(WRITES["put"], node.s3(key)) == (403, "AccessDenied")


def test_the_keys_of_a_deleted_repository_stop(node: Node, repo: str) -> None:
    s3 = node.s3(node.key(repo))
    node.api.delete(f"/repo/{repo}")
    assert refused(READS["list"], s3) == (403, "InvalidAccessKeyId")


def test_a_disabled_repository_reads_and_refuses_writes(node: Node, repo: str) -> None:
    s3 = node.s3(node.key(repo))
    node.post("/_emulator/state", {"repository": "r", "disabled": True})
    READS["get"](s3)
    assert {refused(write, s3) for write in WRITES.values()} == {(403, "AccessDenied")}
    node.post("/_emulator/state", {"repository": "r", "disabled": False})
    WRITES["put"](s3)


def test_only_attached_buckets_are_there(node: Node, repo: str) -> None:
    other = node.repository("other", (node.bucket("b"), ""))
    s3 = node.s3(node.key(other))
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["b"]
    assert refused(READS["list"], s3) == (404, "NoSuchBucket")
    assert refused(lambda s3: s3.copy_object(Bucket="b", Key="stolen", CopySource="a/k"), s3) == (404, "NoSuchBucket")
    node.api.put(f"/repo/{other}", json={"name": "other", "storageType": "S3", "mode": "NORMAL", "repoBuckets": []})
    assert s3.list_buckets()["Buckets"] == []


def test_each_repository_has_its_own_folder_of_a_shared_bucket(node: Node) -> None:
    bucket = node.bucket("a")
    one, two = (
        node.s3(node.key(node.repository(name, (bucket, folder)))) for name, folder in (("r1", "x"), ("r2", "/x/y/"))
    )
    one.put_object(Bucket="a", Key="k", Body=b"one")
    two.put_object(Bucket="a", Key="k", Body=b"two")
    assert [s3.get_object(Bucket="a", Key="k")["Body"].read() for s3 in (one, two)] == [b"one", b"two"]
    assert [entry["Key"] for entry in two.list_objects_v2(Bucket="a")["Contents"]] == ["k"]
    two.delete_object(Bucket="a", Key="k")
    assert [entry["Key"] for entry in one.list_objects_v2(Bucket="a")["Contents"]] == ["k"]


def test_objects_stay_when_only_the_registration_is_made_anew(node: Node, repo: str) -> None:
    (bucket,) = node.api.get("/bucket").json()["buckets"]
    body = {"name": "r", "storageType": "S3", "mode": "NORMAL"}
    node.post("/_emulator/settings", {"folder_delete": "never"})
    node.api.put(f"/repo/{repo}", json={**body, "repoBuckets": []})
    node.api.delete(f"/bucket/{bucket['id']}")
    again = node.bucket("again", bucket="acme-a")
    node.api.put(f"/repo/{repo}", json={**body, "repoBuckets": [{"bucketId": again, "folder": "", "master": False}]})
    assert node.s3(node.key(repo)).get_object(Bucket="again", Key="k")["Body"].read() == b"x"


def test_no_secret_of_a_key_is_on_the_disk_or_in_a_log(node: Node, repo: str) -> None:
    key = node.key(repo)
    s3 = node.s3(key, signature_version="s3v4")
    WRITES["put"](s3)
    node.api.get("/_emulator/bridge/requests")
    folder = node.emulator.store.path.parent
    kept = "".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())
    told = node.api.get("/_emulator/bridge/requests").text
    assert key["secret"] not in kept + told + repr(node.bridge.__dict__)
    assert {entry["key"] for entry in node.api.get("/_emulator/bridge/requests").json()["requests"]} >= {key["key"]}
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.glob("*.sqlite3"), *folder.rglob("bridge*"))
    }
    assert set(modes.values()) <= {0o700, 0o600}, modes
