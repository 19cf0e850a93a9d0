"""`/_emulator/*`: what a test or a rehearsal needs and the vendor's API does not have. No token is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request

from fbplan.emulator.answers import Answer, Form, Rejected
from fbplan.emulator.call import iso
from fbplan.emulator.documents import mapping, parse
from fbplan.emulator.faults import faults_in
from fbplan.emulator.settings import Settings, switches
from fbplan.emulator.strict import contract
from fbplan.emulator.usage import record_usage, set_state
from fbplan.errors import FbplanError

if TYPE_CHECKING:
    from fbplan.emulator.app import Emulator

PREFIX = "/_emulator"
BRIDGE = f"{PREFIX}/bridge"


def _health(emulator: Emulator, _request: Request) -> Answer:
    return Answer({"status": "ok", "now": iso(emulator.store.now())})


def _requests(emulator: Emulator, request: Request) -> Answer:
    after = request.args.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 16):
        raise Rejected(400, "after must be a sequence number")
    return Answer({"requests": emulator.log.read(int(after))})


def _clear_requests(emulator: Emulator, _request: Request) -> Answer:
    emulator.log.clear()
    return Answer({"requests": []})


def _faults(emulator: Emulator, _request: Request) -> Answer:
    return Answer({"faults": emulator.script.read()})


def _install_faults(emulator: Emulator, request: Request) -> Answer:
    emulator.script.install(faults_in(parse(request.get_data())))
    return _faults(emulator, request)


def _clear_faults(emulator: Emulator, request: Request) -> Answer:
    emulator.script.clear()
    return _faults(emulator, request)


def _usage(emulator: Emulator, request: Request) -> Answer:
    with emulator.changing() as store:
        return Answer({"rows": record_usage(store, parse(request.get_data()))})


def _state(emulator: Emulator, request: Request) -> Answer:
    with emulator.changing() as store:
        set_state(store, parse(request.get_data()))
    return Answer({"success": True})


def _clock(emulator: Emulator, request: Request) -> Answer:
    if request.method == "POST":
        advance = mapping(parse(request.get_data())).get("advance")
        if not isinstance(advance, int | float) or isinstance(advance, bool) or not abs(advance) < 10**11:
            raise Rejected(400, "send {advance: seconds}")
        try:
            with emulator.changing() as store:
                store.move_clock(advance)
        except OverflowError:
            raise Rejected(400, "the clock cannot leave the calendar") from None
    return Answer({"now": iso(emulator.store.now())})


def _settings(emulator: Emulator, request: Request) -> Answer:
    if request.method == "POST":
        try:
            changed = emulator.settings.with_values(mapping(parse(request.get_data())))
            if changed.strict:
                contract()
            emulator.settings = changed
        except FbplanError as fault:
            raise Rejected(400, f"{fault}: {fault.next}") from fault
    names = {switch.name for switch in switches()}
    return Answer(
        {
            declared.name: getattr(emulator.settings, declared.name)
            for declared in fields(Settings)
            if declared.name in names
        }
    )


def _start_watch(emulator: Emulator, request: Request) -> Answer:
    path = mapping(parse(request.get_data())).get("policy")
    if not isinstance(path, str) or not path or "\0" in path:
        raise Rejected(400, "send {policy: path of the published policy file}")
    emulator.watch(Path(path).absolute())
    return _violations(emulator, request)


def _stop_watch(emulator: Emulator, request: Request) -> Answer:
    emulator.watch(None)
    return _violations(emulator, request)


def _violations(emulator: Emulator, _request: Request) -> Answer:
    return Answer({"violations": emulator.violations()})


def _reset(emulator: Emulator, _request: Request) -> Answer:
    emulator.reset()
    return Answer({"success": True})


def _bridge(emulator: Emulator, request: Request) -> Answer:
    if emulator.bridge is None:
        raise Rejected(400, "no Bridge Node is open; start the emulator with --bridge-port")
    from fbplan.emulator.bridge.control import respond as respond_for_bridge

    return respond_for_bridge(emulator.bridge, request, request.path.removeprefix(BRIDGE))


_ROUTES: tuple[tuple[str, str, Callable[[Emulator, Request], Answer]], ...] = (
    ("GET", "/health", _health),
    ("GET", "/requests", _requests),
    ("POST", "/requests", _clear_requests),
    ("DELETE", "/requests", _clear_requests),
    ("GET", "/faults", _faults),
    ("POST", "/faults", _install_faults),
    ("DELETE", "/faults", _clear_faults),
    ("POST", "/usage", _usage),
    ("POST", "/state", _state),
    ("GET", "/clock", _clock),
    ("POST", "/clock", _clock),
    ("GET", "/settings", _settings),
    ("POST", "/settings", _settings),
    ("POST", "/watch", _start_watch),
    ("DELETE", "/watch", _stop_watch),
    ("GET", "/violations", _violations),
    ("POST", "/reset", _reset),
)
_MAP = Map(
    [Rule(PREFIX + path, methods=[method], endpoint=handler) for method, path, handler in _ROUTES], strict_slashes=False
)


def respond(emulator: Emulator, request: Request) -> Answer:
    """Answer a control request."""
    try:
        if request.path.startswith(f"{BRIDGE}/"):
            return _bridge(emulator, request)
        handler, _ = _MAP.bind("emulator").match(request.path, request.method)
        answer: Answer = handler(emulator, request)
    except MethodNotAllowed:
        return Rejected(405, "Method not allowed").answer(Form.MESSAGE)
    except HTTPException:
        return Rejected(404, "Not found").answer(Form.MESSAGE)
    except Rejected as rejection:
        return rejection.answer(Form.MESSAGE)
    return answer
