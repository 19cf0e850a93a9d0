"""S3, path style: which operation a request asks for, by method, level and sub-resource; and whether it writes."""

from __future__ import annotations

from collections.abc import Mapping

from fbplan.emulator.bridge import s3_buckets, s3_multipart, s3_objects
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.markup import document, element
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.protocol import Admitted, Operation, Protocol, Visitors
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.sigv4 import claim_of, proved

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


def _put(errand: Errand) -> Reply:
    is_copy = bool(errand.request.header(s3_objects.SOURCE))
    return (s3_objects.copy_object if is_copy else s3_objects.put_object)(errand)


OPERATIONS: Mapping[tuple[str, str, frozenset[str]], Operation] = {
    ("service", "GET", frozenset()): Operation(s3_buckets.list_buckets),
    ("bucket", "HEAD", frozenset()): Operation(s3_buckets.head_bucket),
    ("bucket", "GET", frozenset()): Operation(s3_buckets.list_objects_v1),
    ("bucket", "GET", frozenset({"list-type"})): Operation(s3_buckets.list_objects),
    ("bucket", "GET", frozenset({"location"})): Operation(s3_buckets.bucket_location),
    ("bucket", "POST", frozenset({"delete"})): Operation(s3_objects.delete_objects, writes=True),
    ("object", "PUT", frozenset()): Operation(_put, writes=True),
    ("object", "GET", frozenset()): Operation(s3_objects.get_object),
    ("object", "HEAD", frozenset()): Operation(s3_objects.head_object),
    ("object", "DELETE", frozenset()): Operation(s3_objects.delete_object, writes=True),
    ("object", "POST", frozenset({"uploads"})): Operation(s3_multipart.create_upload, writes=True),
    ("object", "PUT", frozenset({"uploadId", "partNumber"})): Operation(s3_multipart.upload_part, writes=True),
    ("object", "GET", frozenset({"uploadId"})): Operation(s3_multipart.list_parts),
    ("object", "POST", frozenset({"uploadId"})): Operation(s3_multipart.complete_upload, writes=True),
    ("object", "DELETE", frozenset({"uploadId"})): Operation(s3_multipart.abort_upload, writes=True),
}


def operation_for(request: NodeRequest) -> Operation:
    """The operation. Raises Refusal for a sub-resource or method that the node does not have."""
    level = "object" if request.key else "bucket" if request.bucket else "service"
    asked = frozenset(SUBRESOURCES & request.query.keys())
    found = OPERATIONS.get((level, request.method, asked))
    if found is not None:
        return found
    if all(known != asked for _, _, known in OPERATIONS):
        raise Refusal("NotImplemented", f"{', '.join(sorted(asked))} is not implemented.")
    raise Refusal("MethodNotAllowed", "The specified method is not allowed against this resource.")


def _located(request: NodeRequest) -> NodeRequest:
    bucket, _, key = request.path[1:].partition("/")
    return request.at(bucket, key)


def _admitted(request: NodeRequest, visitors: Visitors, now: float) -> Admitted:
    claim = claim_of(request)
    visitor = visitors(claim.key)
    return Admitted(visitor, claim.payload, proved(claim, request, visitor.secret, now))


def _refused(refusal: Refusal, path: str, request_id: str) -> Reply:
    body = document(
        "Error",
        element("Code", refusal.code),
        element("Message", refusal.message),
        element("Resource", path),
        element("RequestId", request_id),
    )
    return Reply(refusal.status, (("Content-Type", "application/xml"), *refusal.headers), body)


S3 = Protocol(lambda _request: True, _located, _admitted, operation_for, _refused, "x-amz-request-id")
