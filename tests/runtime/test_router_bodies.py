"""The router: bodies that cannot be sent twice, keys that are written once."""

from __future__ import annotations

import io

import pytest
from router_world import UNAVAILABLE, World

from fbplan.runtime import (
    AlreadyExists,
    NotStored,
    TransportFailure,
)


def test_keys_are_written_once_and_an_overwrite_goes_to_the_bucket_that_holds_the_key(world):
    world.router.put("k", b"x")
    with pytest.raises(AlreadyExists):
        world.router.put("k", b"y")
    world.store.fail("a", "put", TransportFailure(507))
    world.router.put("l", b"l")
    assert world.router.put("l", b"m", overwrite=True).bucket == "b"
    assert world.router.put("new", b"n", overwrite=True).bucket == "b", "a is closed for now"
    assert world.store.buckets["b"]["l"][0] == b"m"


@pytest.mark.parametrize("content", [b"one", b"two"])
def test_a_key_that_is_there_is_told_without_a_word_on_its_content_and_with_the_way_out(world, content):
    world.router.put("k", b"one")
    with pytest.raises(AlreadyExists) as refused:
        world.router.put("k", content)
    assert str(refused.value).startswith("the key is there already, in a: only a write with overwrite replaces it (")
    assert refused.value.record["attempts"][-1]["status"] == 412, (
        "the store looked at the key, and nobody at the content"
    )


class Pipe(io.RawIOBase):
    def __init__(self, content):
        super().__init__()
        self.left = content

    def readable(self):
        return True

    def readinto(self, into):
        found, self.left = self.left[: len(into)], self.left[len(into) :]
        into[: len(found)] = found
        return len(found)


def test_a_body_that_cannot_seek_is_held_up_to_a_limit_and_then_hops_like_any_other(world):
    world.store.fail("a", "put", UNAVAILABLE, UNAVAILABLE)
    assert world.router.put("k", io.BufferedReader(Pipe(b"x" * 50))).bucket == "b"


def test_a_longer_body_that_cannot_seek_is_never_sent_twice(tmp_path):
    world = World(tmp_path, spool_limit=10)
    world.store.fail("a", "put", UNAVAILABLE)
    with pytest.raises(NotStored) as failed:
        world.router.put("k", io.BufferedReader(Pipe(b"x" * 50)), size=50)
    assert (world.puts(), failed.value.record["rule"]) == (["a"], "7.once")

    world.store.fail("a", "put", *[TransportFailure(0, was_sent=False)] * 2)
    assert world.router.put("l", io.BufferedReader(Pipe(b"y" * 50)), size=50).bucket == "b", "no byte had left"
    assert world.store.buckets["b"]["l"][0] == b"y" * 50
    with pytest.raises(ValueError, match="needs its size"):
        world.router.put("m", io.BufferedReader(Pipe(b"z" * 50)))


def test_a_file_is_sent_from_where_it_stood_each_time(world):
    world.store.fail("a", "put", UNAVAILABLE, UNAVAILABLE)
    file = io.BytesIO(b"--body")
    file.seek(2)
    world.router.put("k", file)
    assert world.store.buckets["b"]["k"][0] == b"body"


def test_a_key_that_is_refused_is_loaded_again_also_for_a_body_that_cannot_be_sent_again(tmp_path):
    world = World(tmp_path, spool_limit=10)
    world.store.fail("a", "put", TransportFailure(403, "InvalidAccessKeyId"))
    with pytest.raises(NotStored):
        world.router.put("k", io.BufferedReader(Pipe(b"x" * 50)), size=50)
    assert (world.store.reloads, world.alarms) == (1, [])
