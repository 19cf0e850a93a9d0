"""Which operation a request asks for, by method, level and sub-resource; and whether it writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fbplan.emulator.bridge import s3_buckets, s3_multipart, s3_objects
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_request import S3Request

# Query parameters that name another thing than the bucket or object itself. Those without a row below do not exist here.
SUBRESOURCES = frozenset(
    {
        "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
        "legal-hold", "lifecycle", "list-type", "location", "logging", "metrics", "notification", "object-lock",
        "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment",
        "restore", "retention", "select", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning",
        "versions", "website",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class S3Operation:
    """A row of the table."""

    handler: Callable[[Errand], Reply]
    writes: bool = False


def _put(errand: Errand) -> Reply:
    is_copy = bool(errand.request.header(s3_objects.SOURCE))
    return (s3_objects.copy_object if is_copy else s3_objects.put_object)(errand)


OPERATIONS: Mapping[tuple[str, str, frozenset[str]], S3Operation] = {
    ("service", "GET", frozenset()): S3Operation(s3_buckets.list_buckets),
    ("bucket", "HEAD", frozenset()): S3Operation(s3_buckets.head_bucket),
    ("bucket", "GET", frozenset()): S3Operation(s3_buckets.list_objects_v1),
    ("bucket", "GET", frozenset({"list-type"})): S3Operation(s3_buckets.list_objects),
    ("bucket", "GET", frozenset({"location"})): S3Operation(s3_buckets.bucket_location),
    ("bucket", "POST", frozenset({"delete"})): S3Operation(s3_objects.delete_objects, writes=True),
    ("object", "PUT", frozenset()): S3Operation(_put, writes=True),
    ("object", "GET", frozenset()): S3Operation(s3_objects.get_object),
    ("object", "HEAD", frozenset()): S3Operation(s3_objects.head_object),
    ("object", "DELETE", frozenset()): S3Operation(s3_objects.delete_object, writes=True),
    ("object", "POST", frozenset({"uploads"})): S3Operation(s3_multipart.create_upload, writes=True),
    ("object", "PUT", frozenset({"uploadId", "partNumber"})): S3Operation(s3_multipart.upload_part, writes=True),
    ("object", "GET", frozenset({"uploadId"})): S3Operation(s3_multipart.list_parts),
    ("object", "POST", frozenset({"uploadId"})): S3Operation(s3_multipart.complete_upload, writes=True),
    ("object", "DELETE", frozenset({"uploadId"})): S3Operation(s3_multipart.abort_upload, writes=True),
}


def operation_for(request: S3Request) -> S3Operation:
    """The operation. Raises Refusal for a sub-resource or method that the node does not have."""
    level = "object" if request.key else "bucket" if request.bucket else "service"
    asked = frozenset(SUBRESOURCES & request.query.keys())
    found = OPERATIONS.get((level, request.method, asked))
    if found is not None:
        return found
    if all(known != asked for _, _, known in OPERATIONS):
        raise Refusal("NotImplemented", f"{', '.join(sorted(asked))} is not implemented.")
    raise Refusal("MethodNotAllowed", "The specified method is not allowed against this resource.")
