"""Random specs, hand edits and foreign objects over a small universe, for the laws."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "c", "d")
REPOSITORIES = ("r", "s")
REGIONS = ("us-east-1", "eu-west-1")


@st.composite
def buckets(draw: st.DrawFn, credentials: list[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in draw(st.sets(st.sampled_from(NAMES), min_size=1)):
        entry: dict[str, Any] = {
            "bucket": draw(st.sampled_from([f"acme-{name}", f"acme-{name}-2"])),
            "storage_type": draw(st.sampled_from(["S3", "S3", "S3", "GCS"])),
            "region": draw(st.sampled_from(REGIONS)),
            "soft_cap": {"limit": "1GB"},
        }
        form = draw(st.sampled_from(["inline", "inline", *credentials]))
        entry |= {"key": {"env": "K"}, "secret": {"env": "S"}} if form == "inline" else {"credential": form}
        if form == "inline" and draw(st.booleans()):
            entry["version"] = draw(st.integers(1, 2))
        if draw(st.integers(0, 9)) == 0:
            entry["protect"] = True
        if draw(st.integers(0, 5)) == 0:
            entry["name"] = f"Live {name}"
        out[name] = entry
    return out


@st.composite
def repositories(draw: st.DrawFn, known: list[str], *, drains: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    free = list(known)
    for name in draw(st.sets(st.sampled_from(REPOSITORIES), min_size=drains)):
        is_mirror = draw(st.integers(0, 4)) == 0 and len(free) >= 2
        chosen = draw(st.lists(st.sampled_from(free), unique=True, min_size=drains, max_size=3)) if free else []
        if is_mirror and not chosen:
            is_mirror = False
        attached = [{"bucket": b, "folder": f"{name}{draw(st.sampled_from(['', '', '', '/x']))}"} for b in chosen]
        if is_mirror:
            attached[draw(st.integers(0, len(attached) - 1))]["master"] = True
            free = [b for b in free if b not in chosen]
        entry: dict[str, Any] = {"storage_type": "S3", "mode": "MIRROR" if is_mirror else "NORMAL", "buckets": attached}
        keys = draw(st.sets(st.sampled_from(["w", "q"])))
        if keys:
            entry["api_keys"] = {
                k: {"access": draw(st.sampled_from(["READ", "WRITE"])), "sink": {"file": f"secrets/{name}-{k}.env"}}
                for k in sorted(keys)
            }
        if chosen and draw(st.booleans()):
            entry["routing"] = {"order": draw(st.permutations(chosen))}
        if draw(st.integers(0, 3)) < (3 if drains else 1):
            entry.setdefault("routing", {})["drain"] = draw(st.sampled_from(["1h", "2h"]))
        out[name] = entry
    mirrored = {a["bucket"] for e in out.values() if e["mode"] == "MIRROR" for a in e["buckets"]}
    for entry in out.values():
        if entry["mode"] == "NORMAL":
            entry["buckets"] = [a for a in entry["buckets"] if a["bucket"] not in mirrored]
            if "order" in entry.get("routing", {}):
                entry["routing"]["order"] = [b for b in entry["routing"]["order"] if b not in mirrored]
    return out


@st.composite
def specs(draw: st.DrawFn, *, drains: bool = False) -> dict[str, Any]:
    credentials = sorted(draw(st.sets(st.sampled_from(["x", "y"]))))
    made = draw(buckets(credentials))
    return {
        "version": 1,
        "workspace": "Production",
        "credentials": {
            c: {"provider": "AWS", "key": {"env": "K2"}, "secret": {"env": "S2"}, "version": draw(st.integers(1, 2))}
            for c in credentials
        },
        "buckets": made,
        "repositories": draw(repositories(sorted(made), drains=drains)),
        "limits": {"max_deletes": 99, "max_change": "100%"},
    }


@st.composite
def trimmed(draw: st.DrawFn, spec: dict[str, Any]) -> dict[str, Any]:
    """The same spec without some of what it declares: what remains is declared as it was."""
    repositories = {}
    for name, entry in spec["repositories"].items():
        if draw(st.integers(0, 3)) == 0:
            continue
        kept = [a for a in entry["buckets"] if a.get("master") or draw(st.booleans())]
        routing = dict(entry.get("routing", {}))
        if "order" in routing:
            routing["order"] = [b for b in routing["order"] if any(a["bucket"] == b for a in kept)]
        keys = {k: v for k, v in entry.get("api_keys", {}).items() if draw(st.booleans())}
        if keys and draw(st.booleans()):
            keys = {k: {**v, "access": "READ"} for k, v in keys.items()}
        repositories[name] = {**entry, "buckets": kept, "routing": routing, "api_keys": keys}
    used = {a["bucket"] for entry in repositories.values() for a in entry["buckets"]}
    buckets = {n: b for n, b in spec["buckets"].items() if n in used or draw(st.booleans())}
    return {**spec, "buckets": buckets, "repositories": repositories}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[dict[str, Any], int]]:
    """Specs over one world in the order in which they are applied, and the seconds that pass after each."""
    whole = draw(specs(drains=True))
    pool = [whole, draw(trimmed(whole)), draw(trimmed(whole))]
    middle = [draw(st.sampled_from(pool)) for _ in range(draw(st.integers(1, 3)))]
    spans = st.sampled_from([3600, 7200, 3599, 600, 0, -5000])
    # the last one stays, so that whatever it leaves out goes in the end
    return [(whole, 0), *((spec, draw(spans)) for spec in [*middle, middle[-1]]), (middle[-1], 20_000), (middle[-1], 0)]


def hand_edits() -> st.SearchStrategy[list[tuple[str, int]]]:
    """What somebody does in the console: (what, to which of them)."""
    return st.lists(
        st.tuples(
            st.sampled_from(
                ["region", "rename", "delete-key", "foreign-bucket", "foreign-key", "downgrade", "delete-bucket"]
            ),
            st.integers(0, 3),
        ),
        max_size=3,
    )
