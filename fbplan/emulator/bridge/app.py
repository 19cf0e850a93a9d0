"""The WSGI application of the Bridge Node: the order in which a request meets faults, signature, rights and operation."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import IO, TYPE_CHECKING, cast

from fbplan.emulator.app import Emulator
from fbplan.emulator.bridge import traffic
from fbplan.emulator.bridge.access import Visitor, visitor_of
from fbplan.emulator.bridge.errand import Errand
from fbplan.emulator.bridge.faults import KINDS, Half, struck
from fbplan.emulator.bridge.node_request import NodeRequest, request_of
from fbplan.emulator.bridge.protocol import Protocol
from fbplan.emulator.bridge.protocols import S3, protocol_of
from fbplan.emulator.bridge.refusals import Refusal
from fbplan.emulator.bridge.replies import Reply
from fbplan.emulator.bridge.store import Store
from fbplan.emulator.faults import Fault, Script
from fbplan.emulator.request_log import RequestLog

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HEALTH = "/health"
_UNSENDABLE = dict.fromkeys((*range(32), 127))


class Bridge:
    """A WSGI callable over the attached buckets of an emulator, which closes it. Thread-safe; one per emulator.

    `clock` is what signatures are checked against: the machine's, and not the emulator's, which can be moved.
    """

    def __init__(
        self,
        emulator: Emulator,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.emulator = emulator
        self.log = RequestLog()
        self.script = Script()
        self.url = ""
        self._sleep, self._clock = sleep, clock
        with emulator.reading() as organisation:
            owner = organisation.meta("signing_key")
        self.store = Store(emulator.store.path.parent / "bridge", owner)
        emulator.bridge = self

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reply = self._answer(environ)
        headers = [(name, _wire(value)) for name, value in reply.headers]
        if reply.status not in {204, 304}:
            headers.append(("Content-Length", str(reply.content_length)))
        start_response(reply.line, headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            reply.close()
            return []
        return [reply.body] if isinstance(reply.body, bytes) else reply.body

    def _answer(self, environ: WSGIEnvironment) -> Reply:
        """The answer to a request. Raises ConnectionResetError for a cut."""
        request_id = secrets.token_hex(8).upper()
        path = environ.get("PATH_INFO", "/")
        shown = path.encode("latin-1", "replace").decode("utf-8", "replace")
        entry: dict[str, object] = {}
        protocol = S3
        try:
            request = request_of(environ)
            protocol = protocol_of(request)
            if self.emulator.settings.bridge_status == "OFFLINE":
                raise Refusal("ServiceUnavailable", "The node is OFFLINE.")
            if path == HEALTH:
                return Reply(200, (("Content-Type", "application/json"),), b'{"status":"ok"}')
            request = protocol.locate(request)
            entry = self._logged(request)
            reply = self._respond(protocol, request, entry)
        except Refusal as refusal:
            reply = protocol.refused(refusal, shown, request_id)
            entry["code"] = refusal.code
        except ConnectionResetError:
            raise
        except OSError as fault:  # the disk is full, or the folder was emptied under a request
            failed = Refusal("InternalError", f"We encountered an internal error: {fault.strerror}")
            reply, entry["code"] = protocol.refused(failed, shown, request_id), failed.code
        entry["status"] = reply.status
        return replace(reply, headers=((protocol.id_header, request_id), *reply.headers))

    def _logged(self, request: NodeRequest) -> dict[str, object]:
        query = {name: value for name, value in request.query.items() if not name.startswith("X-Amz-")}
        return self.log.open(request.method, request.path, query, b"")

    def _respond(self, protocol: Protocol, request: NodeRequest, entry: dict[str, object]) -> Reply:
        if self.emulator.settings.bridge_latency_ms:
            self._sleep(self.emulator.settings.bridge_latency_ms / 1000)
        fault = self.script.claim(request.method, request.path)
        if fault is None:
            return self._operate(protocol, request, entry)
        entry["fault"] = fault.fault
        stricken = self._stricken(request, fault)
        return struck(fault, lambda: self._operate(protocol, stricken, entry), self.emulator.store.now, self._sleep)

    def _stricken(self, request: NodeRequest, fault: Fault) -> NodeRequest:
        if not KINDS[fault.fault].halves_body:
            return request
        half = int(request.header("content-length") or 0) // 2
        return replace(request, body=cast("IO[bytes]", Half(request.body, half)))

    def _operate(self, protocol: Protocol, request: NodeRequest, entry: dict[str, object]) -> Reply:
        settings = self.emulator.settings

        def visitors(key: str) -> Visitor:
            with self.emulator.reading() as organisation:
                visitor = visitor_of(organisation, settings, key)
            entry["key"] = key
            return visitor

        clock = self._clock()
        admitted = protocol.admit(request, visitors, clock)
        operation = protocol.operation_for(request)
        if operation.writes:
            admitted.visitor.demand_write()
        now, largest = self.emulator.store.now(), settings.bridge_max_object
        return operation.handler(
            Errand(request, admitted.visitor, admitted.payload, admitted.seal, self.store, largest, now, clock)
        )

    def publish(self) -> None:
        """Let the statistics have what their lag no longer holds back. The emulator calls it before it answers."""
        until = self.emulator.store.now() - timedelta(seconds=self.emulator.settings.bridge_stats_lag)
        if traffic.is_due(self.store, until.timestamp()):
            with self.emulator.changing() as organisation:
                traffic.publish(self.store, organisation.db, until.timestamp())
            traffic.settle(self.store, self.emulator.store.db)

    def wipe(self) -> None:
        """Back to empty buckets, when the organisation begins anew."""
        self.script.clear()
        self.log.clear()
        self.store.wipe(self.emulator.store.meta("signing_key"))

    def close(self) -> None:
        self.store.close()


def _wire(value: str) -> str:
    """A header value that can be sent: queries and registrations may hold line breaks and any script."""
    return value.translate(_UNSENDABLE).encode("latin-1", "replace").decode("latin-1")
