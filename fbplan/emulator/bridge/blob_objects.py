"""Blobs: put whole or in blocks, read, deleted."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from functools import partial

from fbplan.emulator.bridge import holdings, pieces, uploads
from fbplan.emulator.bridge.blob_words import USERS, etag, facts, md5_of, shown
from fbplan.emulator.bridge.conditions import failed, names, range_of
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.holdings import Check, Reading
from fbplan.emulator.bridge.markup import leaves
from fbplan.emulator.bridge.node_request import NodeRequest
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.s3_objects import META, MOST_METADATA
from fbplan.emulator.bridge.uploads import Piece

MOST_BLOCKS = 50_000
KEPT = {
    "content-type": "x-ms-blob-content-type",
    "content-encoding": "x-ms-blob-content-encoding",
    "content-language": "x-ms-blob-content-language",
    "content-disposition": "x-ms-blob-content-disposition",
    "cache-control": "x-ms-blob-cache-control",
}
_DATED = ("if-modified-since", "if-unmodified-since")


def put_blob(errand: Errand) -> Reply:
    request = errand.request
    if request.header("x-ms-blob-type") != "BlockBlob":
        raise Refusal("NotImplemented", "Only block blobs are implemented.")
    stored = holdings.put(
        errand, _kept(request, fallback=request.header("content-type")), writable(request), request.length
    )
    pieces.end(errand, _blocks(errand))  # blocks that nobody committed end with a blob that is put whole
    return Reply(201, (*facts(stored), ("Content-MD5", md5_of(stored))))


def put_block(errand: Errand) -> Reply:
    request = errand.request
    upload_id = _blocks(errand)
    with errand.store.writing() as db:
        uploads.begin_as(db, upload_id, errand.place.container, errand.key, errand.now.timestamp())
    received = pieces.take(errand, upload_id, _number(request.query.get("blockid", "")), request.length)
    digest = base64.b64encode(bytes.fromhex(received.md5)).decode()
    return Reply(201, (("Content-MD5", digest),))


def put_block_list(errand: Errand) -> Reply:
    """Blocks become the blob in the order of the list; the rest are dropped."""
    request, upload_id = errand.request, _blocks(errand)
    try:
        wanted = leaves(errand.read_document(), "BlockList")
    except ValueError:
        raise Refusal("MalformedXML", "The XML of the request is not a BlockList.") from None
    with errand.store.reading() as db:
        known = {piece.number: piece for piece in uploads.pieces(db, upload_id)}
    parts = [_block(known, kind, block) for kind, block in wanted]
    if len(parts) > MOST_BLOCKS:
        raise Refusal("BlockListTooLong", f"A blob has at most {MOST_BLOCKS} blocks.", 400)
    # its own content type is that of the list
    stored = pieces.join(errand, parts, uploads.joined_etag(parts), _kept(request), writable(request))
    pieces.end(errand, upload_id)
    return Reply(201, facts(stored))


def _block(known: dict[int, Piece], kind: str, block: str) -> Piece:
    if kind not in {"Latest", "Uncommitted"} or _number(block) not in known:
        # those of the blob itself are joined when they are committed, and no blocks any more
        raise Refusal("InvalidBlockList", "A block of the list was not put, or is committed already.", 400)
    return known[_number(block)]


def _blocks(errand: Errand) -> str:
    """The upload that holds the blocks of a blob: there is one, begun by the first of them."""
    named = f"blocks of {errand.place.container} {errand.key}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def _number(block: str) -> int:
    """What a block is kept under."""
    try:
        raw = base64.b64decode(block, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not 0 < len(raw) <= 64:
        raise Refusal("InvalidArgument", "blockid is base64 of 64 bytes at most.")
    return int.from_bytes(hashlib.sha256(raw).digest()[:7], "big")


def get_blob(errand: Errand) -> Reply:
    request = errand.request
    header = "x-ms-range" if request.header("x-ms-range") else "range"
    return _shown(holdings.read(errand, _readable(request), partial(range_of, request, header=header)))


def head_blob(errand: Errand) -> Reply:
    return _shown(holdings.look(errand, _readable(errand.request)))


def _shown(reading: Reading) -> Reply:
    headers = (*shown(reading.stored, is_whole=reading.part is None), *reading.content_range)
    return Reply(reading.status, headers, reading.body or b"", reading.length)


def delete_blob(errand: Errand) -> Reply:
    if not holdings.delete(errand, errand.key, writable(errand.request)):
        raise Refusal("NoSuchKey", "The specified blob does not exist.")
    return Reply(202)


def writable(request: NodeRequest) -> Check:
    """What a write or a delete demands of what is there. Raises Refusal."""
    match, none_match = request.header("if-match"), request.header("if-none-match")
    if any(request.header(name) for name in _DATED):
        raise Refusal("NotImplemented", "Conditions on dates are not implemented.")

    def check(before: Stored | None) -> None:
        if before is not None and none_match.strip() == "*":
            raise Refusal("BlobAlreadyExists", "The specified blob already exists.", 409)
        if before is not None and none_match and names(none_match, etag(before)):
            raise failed()
        if match and (before is None or not names(match, etag(before))):
            raise failed()

    return check


def _readable(request: NodeRequest) -> Callable[[Stored], None]:
    match, none_match = request.header("if-match"), request.header("if-none-match")

    def check(stored: Stored) -> None:
        if match and not names(match, etag(stored)):
            raise failed()
        if none_match and names(none_match, etag(stored)):
            raise Refusal("NotModified", "Not Modified", headers=(("ETag", f'"{etag(stored)}"'),))

    return check


def _kept(request: NodeRequest, fallback: str = "") -> dict[str, str]:
    """What a blob gives back to its readers. Raises Refusal."""
    kept = {"content-type": fallback or "application/octet-stream"}
    kept |= {header: request.header(name) for header, name in KEPT.items() if request.header(name)}
    users = {name.removeprefix(USERS): value for name, value in request.headers.items() if name.startswith(USERS)}
    if sum(len(name) + len(value.encode()) for name, value in users.items()) > MOST_METADATA:
        raise Refusal("MetadataTooLarge", "The size of the specified metadata exceeds the maximum size permitted.")
    return kept | {META + name: value for name, value in users.items()}
