"""Objects that go up in parts: `Router.uploads`. Whole ones, and the single steps of an upload that others drive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from fbplan.runtime import sending
from fbplan.runtime.core import Content, Core, Placement
from fbplan.runtime.faults import RoutingError, fault_of
from fbplan.runtime.flight import Flight
from fbplan.runtime.record import write_record
from fbplan.runtime.reference import required
from fbplan.runtime.script import Call, Script
from fbplan.runtime.transport import Place, Stored, place_of
from fbplan.runtime.upload import Upload
from fbplan.runtime.view import Request
from fbplan.runtime.whole import Manner, whole

_T = TypeVar("_T")
_NONE: Mapping[str, Any] = MappingProxyType({})


class Run(Protocol):
    """How a router runs a script."""

    def __call__(self, script: Script[_T], /) -> _T: ...


class Uploads:
    """Raises what `Router.put` raises, and RoutingError where the transport sends no parts.

    An upload stays in the bucket in which it began. Its parts are counted like any bytes, and refused with ReadOnly
    when the bucket is closed by its hard cap.
    """

    def __init__(self, core: Core, run: Run, refresh: Callable[[], object]) -> None:
        """For `Router`."""
        self._core = core
        self._run = run
        self._refresh = refresh

    def put(self, key: str, body: Content, *, size: int | None = None, manner: Manner | None = None) -> Placement:
        """Write an object in parts. Another bucket is tried until the first part is through; later nothing is left of
        an upload that fails. A stream that cannot seek may be of any length; its `size` need not be known.
        """
        required(key)
        self._refresh()
        return self._run(whole(self._core, key, body, size, manner or Manner()))

    def begin(self, key: str, *, overwrite: bool = False, options: Mapping[str, Any] = _NONE) -> tuple[Upload, Any]:
        """An upload where the policy wants it, and the SDK's own answer. `str(upload)` serves any process."""
        required(key)
        self._refresh()
        return self._run(self._begun(key, options, overwrite=overwrite))

    def part(
        self,
        upload: Upload,
        key: str,
        number: int,
        body: Content,
        *,
        size: int | None = None,
        options: Mapping[str, Any] = _NONE,
    ) -> Stored:
        """Send a part, or send it again."""
        self._refresh()
        self._place(upload, key)
        held = self._core.body(body, size)
        part = sending.Part(key, upload, number, held.size, held.opened, options, held.is_repeatable)
        flight = self._core.begin(Request(held.size, held.is_repeatable, upload.bucket))
        landed = self._run(sending.sending(self._core, flight, part))
        self._told(landed.flight, "part")
        return landed.stored

    def complete(
        self,
        upload: Upload,
        key: str,
        parts: Sequence[Mapping[str, Any]],
        *,
        overwrite: bool = False,
        options: Mapping[str, Any] = _NONE,
    ) -> Placement:
        """Join the parts, `{"PartNumber": …, "ETag": …}` each. It may be asked for again when its answer got lost."""
        self._refresh()
        self._place(upload, key)
        core = self._core
        flight = core.step(sending.ending(core.view(), core.now_ms(), upload))
        end = sending.End(key, upload, parts, not overwrite, options)
        landed = self._run(sending.completing(core, flight, end))
        return core.placed(key, landed.stored, {**write_record(landed.flight), "upload": "completed"})

    def abort(self, upload: Upload, key: str) -> None:
        """Drop the upload and its parts. What the store refuses is raised as TransportFailure."""
        place, timeout_ms = self._place(upload, key)
        self._run(_asked(sending.abort(place, key, upload, timeout_ms)))

    def parts(self, upload: Upload, key: str, *, options: Mapping[str, Any] = _NONE) -> Mapping[str, Any]:
        """The parts that are there, as the SDK lists them. What the store refuses is raised as TransportFailure."""
        place, timeout_ms = self._place(upload, key)
        arguments = {"upload": upload.id, "timeout_ms": timeout_ms, "options": options}
        found: Mapping[str, Any] = self._run(_asked(Call("list_parts", place, key, arguments)))
        return found

    def _begun(self, key: str, options: Mapping[str, Any], *, overwrite: bool) -> Script[tuple[Upload, Any]]:
        core = self._core
        only = (yield from core.holder(key)) if overwrite else None
        seq = str(core.next_seq())
        start = sending.Start(key, seq, {"fbseq": seq}, not overwrite, options, _NONE)
        landed = yield from sending.beginning(core, core.begin(Request(0, only=only)), start)
        self._told(landed.flight, "begun")
        upload, begun = landed.stored.answer
        return upload, begun.answer

    def _told(self, flight: Flight, step: str) -> None:
        """Report one step of an upload. Raises WriteFailed for one that was not made."""
        record = {**write_record(flight), "upload": step}
        self._core.report(record)
        if record["outcome"] != "stored":
            raise fault_of(record)

    def _place(self, upload: Upload, key: str) -> tuple[Place, int]:
        required(key)
        view = self._core.view()
        if upload.bucket not in view.repository.attached:
            raise RoutingError(f"the upload is in bucket '{upload.bucket}', which '{view.repository.name}' has no more")
        return place_of(view.policy, view.repository, upload.bucket), view.repository.per_try_ms


def _asked(call: Call) -> Script[Any]:
    came = yield call
    if came.failure is not None:
        raise came.failure
    return came.value
