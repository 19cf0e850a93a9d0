"""Answers that hold what no file and no terminal takes: an apply ends in a report, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rig import Rig

from fbplan.errors import AuthenticationFailed, ExitCode
from fbplan.outcome import Report
from fbplan.plan import Plan
from fbplan.render.human import plan_text
from fbplan.render.report import report_text

SPEC = """\
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
repositories:
  app: {storage_type: S3, buckets: [{bucket: a}], api_keys: {w: {access: WRITE, sink: {file: w.env}}}}
"""
HALF = rb"\ud800"
Change = Callable[[str, str, bytes], bytes]


class Odd:
    """The emulator, whose answers are changed on their way; `told` keeps the status as it was."""

    def __init__(self, rig: Rig, change: Change, status: str = "") -> None:
        self._app, self._change, self._status = rig.app, change, status
        rig.app = self  # type: ignore[assignment]  # the session asks for it with each call

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        begun: list[Any] = []
        body = b"".join(self._app(environ, lambda status, headers, *_: begun.append((status, headers))))
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        changed = self._change(method, path, body)
        status, headers = begun[0]
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(self._status if self._status and changed != body else status, kept)
        return [changed]

    def off(self, rig: Rig) -> None:
        rig.app = self._app


def applied(rig: Rig) -> tuple[Plan, Report]:
    rig.recover()
    planned = rig.planned()
    return planned.plan, rig.execute(planned)


def is_converged(rig: Rig) -> None:
    assert rig.apply().exit_code is ExitCode.OK
    assert not rig.plan().has_changes, plan_text(rig.plan())
    newest = max(rig.keys("app").values(), key=lambda key: key["name"])
    assert f"FB_KEY_ID={newest['key']}\n" in (rig.folder / "w.env").read_text()


@pytest.mark.parametrize(
    ("path", "field"), [("/bucket", b'"bucketId":"'), ("/repo", b'"repoId":"'), ("/apikey", b'"id":"'), ("/apikey", b'"key":"'), ("/apikey", b'"secret":"')]
)  # fmt: skip
def test_L4_half_a_character_in_the_answer_to_a_create_costs_nothing_but_another_run(
    rig: Rig, path: str, field: bytes
) -> None:
    rig.spec(SPEC)

    def change(method: str, asked: str, body: bytes) -> bytes:
        tight = body.replace(b'": "', b'":"')
        return tight.replace(field, field + HALF) if method == "POST" and asked.endswith(path) else body

    odd = Odd(rig, change)
    applied(rig)
    odd.off(rig)

    is_converged(rig)
    assert set(rig.keys("app")) == {"w"}, "a key whose secret nobody has is gone"


def test_half_a_character_in_what_is_listed_stops_nothing(rig: Rig) -> None:
    rig.spec(SPEC)
    foreign = b'{"id":"' + HALF + b'x","name":"' + HALF + b'","bucket":"o","storageType":"S3","region":"r"}'
    odd = Odd(
        rig,
        lambda method, path, body: (
            body.replace(b'"buckets": [', b'"buckets": [' + foreign + b",").replace(b",]", b"]")
            if (method, path) == ("GET", "/bucket")
            else body
        ),
    )
    assert applied(rig)[1].exit_code is ExitCode.OK
    odd.off(rig)
    is_converged(rig)


def test_what_the_api_says_breaks_no_line_and_moves_no_cursor(rig: Rig) -> None:
    rig.spec(SPEC)
    words = rb'{"success": false, "message": "no \u001b[31mred\u0007\r\n::error::x"}'
    odd = Odd(
        rig, lambda method, path, body: words if (method, path) == ("POST", "/bucket") else body, "400 Bad Request"
    )
    plan, report = applied(rig)
    odd.off(rig)
    assert "the API refused (400): 'no  [31mred ::error::x'" in report_text(report, plan, 0)


def test_why_the_rest_was_not_started_comes_with_its_way_out(rig: Rig) -> None:
    rig.spec(SPEC)
    assert rig.apply().exit_code is ExitCode.OK
    rig.spec(
        SPEC.replace("region: r,", "region: r2,").replace(", api_keys: {w: {access: WRITE, sink: {file: w.env}}}", "")
    )
    rig.observer = lambda *_: rig.fault(fault="token-expired", method="GET", times=99)
    plan, report = applied(rig)
    rig.observer = None
    rig.http("DELETE", "/_emulator/faults")

    assert isinstance(report.halted, AuthenticationFailed)
    assert report.exit_code is ExitCode.PARTIAL
    assert f"  next: {report.halted.next}\n" in report_text(report, plan, 0)
