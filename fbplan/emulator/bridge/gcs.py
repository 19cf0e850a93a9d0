"""The JSON API of Google Cloud Storage: which operation a request asks for, and with what token.

POST /token                              a signed statement → a token
/storage/v1/b[/BUCKET[/o[/OBJECT]]]      buckets, listings, metadata, media with alt=media
/download/storage/v1/b/BUCKET/o/OBJECT   media
/upload/storage/v1/b/BUCKET/o            media, multipart, resumable
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from fbplan.emulator.bridge import gcs_objects, gcs_uploads
from fbplan.emulator.bridge.gcs_tokens import LIFE, bearer_of, stated_by, token_for
from fbplan.emulator.bridge.gcs_words import refused, told
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.protocol import Admitted, Operation, Protocol, Visitors
from fbplan.emulator.bridge.refusals import Refusal

TOKEN = "/token"  # noqa: S105 -- where tokens are given, not one
_PATH = re.compile(
    r"/(?:(?P<way>upload|download)/)?storage/v1/b(?:/(?P<bucket>[^/]+)(?P<listing>/o(?:/(?P<key>[^/]+))?)?)?/?"
)
_API = re.compile(r"/((upload|download)/)?storage/v1/")

OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("service", "GET"): Operation(gcs_objects.list_buckets),
    ("bucket", "GET"): Operation(gcs_objects.get_bucket),
    ("objects", "GET"): Operation(gcs_objects.list_objects),
    ("object", "GET"): Operation(gcs_objects.get_object),
    ("object", "DELETE"): Operation(gcs_objects.delete_object, writes=True),
    ("upload", "POST"): Operation(gcs_uploads.upload, writes=True),
    ("upload", "PUT"): Operation(gcs_uploads.proceed, writes=True),
}


def _speaks(request: NodeRequest) -> bool:
    if request.path != TOKEN and _API.match(request.path) is None:
        return False
    authorised = request.header("authorization")
    if authorised:
        return authorised[:7].lower() == "bearer "
    return not any(name.startswith("X-Amz-") for name in request.query)


def _located(request: NodeRequest) -> NodeRequest:
    # by the path as it was sent: the slashes of an object's name are encoded in it
    read = _PATH.fullmatch(request.raw_path)
    if read is None or read["bucket"] is None:
        return request
    return request.at(unquote(read["bucket"]), unquote(read["key"] or ""))


def _admitted(request: NodeRequest, visitors: Visitors, now: float) -> Admitted:
    if request.path == TOKEN:
        return Admitted(stated_by(request, visitors, now))
    if not request.header("authorization"):
        raise Refusal("InvalidAccessKeyId", "Login Required.")
    return Admitted(bearer_of(request, visitors, now))


def _operation_for(request: NodeRequest) -> Operation:
    if request.path == TOKEN:
        return Operation(lambda errand: told(_grant(token_for(errand.visitor, errand.clock))))
    read = _PATH.fullmatch(request.raw_path)
    if read is None:
        raise Refusal("NotImplemented", "This part of the JSON API is not implemented.")
    level = "object" if read["key"] else "objects" if read["listing"] else "bucket" if read["bucket"] else "service"
    if read["way"] == "upload":
        level = "upload"
    found = OPERATIONS.get((level, request.method))
    if found is None:
        raise Refusal("NotImplemented", f"{request.method} of this part of the JSON API is not implemented.")
    return found


def _grant(token: str) -> dict[str, object]:
    return {"access_token": token, "expires_in": LIFE, "token_type": "Bearer"}


GCS = Protocol(_speaks, _located, _admitted, _operation_for, refused, "x-guploader-uploadid")
