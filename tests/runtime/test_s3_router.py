"""The router over a real Bridge Node with boto3: caps, failures and keys as a service meets them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from runtime_world import raw, usage_document
from s3_world import CAP, Stream

from fbplan.runtime import AsyncRouter, CredentialsRefused, NotStored, ReadOnly, Router


def read(router, reference) -> bytes:
    return router.get(str(reference)).content.read()


def filled(router, size=100, prefix="k"):
    """Write until there is no room: what was acknowledged, and the refusal."""
    placed = []

    def fill():
        for number in range(1000):
            body = f"{number:04}".encode().ljust(size, b"x")
            placed.append((router.put(f"{prefix}{number}", body), body))

    with pytest.raises(ReadOnly) as refused:
        fill()
    return placed, refused.value


def test_the_guides_five_lines(s3):
    router = Router.from_file(s3.policy)
    placed = router.put("hello.txt", b"hi")
    assert router.get(str(placed.reference)).content.read() == b"hi"
    assert placed.bucket == "a"


def test_an_event_loop_has_the_same_lines(s3):
    async def service():
        router = AsyncRouter.from_file(s3.policy)
        placed = await asyncio.gather(*(router.put(f"k{n}", b"hi") for n in range(8)))
        got = await router.get(str(placed[0].reference))
        assert len((await router.list(options={"StartAfter": "k3"})).entries) == 4
        assert (await router.locate("k1")).place.bucket == "a"
        assert (await router.delete("k1")).is_complete
        return got.content.read()

    assert asyncio.run(service()) == b"hi"


def test_buckets_fill_in_order_up_to_their_caps_and_then_writes_are_refused_until_the_period_ends(s3):
    router = s3.router()
    placed, refused = filled(router)

    assert [p.bucket for p, _ in placed] == [*"aaaaaaaabbbbbbbbccccccccaabbcc"], "soft caps first, then what is left"
    assert s3.used() == dict.fromkeys("abc", CAP)
    assert all(read(router, p.reference) == body for p, body in placed)
    assert refused.retry_at is not None
    s3.wait_until(refused.retry_at_ms)
    # the ramp lets writers in one after another
    again = s3.router()
    assert again.put("new", b"x").bucket == "a"
    with pytest.raises(ReadOnly) as ramp:
        router.put("newer", b"x")
    assert set(ramp.value.reasons.values()) == {"4.ramp"}
    s3.wait_until(s3.now + 120_000)
    assert router.put("newer", b"x").bucket == "a"
    assert read(router, placed[0][0].reference) == placed[0][1]


@pytest.mark.parametrize("status", [403, 429, 507])
def test_a_store_that_says_quota_moves_writes_on_though_the_policy_saw_room(open_s3, status):
    s3 = open_s3(caps=dict.fromkeys("abc", 10**9))
    for bucket in "abc":
        s3.node.credit(bucket=bucket, limit=300, status=status)
    router = s3.router()
    placed, refused = filled(router)

    assert [p.bucket for p, _ in placed] == [*"aaabbbccc"]
    assert s3.used() == dict.fromkeys("abc", 300)
    assert refused.reasons == {"a": "8.quota", "b": "8.quota", "c": "1.tried"}
    with pytest.raises(ReadOnly) as again:
        router.put("more", b"x")
    assert again.value.reasons == dict.fromkeys("abc", "8.quota")
    assert all(read(router, p.reference) == body for p, body in placed)
    assert len(s3.requests("PUT", "a")) == 4, "the bucket that is full is asked once"
    assert set(s3.alarms) == {"credit_mismatch"}
    s3.wait_until(s3.now + 32 * 86_400_000)
    assert router.put("of the new month", b"x" * 300).bucket == "a"


def test_threads_that_share_a_router_never_pass_a_cap_and_lose_nothing(s3):
    router = s3.router()

    def one(number):
        body = f"{number:04}".encode() * 5
        try:
            return router.put(f"k{number}", body), body
        except ReadOnly:
            return None

    with ThreadPoolExecutor(8) as pool:
        placed = [found for found in pool.map(one, range(160)) if found is not None]
    assert len(placed) == 150
    assert s3.used() == dict.fromkeys("abc", CAP)
    assert all(read(router, p.reference) == body for p, body in placed)


def test_a_fleet_of_routers_lives_on_its_grants_and_never_passes_a_cap(s3):
    share = CAP // 4
    use = {name: {"used": 0, "soft": share * 8 // 10, "hard": share, "period": f"{_month(s3)}"} for name in "abc"}
    (s3.folder / "usage.json").write_bytes(raw(usage_document(use, at_ms=s3.now)))

    def writer(number):
        router = s3.router(writer=f"w{number}", usage=s3.folder / "usage.json")
        return router, *filled(router, 25, f"{number}-")

    with ThreadPoolExecutor(4) as pool:
        fleet = list(pool.map(writer, range(4)))
    used = s3.used()
    assert used == dict.fromkeys("abc", CAP)
    assert all(read(router, p.reference) == body for router, placed, _ in fleet for p, body in placed)
    assert all(refused.retry_at is not None for _, _, refused in fleet)


def _month(s3) -> str:
    from fbplan.runtime.times import stamp_of

    return stamp_of(s3.now)[:7]


def test_a_revoked_key_is_an_alarm_and_moves_nobody(s3):
    router = s3.router()
    router.put("k", b"x")
    s3.revoke(s3.key)

    for number in range(3):
        with pytest.raises(CredentialsRefused):
            router.put(f"l{number}", b"x")
    assert s3.alarms == ["auth"] * 3
    assert len(s3.requests("PUT", "a")) == 1 + 2 * 3, "the key is loaded again once, and tried again once"
    assert s3.requests("PUT", "b") + s3.requests("PUT", "c") == []


def test_a_dead_bucket_costs_one_hop_and_then_rests(s3):
    s3.node.fault(method="PUT", path="/a/*", fault="cut-before", times=1000)
    router = s3.router()

    placed = [router.put(f"k{n}", b"x") for n in range(10)]
    assert [p.bucket for p in placed] == ["b"] * 10
    assert max(sum(a["then"] == "hop" for a in record["attempts"]) for record in s3.records) == 1
    assert len(s3.requests("PUT", "a")) == 2, "a second try by the first write, and then the breaker"
    assert sum(s3.pauses) < 1
    assert [record["attempts"][0]["bucket"] for record in s3.records[1:]] == ["b"] * 9


def test_an_answer_that_got_lost_is_settled_where_it_was_sent(s3):
    s3.node.fault(method="PUT", path="/a/*", fault="cut-after")
    router = s3.router()

    placed = router.put("k", b"x" * 10)
    assert (placed.bucket, placed.record["rule"]) == ("a", "7.head")
    assert len(s3.requests("PUT")) == 1
    assert read(router, placed.reference) == b"x" * 10


def test_a_stream_longer_than_the_spool_is_sent_once_whatever_happens(s3):
    router = s3.router(spool_limit=100)
    placed = router.put("k", Stream(300), size=300)
    assert read(router, placed.reference) == b"x" * 300

    s3.node.fault(method="PUT", path="/a/half", fault="truncated-upload")
    with pytest.raises(NotStored) as failed:
        router.put("half", Stream(250), size=250)
    assert failed.value.record["rule"] == "7.once"
    assert [line["path"] for line in s3.requests("PUT")] == ["/a/k", "/a/half"]
    assert router.list().entries[0].entry.key == "k"
    assert len(router.list().entries) == 1

    s3.node.fault(method="PUT", path="/a/lost", fault="cut-after")
    assert router.put("lost", Stream(101), size=101).bucket == "a"
    assert len(s3.requests("PUT", "a/lost")) == 1


def test_a_stream_within_the_spool_hops_like_any_other(s3):
    s3.node.credit(bucket="a", limit=10)
    placed = s3.router().put("k", Stream(100))
    assert placed.bucket == "b"
    assert read(s3.router(), placed.reference) == b"x" * 100


def test_a_rotation_is_followed_without_a_failed_request(s3):
    router, old = s3.router(), s3.key
    router.put("before", b"x")
    s3.rotate()
    s3.revoke(old)

    placed = router.put("after", b"x")
    assert read(router, placed.reference) == b"x"
    assert {line["status"] for line in s3.requests("PUT") + s3.requests("GET")} == {200}
    assert len({line["key"] for line in s3.requests("PUT")}) == 2


def test_writers_in_the_middle_of_a_rotation_do_not_notice(open_s3):
    s3 = open_s3(caps=dict.fromkeys("abc", 10**6))
    router, old, begun = s3.router(), s3.key, threading.Semaphore(0)

    def writer(number):
        placed = []
        for turn in range(12):
            placed.append(router.put(f"{number}-{turn}", b"x"))
            begun.release()
        return placed

    with ThreadPoolExecutor(4) as pool:
        going = [pool.submit(writer, number) for number in range(4)]
        for _ in range(8):
            begun.acquire()
        s3.rotate()
        s3.revoke(old)
        placed = [one for done in going for one in done.result()]
    assert len(placed) == 48
    assert s3.alarms == []
    assert all(read(router, one.reference) == b"x" for one in placed)
