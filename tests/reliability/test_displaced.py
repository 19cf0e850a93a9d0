"""What a rival put into a sink and ours drove out of it: that, and no older generation that still serves its overlap."""

from __future__ import annotations

from fbplan.kinds import KINDS
from fbplan.ledger import Delta, Entry, KeyGeneration, Ledger, Pending
from fbplan.settle.candidates import candidates
from fbplan.state import Observed


def key(remote: str, name: str) -> Observed:
    return Observed("api_key", remote, name, {"access": "WRITE"}, parent_id="r1", key_id=f"AK-{remote}")


def test_an_older_generation_in_its_overlap_was_displaced_by_nobody() -> None:
    first, second, ours, theirs = (key(f"k{n}", name) for n, name in enumerate(("w", "w.g2", "w.g3", "w.g3"), 1))
    generations = tuple(KeyGeneration(o.id, o.key_id or "", n) for n, o in enumerate((first, second, theirs), 1))
    ledger = Ledger(entries={"api_key.app.w": Entry(theirs.id, "w", keys=generations)})
    pending = Pending(
        "api_key.app.w", "w.g3", "r1", 0, Delta(), {"access": "WRITE"}, before=(first.id, second.id), was=second.id
    )

    found = candidates(
        ledger, KINDS["api_key"], pending, [first, second, ours, theirs], lambda _, key_id: key_id == ours.key_id
    )

    assert [o.id for o in found.kept] == [ours.id]
    assert [o.id for o in found.displaced] == [theirs.id]
