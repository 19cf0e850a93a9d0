"""The WSGI application: routing, the caller, the order of faults and commits, and the error envelopes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from fbplan.emulator import control, seeding
from fbplan.emulator.accounts import NOBODY, caller_of, known_account
from fbplan.emulator.answers import Answer, Form, Rejected
from fbplan.emulator.call import Call, Caller, Operation
from fbplan.emulator.documents import parse
from fbplan.emulator.faults import KINDS, Fault, Run, Script, fault_from
from fbplan.emulator.operations import OPERATIONS
from fbplan.emulator.request_log import RequestLog
from fbplan.emulator.settings import Settings
from fbplan.emulator.store import Store
from fbplan.emulator.strict import contract
from fbplan.emulator.watch import Watch
from fbplan.errors import FbplanError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from fbplan.emulator.bridge.app import Bridge

LARGEST_BODY = 16 * 1024 * 1024


@cache
def _routes() -> Map:
    """The routing table, compiled once a process: it costs more than the rest of opening a folder."""
    rules = [Rule(operation.path, methods=[operation.method], endpoint=operation) for operation in OPERATIONS]
    return Map(rules, strict_slashes=False, merge_slashes=False, redirect_defaults=False)


class Emulator:
    """A WSGI callable over one data folder. Thread-safe; one per folder and machine."""

    def __init__(self, folder: Path, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self.settings = settings
        self.log = RequestLog()
        self.script = Script([fault_from(fault) for fault in settings.faults])
        self._watch: Watch | None = None
        self.bridge: Bridge | None = None  # the data plane, when one is open
        self._sleep = sleep
        self._lock = threading.RLock()
        self._routes = _routes().bind("emulator")
        if settings.strict:
            contract()  # what it needs is missing now, or never
        self.store = Store(folder, settings.id_seed)
        if self.store.is_fresh:
            try:
                self._furnish()
            except FbplanError:
                self.store.discard()
                raise

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = LARGEST_BODY
        answer = self._answer(request)
        response = Response(answer.payload, answer.status, answer.headers, content_type=answer.content_type)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Answer:
        """The answer to a request, struck by a fault if one is due. Raises ConnectionResetError for a cut."""
        try:
            raw = request.get_data()
        except HTTPException as refusal:  # too large, or shorter than announced
            return Rejected(refusal.code or 400, refusal.name).answer(Form.MESSAGE)
        if request.path.startswith(control.PREFIX):
            return control.respond(self, request)
        entry = self.log.open(request.method, request.path, request.args, raw)
        fault = self.script.claim(request.method, request.path)
        if fault is None:
            answer = self._operate(request, raw, is_stale=False)
        else:
            entry["fault"] = fault.fault
            answer = self._struck(fault, request, raw)
        entry["status"] = answer.status
        return answer

    def _struck(self, fault: Fault, request: Request, raw: bytes) -> Answer:
        kind = KINDS[fault.fault]
        before = None if kind.run is Run.NOT else self._operate(request, raw, is_stale=kind.run is Run.STALE)
        replied = kind.reply(fault, before, self.store.now(), self._sleep)
        return replied or self._operate(request, raw, is_stale=False)

    def _operate(self, request: Request, raw: bytes, *, is_stale: bool) -> Answer:
        form = Form.MESSAGE
        try:
            operation, parameters = self._match(request.path, request.method)
            form = operation.form
            with self._lock:
                if self.bridge is not None:
                    self.bridge.publish()
                caller = NOBODY
                if not operation.is_public:
                    authorization = request.headers.get("Authorization", "")
                    caller = caller_of(authorization, self.store, self.settings, self.store.now())
                document = parse(raw)
                if self.settings.strict:
                    contract().check(operation, request.args, document)
                agent = request.headers.get("User-Agent", "")
                return self._carry_out(operation, parameters, caller, request.args, document, agent, is_stale=is_stale)
        except Rejected as rejection:
            return rejection.answer(form)

    def _match(self, path: str, method: str) -> tuple[Operation, Mapping[str, str]]:
        try:
            operation, parameters = self._routes.match(path, method)
        except MethodNotAllowed:
            raise Rejected(405, "Method not allowed") from None
        except HTTPException:
            raise Rejected(404, "Not found") from None
        return operation, parameters

    def _carry_out(
        self,
        operation: Operation,
        parameters: Mapping[str, str],
        caller: Caller,
        query: Mapping[str, str],
        document: object,
        agent: str = "",
        *,
        is_stale: bool = False,
    ) -> Answer:
        now, db = self.store.now(), self.store.db
        if operation.writes:
            if self._watch is not None:
                body = document if isinstance(document, dict) else {}
                if self.settings.put_repository == "full":
                    body = {"repoBuckets": [], **body}
                self._watch.before_write(db, f"{operation.method} {operation.path}", parameters, body, agent)
            with self.changing():
                return operation.handler(
                    Call(self.store, db, self.settings, caller, query, document, now), **parameters
                )
        if is_stale:
            db = self.store.before_last_write()
        elif self.settings.list_delay:
            db = self.store.as_of(now - timedelta(seconds=self.settings.list_delay))
        return operation.handler(Call(self.store, db, self.settings, caller, query, document, now), **parameters)

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The store, while nobody changes it."""
        with self._lock:
            yield self.store

    @contextmanager
    def changing(self) -> Iterator[Store]:
        """The store inside one transaction."""
        with self._lock, self.store.writing(timedelta(seconds=self.settings.list_delay)):
            yield self.store

    def _furnish(self) -> None:
        """What the scenario says a fresh folder holds: accounts, then seeded objects."""
        owner = Caller(self.store.meta("owner_id"), 255)
        with self.changing():
            call = Call(self.store, self.store.db, self.settings, owner, {}, None, self.store.now())
            for user in self.settings.users:
                known_account(call, user.email, user.name, user.org_role)

        def post(path: str, body: Mapping[str, object]) -> Answer:
            operation, parameters = self._match(path, "POST")
            try:
                return self._carry_out(operation, parameters, owner, {}, body)
            except Rejected as rejection:
                return rejection.answer(operation.form)

        workspace = str(self.store.db.execute("SELECT id FROM workspace").fetchone()[0])
        seeding.plant(self.settings.seed, workspace, post)
        self.store.settle()

    def watch(self, policy: Path | None) -> None:
        """From now on look at the policy file at this path before each write; None stops it."""
        with self._lock:
            self._watch = Watch(policy) if policy is not None else None

    def violations(self) -> list[dict[str, object]]:
        """What was removed while the watched policy named it, and what that named in vain; [] without a watch."""
        with self._lock:
            return self._watch.violations(self.store.db) if self._watch is not None else []

    def reset(self) -> None:
        """Back to a fresh folder: objects, faults, log, watch and clock."""
        with self._lock:
            self.store.wipe()
            self.script.clear()
            self.log.clear()
            self._watch = None
            self._furnish()
            if self.bridge is not None:
                self.bridge.wipe()

    def close(self) -> None:
        """Let go of the folder. The emulator cannot be called afterwards."""
        with self._lock:
            if self.bridge is not None:
                self.bridge.close()
            self.store.close()
