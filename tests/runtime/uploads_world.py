"""What tests of uploads through `wrap` share: small parts, and what is left of them on the node."""

from __future__ import annotations

from boto3.s3.transfer import TransferConfig
from bridge_rig import MB
from runtime_world import raw, usage_document

from fbplan.runtime import wrap
from fbplan.runtime.times import stamp_of

PART = 5 * MB
SMALL = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=2)
BODY = bytes(range(256)) * (2 * PART // 256) + b"end"


def routed(s3, **settings):
    return wrap(s3.node.s3(s3.key, request_checksum_calculation="when_required"), s3.policy, **s3.settings(**settings))


def in_parts(s3, method="PUT"):
    """(bucket, number) of every part that reached the node."""
    asked = [line for line in s3.requests(method) if "partNumber" in line["query"]]
    return [(line["path"][1], int(line["query"]["partNumber"])) for line in asked]


def left(s3):
    """Parts and uploads that are on the node."""
    with s3.node.bridge.store.reading() as db:
        return [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("upload", "part")]


def grants(s3, seq, each):
    """A new showing of usage, with so many bytes for each bucket."""
    use = {name: {"used": 0, "soft": each, "hard": each, "period": stamp_of(s3.now)[:7]} for name in "abc"}
    (s3.folder / "usage.json").write_bytes(raw(usage_document(use, seq=seq, at_ms=s3.now)))
