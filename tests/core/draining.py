"""Specs with a repository that drains, and what to ask of a world and of a plan."""

from __future__ import annotations

from rig import Rig
from test_findings import bucket, spec

from fbplan.plan import Plan

T0 = 1_790_000_000
DAY = 86_400
KEYS = "w: {access: WRITE, sink: {file: w.env}}, q: {access: WRITE, sink: {file: q.env}}"


def app(attached: str, keys: str = KEYS, drain: str = "24h", name: str = "app", extra: str = "") -> str:
    buckets = ", ".join(f"{{bucket: {b}, folder: {b}}}" for b in attached)
    return (
        f"  {name}:\n    storage_type: S3\n{extra}    buckets: [{buckets}]\n"
        f"    routing: {{order: [{', '.join(attached)}], drain: {drain}}}\n    api_keys: {{{keys}}}\n"
    )


def world(buckets: str, *repositories: str, rest: str = "") -> str:
    return spec(*map(bucket, buckets), rest=("repositories:\n" + "".join(repositories) if repositories else "") + rest)


def held(rig: Rig, name: str = "app") -> list[str]:
    """The buckets attached to a repository."""
    rows = rig.http("GET", "/repo")["repos"]
    return sorted(a["bucket"]["name"] for r in rows if r["name"] == name for a in r["buckets"])


def told(plan: Plan) -> list[tuple[str, str, str]]:
    return [(w.address, w.what, w.due_at) for w in plan.waiting]
