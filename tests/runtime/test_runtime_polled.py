"""One process that asks the statistics itself: what they say, its own bytes on top, and never zero for what is odd."""

from __future__ import annotations

import pytest
from memory_store import MemoryStore
from polled_world import Api, World, row
from runtime_world import meter, policy_document, raw

from fbplan.runtime import ReadOnly, Router, RoutingError
from fbplan.runtime.statistics.use import AT_ONCE

TOKEN = "canary-of-a-token"


@pytest.fixture
def world(tmp_path):
    made = []

    def open_one(api=None, **settings):
        made.append(World(tmp_path, api or Api(a=500), **settings))
        return made[-1]

    yield open_one
    for one in made:
        one.router.close()


def test_use_is_what_the_period_says_and_own_bytes_count_until_the_statistics_know_them(world):
    found = world()
    assert found.seen() == (500, 0)
    assert [found.put(100) for _ in range(4)] == ["a", "a", "a", "b"], "800 is the soft cap"
    assert found.seen() == (500, 300)

    found.api.used = {"a": 800, "b": 100}
    found.poll()
    assert found.seen() == (800, 300), "they may be in the 800 or not"
    found.poll(180 + 300 + 60)
    assert (found.seen("a"), found.seen("b")) == ((800, 0), (100, 0))


def test_it_asks_at_the_start_and_each_minute_and_in_no_write(world):
    found = world()
    for _ in range(5):
        found.put()
        found.poll(20)
    assert len([path for path, _ in found.api.asked if path == "/stats/daily"]) == 2
    _, parameters = found.api.asked[0]
    assert parameters == {
        "startDate": "2026-10-31T00:00:00Z",
        "endDate": "2026-11-18T23:59:59Z",
        "bucketId": "id-a,id-b,id-c",
    }


def test_a_write_does_not_wait_while_the_statistics_are_asked(world):
    found = world()
    found.router._source._watch._every_s = 0.001
    found.put()
    found.api.open.clear()
    found.now += 60_000
    assert found.api.blocked.wait(20)
    assert [found.put(), found.put()] == ["a", "a"]
    found.api.open.set()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (OSError(TOKEN), "GET /stats/daily raised OSError"),
        ({"success": False, "message": TOKEN}, "GET /stats/daily says that it failed"),
        ({"success": True}, "the answer of GET /stats/daily holds no list 'data'"),
        ({"data": [{"buckets": [{"bucketId": "id-a", "used_bytes": 1}]}]}, "row 0 names no bucket"),
        ({"data": [row("id-a", 0, upl_bytes=None)]}, "row 0: upl_bytes is missing"),
        ({"data": [row("id-a", 0, upl_bytes=1.5)]}, "row 0: upl_bytes is no whole number"),
        (
            {"data": [row("id-a", 0, timestamp=20261118)]},
            "row 0: its timestamp is far from the days that were asked for",
        ),
    ],
)
def test_what_cannot_be_read_is_an_alarm_and_never_zero(world, answer, why):
    policy = policy_document({"a": {"meters": [meter(1000)]}})
    known = world(Api(a=700), policy=policy)
    known.api.answers["/stats/daily"] = answer
    known.poll()
    assert known.seen() == (700, 0)
    assert known.put(50) == "a", "an outage of the statistics stops no write"
    assert known.seen() == (700, 50)
    assert (known.told, TOKEN in str(known.told)) in (([why], False), ([f"a.ingress_bytes: {why}"], False))


def test_use_that_was_never_known_takes_no_write_until_it_is(world):
    api = Api(a=500)
    api.answers["/stats/daily"] = OSError(TOKEN)
    found = world(api)
    with pytest.raises(ReadOnly) as refused:
        found.put()
    assert refused.value.reasons == {"a": "2.unknown", "b": "2.unknown", "c": "2.unknown"}
    assert refused.value.retry_at == "2026-11-18T11:07:40Z"
    assert found.alarms == ["usage.unreadable"]

    api.answers.clear()
    found.poll()
    assert found.put() == "a"


def test_no_rows_are_believed_of_a_bucket_that_the_totals_know(world):
    found = world(Api(a=5))
    assert [found.seen(name) for name in "abc"] == [(5, 0), (0, 0), (0, 0)]
    assert found.api.asked[1] == ("/bucket/stats", {"bucketId": "id-b,id-c"})

    api = Api(a=5)
    api.answers["/bucket/stats"] = {"stats": []}
    found = world(api)
    rules = {c.bucket: c.rule for c in found.router.choose(1).candidates}
    assert rules == {"a": "2.open", "b": "2.unknown", "c": "2.unknown"}
    assert found.alarms == ["usage.unknown"] * 2


def test_one_odd_bucket_leaves_the_others_as_they_are(world):
    found = world(Api(a=100, b=100, c=0))
    odd = [row("id-a", 300), row("id-b", 0, upl_bytes="many"), row("id-c", 1)]
    found.api.answers["/stats/daily"] = {"data": odd}
    found.poll()
    assert [found.seen(name)[0] for name in "abc"] == [300, 100, 1]
    assert found.alarms == ["usage.stale"]


def test_use_that_falls_within_a_period_is_an_alarm_and_the_larger_one_counts(world):
    found = world(Api(a=700))
    found.api.used = {"a": 0}
    found.poll()
    assert (found.seen(), found.alarms) == ((700, 0), ["usage.fell"])
    assert found.told == ["a.ingress_bytes: use fell from 700 to 0 bytes in 2026-11"]


def test_a_new_period_begins_at_zero_after_its_grace(world):
    found = world(Api(a=900, b=900, c=900))
    found.now = 1_796_083_200_000  # the first of December
    found.poll(60)
    assert found.seen() == (900, 0), "in the grace the period before counts as well"
    found.poll(7200)
    assert (found.seen(), found.alarms) == ((0, 0), [])


def test_what_was_known_is_known_after_a_restart_without_statistics(world, tmp_path):
    world(Api(a=700), last_good=tmp_path / "kept").router.close()
    api = Api()
    api.answers["/stats/daily"] = OSError()
    found = world(api, last_good=tmp_path / "kept")
    assert found.seen() == (700, 0)
    api.answers.clear()
    found.poll()
    assert (found.seen(), found.alarms) == ((700, 0), ["usage.unreadable", "usage.fell"])


def test_many_buckets_are_asked_for_in_several_requests(world):
    names = [f"n{n}" for n in range(AT_ONCE + 1)]
    found = world(Api(n50=7), policy=policy_document({name: {"meters": [meter(1000)]} for name in names}))
    assert [len(p["bucketId"].split(",")) for path, p in found.api.asked if path == "/stats/daily"] == [AT_ONCE, 1]
    assert found.seen("n50") == (7, 0)


def test_a_cap_without_an_end_is_read_from_the_totals(world):
    api = Api()
    api.answers["/bucket/stats"] = {
        "stats": [{"bucketId": "id-a", "totalUploadBytes": "600", "totalDownloadBytes": "1", "totalSizeChange": "-3"}]
    }
    lasting = {"a": {"meters": [meter(1000, period={"kind": "none"})]}}
    assert world(api, policy=policy_document(lasting)).seen() == (600, 0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"usage": "usage.json"}, "give either poll="),
        ({"simple": False}, "give either poll="),
        ({"poll": "https://api"}, "poll= takes a function"),
        ({"poll_s": 0}, "at least one second"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(tmp_path, settings, told):
    (tmp_path / "policy.json").write_bytes(raw(policy_document()))
    with pytest.raises(RoutingError, match=told):
        Router.from_file(tmp_path / "policy.json", MemoryStore(), **{"poll": Api(), **settings})
