"""The router: where an object is found, deleted, listed."""

from __future__ import annotations

import pytest
from router_world import NO_ANSWER, UNAVAILABLE, World
from runtime_world import policy_document

from fbplan.runtime import (
    NotFound,
    Reference,
    Unavailable,
)


def test_not_found_needs_the_word_of_every_bucket(world):
    with pytest.raises(NotFound):
        world.router.get("k")
    world.store.calls.clear()
    with pytest.raises(NotFound):
        world.router.get("k")
    assert world.store.calls == [], "asked a moment ago"
    world.now += 1_000
    world.store.fail("b", "head", NO_ANSWER)
    with pytest.raises(Unavailable) as unknown:
        world.router.get("k")
    assert list(unknown.value.buckets) == ["b"]


def test_a_key_written_after_it_was_not_found_is_found(world):
    with pytest.raises(NotFound):
        world.router.get("k")
    world.router.put("k", b"x")
    assert world.router.get("k").content == b"x"


def test_at_most_three_buckets_are_asked_and_then_absence_is_not_certain(tmp_path):
    world = World(tmp_path, policy_document({name: {} for name in "abcde"}))
    with pytest.raises(Unavailable) as unknown:
        world.router.get("k")
    assert (len(world.store.calls), list(unknown.value.buckets)) == (3, ["d", "e"])


def test_a_reference_to_a_mirrored_object_falls_back_to_the_mirror(tmp_path):
    world = World(tmp_path, policy_document(mode="MIRROR"))
    placed = world.router.put("k", b"x")
    world.store.buckets["b"] = dict(world.store.buckets["a"])
    world.store.fail("a", "get", NO_ANSWER)
    assert world.router.get(placed.reference).content == b"x"


def test_delete_goes_to_all_and_a_listing_says_when_it_is_not_complete(world):
    world.router.put("k", b"x")
    world.store.buckets["b"] = {"k": (b"old", {}), "l": (b"l", {})}
    listed = world.router.list("")
    assert [(e.bucket, e.entry.key) for e in listed.entries] == [("a", "k"), ("b", "l")]
    assert listed.is_complete

    world.store.fail("c", "list", NO_ANSWER)
    assert world.router.list("").failed == {"c": "no answer"}
    world.store.fail("b", "delete", UNAVAILABLE)
    assert not world.router.delete("k").is_complete
    assert world.router.delete("k").is_complete
    assert "k" not in world.store.buckets["b"]


def test_an_empty_key_is_refused_before_any_request(world):
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="the key is empty: name an object"):
            world.router.put("", b"x", overwrite=overwrite)
    for ask in (world.router.get, world.router.locate, world.router.delete):
        for where in ("", Reference("app", "a", "")):
            with pytest.raises(ValueError, match="the key is empty: name an object"):
                ask(where)
    assert world.store.calls == []
    assert world.router.counts == {"policy.taken": 1}, "and nothing is counted"


def test_references_survive_any_key():
    for key in ("a/b", "ü ö", ";v=1", "%41", "fbref1:x", "\n"):
        reference = Reference("app", "b-1", key, '"e;v="')
        assert Reference.parse(str(reference)) == reference
        assert str(reference).isascii()
