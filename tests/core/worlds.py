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
def repositories(draw: st.DrawFn, known: list[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    free = list(known)
    for name in draw(st.sets(st.sampled_from(REPOSITORIES))):
        is_mirror = draw(st.integers(0, 4)) == 0 and len(free) >= 2
        chosen = draw(st.lists(st.sampled_from(free), unique=True, max_size=3)) if free else []
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
        if draw(st.integers(0, 3)) == 0:
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
def specs(draw: st.DrawFn) -> dict[str, Any]:
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
        "repositories": draw(repositories(sorted(made))),
        "limits": {"max_deletes": 99, "max_change": "100%"},
    }


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
