"""Vectors that are tables: a question and its answer on each line."""

from __future__ import annotations

import json
from typing import Any

from runtime_world import T0, policy_document, usage_document

from fbplan.runtime.accept import next_policy, next_usage
from fbplan.runtime.canonical import sealed
from fbplan.runtime.classes import classify
from fbplan.runtime.form import Unusable
from fbplan.runtime.grants import Grant, Terms, share_out
from fbplan.runtime.hysteresis import turn
from fbplan.runtime.reference import NotAReference, Reference
from fbplan.runtime.times import stamp_ms, stamp_of


def tables() -> list[dict[str, Any]]:
    return [
        _table("classes", "the class of an answer by status and code", _classes()),
        _table("turns", "a writer's place in a ramp, in ppm", _turns()),
        _table("references", "placement references, and text that is none", _references()),
        _table("times", "RFC 3339 to milliseconds, and back", _times()),
        _table("grants", "what a poller grants", _grants()),
        _table("files", "files one after another: taken, or refused and why", _files()),
    ]


def _table(name: str, told: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    return {"format": "fbplan.vectors/1", "kind": name, "name": name, "told": told, "rules": [], "lines": lines}


def _classes() -> list[dict[str, Any]]:
    codes = (
        "", "QUOTA_EXCEEDED", "QuotaExceeded", "InsufficientStorage", "AccessDenied", "InvalidAccessKeyId",
        "SignatureDoesNotMatch", "AuthenticationFailed", "SlowDown", "ServerBusy", "TooManyRequests",
        "RequestTimeTooSkewed", "RequestTimeout", "InternalError", "quota_exceeded",
        "AuthorizationFailure", "AuthorizationPermissionMismatch", "InsufficientAccountPermissions", "forbidden",
    )  # fmt: skip
    statuses = (0, 301, 400, 401, 403, 404, 405, 408, 409, 411, 412, 413, 429, 500, 502, 503, 504, 507)
    return [{"status": s, "code": c, "class": classify(s, c)} for s in statuses for c in codes]


def _turns() -> list[dict[str, Any]]:
    asked = [("w1", "a", 1), ("w1", "a", 2), ("w2", "a", 1), ("ü", "app-logs-gcp", 81_234), ("", "b", 0)]
    return [{"writer": w, "bucket": b, "seq": s, "ppm": turn(w, b, s)} for w, b, s in asked]


def _references() -> list[dict[str, Any]]:
    good = [
        Reference("app-data", "app-logs-gcp", "a/b c.txt", '"5d41"'),
        Reference("r", "b", "ü~-._*'()!;v=1", None),
        Reference("r", "b", "%41\n\u2028😀", "x"),
    ]
    lines = [
        {"text": str(r), "repository": r.repository, "bucket": r.bucket, "key": r.key, "etag": r.etag} for r in good
    ]
    bad = ["", "fbref2:r/b/k", "fbref1:r/b/", "fbref1:r/b/a/b", "fbref1:r/b/%zz", "fbref1:r/b/%ff", "fbref1:r/b/k;v="]
    for text in bad:
        try:
            Reference.parse(text)
        except NotAReference:
            lines.append({"text": text, "repository": None, "bucket": None, "key": None, "etag": None})
    return lines


def _times() -> list[dict[str, Any]]:
    texts = [
        "1970-01-01T00:00:00Z", "2026-11-18T10:26:40Z", "2028-02-29T23:59:59.999Z", "2026-11-18T10:26:40.1239Z",
        "2026-02-29T00:00:00Z", "2026-11-18T10:26:60Z", "2026-11-18T24:00:00Z", "2026-11-18 10:26:40Z",
        "2026-11-18T10:26:40+00:00", "2100-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "9999-12-31T23:59:59Z",
    ]  # fmt: skip
    found = [(text, stamp_ms(text)) for text in texts]
    return [{"text": text, "ms": ms, "written": None if ms is None else stamp_of(ms)} for text, ms in found]


def _grants() -> list[dict[str, Any]]:
    lines = []
    earlier: tuple[Grant, ...] = ()
    terms = Terms(60_000, 120_000, 90_000, 2_000, 300_000)
    for poll, used in enumerate((0, 0, 40, 90, 400, 400, 401, 700, 790, 800, 801, 999, 1000, 1001)):
        now = T0 + poll * 60_000
        stated = {"now_ms": now, "as_of_ms": now - 120_000, "used": used, "soft": 800, "hard": 1000}
        made = share_out((800, 1000), used, earlier, name=str(poll), now_ms=now, as_of_ms=now - 120_000, terms=terms)
        lines.append(
            {
                **stated,
                "poll_ms": 60_000, "lag_ms": 120_000, "ttl_ms": 90_000, "skew_ms": 2_000, "upload_ms": 300_000,
                "rounds": terms.rounds,
                "earlier": [_grant(g) for g in earlier],
                "grants": [_grant(g) for g in made.grants],
            }
        )  # fmt: skip
        earlier = made.memory
    return lines


def _grant(found: Grant) -> dict[str, Any]:
    return {"id": found.id, "tier": found.tier, "bytes": found.size, "expires_ms": found.expires_ms}


def _files() -> list[dict[str, Any]]:
    """Each line comes after those before it: what was taken stays in force."""
    use = {name: {"used": 1} for name in "abc"}
    policy, usage = policy_document(), usage_document(use, seq=5)
    asked = [
        ("policy", _text(policy)),
        ("policy", _text(policy)[:-9]),
        ("policy", _text({**policy, "generation": 9})),
        ("policy", _text(sealed({**policy, "min_reader": 2}))),
        ("policy", _text(sealed({**policy, "format": "fbplan.routing/2"}))),
        ("policy", _text(policy_document({"a": {"state": "paused"}}, generation=8))),
        ("policy", _text(policy_document(generation=6))),
        ("policy", _text(policy_document(mode="MIRROR"))),
        ("policy", '{"a":1,"a":2}'),
        ("policy", _text(policy).replace('"generation": 7', '"generation": 7.0')),
        ("policy", _text(sealed({**policy, "generation": 8, "later": {"ü": ["\u2028", "😀", "\\", "/"]}}))),
        ("usage", _text(usage)),
        ("usage", _text(usage_document(use, seq=4))),
        ("usage", _text(usage_document(use, seq=5, poll_s=61))),
        ("usage", _text(usage_document({"a": {"used": 1}}, seq=6, generation=8))),
        ("usage", _text(usage_document({"a": {"used": 1}}, seq=6))),
        ("usage", _text(sealed({**usage, "seq": 7, "buckets": {"a": {"quality": "ok", "meters": {}}}}))),
        ("usage", _text(usage_document(use, seq=8, later=1))),
    ]
    held: dict[str, Any] = {"policy": None, "usage": None}
    lines = []
    for file, text in asked:
        try:
            if file == "policy":
                held[file] = next_policy(held[file], text.encode())
            else:
                held[file] = next_usage(held[file], held["policy"], text.encode())
            refused = None
        except Unusable as error:
            refused = error.reason
        lines.append({"file": file, "text": text, "refused": refused})
    return lines


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)
