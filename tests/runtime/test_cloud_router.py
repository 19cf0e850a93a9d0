"""The router over the SDKs of Google and Azure: caps, failures and keys as a service meets them."""

from __future__ import annotations

import asyncio

import pytest
from cloud_world import CAP

from fbplan.runtime import AlreadyExists, AsyncRouter, CredentialsRefused, NotFound, ReadOnly, Router
from fbplan.runtime.adapters.blob import account_url


def read(router, reference) -> bytes:
    return router.get(str(reference)).content.read()


def hops(record) -> int:
    return sum(attempt["then"] == "hop" for attempt in record["attempts"])


def test_the_guides_five_lines(cloud):
    router = Router.from_file(cloud.policy)
    placed = router.put("hello.txt", b"hi")
    assert router.get(str(placed.reference)).content.read() == b"hi"
    assert placed.bucket == "a"


def test_an_event_loop_has_the_same_lines(cloud):
    async def service():
        router = AsyncRouter.from_file(cloud.policy)
        placed = await asyncio.gather(*(router.put(f"k{n}", b"hi") for n in range(4)))
        got = await router.get(str(placed[0].reference))
        assert len((await router.list()).entries) == 4
        assert (await router.locate("k1")).place.bucket == "a"
        assert (await router.delete("k1")).is_complete
        return got.content.read()

    assert asyncio.run(service()) == b"hi"


def test_buckets_fill_in_order_up_to_their_caps_and_then_writes_are_refused(cloud):
    router, placed = cloud.router(), []
    with pytest.raises(ReadOnly) as refused:
        placed.extend(router.put(f"k{number}", bytes([number]) * 250) for number in range(100))
    assert [one.bucket for one in placed] == [*"aaabbbcccabc"], "soft caps first, then what is left"
    assert len(placed) * 250 == 3 * CAP
    assert refused.value.retry_at is not None
    assert all(read(router, one.reference) == bytes([number]) * 250 for number, one in enumerate(placed))
    assert len(router.list("k1").entries) == 3


@pytest.mark.parametrize(
    ("stated", "kind", "tries"),
    [
        ({"status": 403, "code": "QUOTA_EXCEEDED"}, "quota", 1),
        ({"status": 429, "code": "QUOTA_EXCEEDED"}, "quota", 1),
        ({"status": 403}, "quota_suspect", 1),
        ({"status": 503, "code": "ServerBusy"}, "throttle", 1),
        ({"status": 429, "retry_after": "3600"}, "throttle", 1),
        ({"status": 503}, "transient", 2),
        ({"cut": "before"}, "transient", 2),
    ],
)
def test_a_bucket_that_takes_nothing_costs_one_hop(cloud, stated, kind, tries):
    cloud.fail("a", times=100, **stated)
    router = cloud.router()
    placed = router.put("k", b"x" * 100)
    assert placed.bucket == "b"
    assert [attempt["class"] for attempt in placed.record["attempts"]] == [kind] * tries + [None]
    assert hops(placed.record) == 1
    assert len(cloud.puts("a")) == tries, "asked by the router alone: the SDK's own retries are off"
    assert len(cloud.puts("b")) == 1
    assert read(router, placed.reference) == b"x" * 100
    if kind == "quota":
        assert router.put("l", b"x").bucket == "b"
        assert len(cloud.puts("a")) == tries, "the bucket that is full is asked once"
        assert cloud.alarms == ["credit_mismatch"]


def test_a_store_that_says_when_is_asked_again_then(cloud):
    cloud.fail("a", status=429, retry_after="2")
    assert cloud.router().put("k", b"x").bucket == "a"
    assert cloud.pauses == [2.0]


def test_an_answer_that_got_lost_is_settled_where_it_was_sent(cloud):
    cloud.fail("a", cut="after")
    router = cloud.router()
    placed = router.put("k", b"x" * 10)
    assert (placed.bucket, placed.record["rule"]) == ("a", "7.head")
    assert len(cloud.puts()) == 1
    assert read(router, placed.reference) == b"x" * 10


def test_a_key_is_written_once(cloud):
    router = cloud.router()
    router.put("k", b"1")
    if cloud.protocol == "GCS":
        # the emulator ignores preconditions; the real one answers this
        cloud.fail("a", status=412, code="conditionNotMet")
    with pytest.raises(AlreadyExists):
        router.put("k", b"2")
    assert router.put("k", b"3", overwrite=True).bucket == "a"
    assert router.get("k").content.read() == b"3"
    assert router.delete("k").is_complete
    with pytest.raises(NotFound):
        router.get("k")


def test_a_key_that_is_refused_is_an_alarm_and_moves_nobody(cloud):
    cloud.fail("a", status=401, times=100)
    router = cloud.router()
    with pytest.raises(CredentialsRefused):
        router.put("k", b"x")
    assert cloud.alarms == ["auth"]
    assert (len(cloud.puts("a")), cloud.puts("b"), cloud.puts("c")) == (2, [], [])


def test_a_bridge_node_has_a_host_for_each_account():
    node = "https://blob-us-east-1-azure.flashback.tech"
    assert account_url(node, "acc") == "https://acc.blob-us-east-1-azure.flashback.tech"
    assert account_url("http://127.0.0.1:10000/acc", "acc") == "http://127.0.0.1:10000/acc"
    assert account_url("https://acc.blob.core.windows.net", "acc") == "https://acc.blob.core.windows.net"
