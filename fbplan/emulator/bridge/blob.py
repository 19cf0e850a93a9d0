"""Azure Blob Storage: which operation a request asks for, by method, level and `comp`.

Containers stand at the root of the node, or below the account's name; `ACCOUNT.blob-…` hosts are the node too.
"""

from __future__ import annotations

from collections.abc import Mapping

from fbplan.emulator.bridge import blob_listing, blob_objects
from fbplan.emulator.bridge.blob_words import refused
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.protocol import Admitted, Operation, Protocol, Visitors
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.shared_key import SCHEME, signer_of

SOURCE = "x-ms-copy-source"

OPERATIONS: Mapping[tuple[str, str, str], Operation] = {
    ("service", "GET", "list"): Operation(blob_listing.list_containers),
    ("container", "GET", "list"): Operation(blob_listing.list_blobs),
    ("container", "GET", ""): Operation(blob_listing.container_properties),
    ("container", "HEAD", ""): Operation(blob_listing.container_properties),
    ("blob", "PUT", ""): Operation(blob_objects.put_blob, writes=True),
    ("blob", "PUT", "block"): Operation(blob_objects.put_block, writes=True),
    ("blob", "PUT", "blocklist"): Operation(blob_objects.put_block_list, writes=True),
    ("blob", "GET", ""): Operation(blob_objects.get_blob),
    ("blob", "HEAD", ""): Operation(blob_objects.head_blob),
    ("blob", "DELETE", ""): Operation(blob_objects.delete_blob, writes=True),
}


def _speaks(request: NodeRequest) -> bool:
    is_shared = "sig" in request.query and "sv" in request.query
    return is_shared or request.header("authorization").startswith(SCHEME) or bool(request.header("x-ms-version"))


def _located(request: NodeRequest) -> NodeRequest:
    account = request.header("authorization").removeprefix(SCHEME).partition(":")[0]
    path = request.path[1:]
    if account and path.partition("/")[0] == account:
        path = path.partition("/")[2]
    container, _, blob = path.partition("/")
    return request.at(container, blob)


def _admitted(request: NodeRequest, visitors: Visitors, now: float) -> Admitted:
    return Admitted(signer_of(request, visitors, now))


def _operation_for(request: NodeRequest) -> Operation:
    level = "blob" if request.key else "container" if request.bucket else "service"
    comp = request.query.get("comp", "")
    found = OPERATIONS.get((level, request.method, comp))
    if found is None or request.header(SOURCE):
        raise Refusal("NotImplemented", f"{request.method} of a {level}, comp={comp or 'none'}, is not implemented.")
    return found


BLOB = Protocol(_speaks, _located, _admitted, _operation_for, refused, "x-ms-request-id")
