"""`/_emulator/bridge/*`, on the management port: credit limits, the fault script and the log of the data plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Request

from fbplan.emulator.answers import Answer, Rejected
from fbplan.emulator.bridge import credit
from fbplan.emulator.bridge.faults import KINDS
from fbplan.emulator.documents import mapping, parse
from fbplan.emulator.faults import faults_in
from fbplan.emulator.usage import find_live

if TYPE_CHECKING:
    from fbplan.emulator.bridge.app import Bridge


def respond(bridge: Bridge, request: Request, path: str) -> Answer:
    """Answer a control request. Raises Rejected."""
    match (request.method, path):
        case ("GET", "/credit"):
            return _limits(bridge)
        case ("POST", "/credit"):
            return _set_limits(bridge, parse(request.get_data()))
        case ("GET", "/faults"):
            return Answer({"faults": bridge.script.read()})
        case ("POST", "/faults"):
            bridge.script.install(faults_in(parse(request.get_data()), KINDS))
            return Answer({"faults": bridge.script.read()})
        case ("DELETE", "/faults"):
            bridge.script.clear()
            return Answer({"faults": []})
        case ("GET", "/requests"):
            return Answer({"requests": bridge.log.read(0)})
        case ("DELETE", "/requests"):
            bridge.log.clear()
            return Answer({"requests": []})
        case (_, "/credit" | "/faults" | "/requests"):
            raise Rejected(405, "Method not allowed")
        case _:
            raise Rejected(404, "Not found")


def _limits(bridge: Bridge) -> Answer:
    with bridge.store.reading() as db:
        return Answer({"credit": credit.read_limits(db, bridge.emulator.store.now())})


def _set_limits(bridge: Bridge, document: object) -> Answer:
    """One limit `{bucket, meter, limit, status, period}`, or a list of them."""
    listed = document if isinstance(document, list) else [document]
    with bridge.emulator.reading() as organisation:
        wanted = [(find_live(organisation.db, "bucket", _bucket(entry)), entry) for entry in listed]
    with bridge.store.writing() as db:
        for bucket_id, entry in wanted:
            credit.set_limit(db, bucket_id, entry)
    return _limits(bridge)


def _bucket(entry: object) -> object:
    body = mapping(entry)
    return body.get("bucketId", body.get("bucket"))
