"""Objects that come in several requests, in no protocol's terms: take a piece, join the pieces, forget an upload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fbplan.emulator.bridge import objects, traffic, uploads
from fbplan.emulator.bridge.checksums import PREFIX, encoded, fresh
from fbplan.emulator.bridge.credit import charge
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.holdings import Check, commit
from fbplan.emulator.bridge.objects import Stored
from fbplan.emulator.bridge.payload import Received
from fbplan.emulator.bridge.replies import PIECE
from fbplan.emulator.bridge.uploads import Piece


def begin(errand: Errand, headers: Mapping[str, str], check: Check = lambda _stored: None) -> str:
    """Begin an upload of the object; returns its id. Raises Refusal."""
    place = errand.place
    with errand.store.writing() as db:
        check(objects.find(db, place.container, errand.key))
        charge(db, place.bucket_id, errand.now, up=1, growth=1)  # a full bucket says so before the first piece
        return uploads.begin(db, place.container, errand.key, headers, errand.now.timestamp())


def take(errand: Errand, upload_id: str, number: int, least: int) -> Received:
    """Keep the body of the request as a piece. It counts as uploaded, whatever becomes of the upload. Raises Refusal."""
    place = errand.place
    with errand.store.reading() as db:
        uploads.headers_of(db, upload_id, place.container, errand.key)
        charge(db, place.bucket_id, errand.now, up=least, growth=least)
    with errand.store.incoming() as coming:
        received = errand.receive(coming.file)
        with errand.store.writing() as db:
            uploads.headers_of(db, upload_id, place.container, errand.key)
            charge(db, place.bucket_id, errand.now, up=received.size, growth=received.size)
            coming.keep()
            piece = Piece(number, coming.name, received.size, received.md5, errand.now.timestamp())
            replaced = uploads.add(db, upload_id, piece)
            traffic.note(db, errand.now, place.bucket_id, errand.visitor.repo_id, up=received.size)
    errand.store.drop(*replaced)
    return received


def join(errand: Errand, parts: Sequence[Piece], etag: str | None, headers: Mapping[str, str], check: Check) -> Stored:
    """Make pieces, in this order, the object; they were counted when they came. Without an `etag` it is the MD5 of the
    whole. Raises Refusal.
    """
    digests = {name: fresh(name) for name in (*errand.digests, *(() if etag else ("md5",)))}
    with errand.store.incoming() as coming:
        for piece in parts:
            with errand.store.open(piece.file) as file:
                while read := file.read(PIECE):
                    coming.file.write(read)
                    for digest in digests.values():
                        digest.update(read)
        size = sum(piece.size for piece in parts)
        checksums = {PREFIX + name: encoded(digests[name]) for name in errand.digests}
        etag = etag or digests["md5"].digest().hex()
        stored = Stored(coming.name, size, etag, errand.now.timestamp(), headers, checksums)
        commit(errand, stored, coming, check, up=0)
    return stored


def end(errand: Errand, upload_id: str) -> None:
    """Forget an upload and what came for it."""
    with errand.store.writing() as db:
        files = uploads.end(db, upload_id)
    errand.store.drop(*files)
