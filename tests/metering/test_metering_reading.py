"""What is asked of the API: as few and as short questions as will do, and none again that nobody answers."""

from __future__ import annotations

from collections import Counter

import pytest
from runtime_world import T0, meter, policy_document, policy_of

from fbplan.errors import ApiFault, AuthenticationFailed, FbplanError, Interrupted, Unreachable
from fbplan.metering.reading import NoStatistics, read_statistics
from fbplan.runtime.statistics.rows import Odd, Row

MANY = policy_of(policy_document({f"b{n}": {"meters": [meter(10)]} for n in range(120)}))


class Api:
    def __init__(self, *fails: FbplanError) -> None:
        self.fails, self.asked, self.spans, self.most = list(fails), Counter(), set(), 0

    def _answer(self, name, ids, rows):
        self.asked[name] += 1
        self.most = max(self.most, len(ids))
        if self.fails and name in {"daily", "totals"}:
            raise self.fails.pop(0)
        return rows

    def daily(self, start, end, ids):
        self.spans.add((start, end))
        row = {"timestamp": T0 // 1000, "upl_bytes": "1", "dwl_bytes": "0", "size_change": "1"}
        return self._answer("daily", ids, [{**row, "unitId": name} for name in ids])

    def totals(self, ids):
        return self._answer("totals", ids, [])

    def node_minutes(self, ids):
        return self._answer("nodes", ids, [])

    def minutes(self, _start, _end, ids):
        return self._answer("minutes", ids, [])


def test_ids_go_fifty_at_a_time_and_days_from_one_before_the_period() -> None:
    api = Api()
    found = read_statistics(api, MANY, T0)
    assert (api.asked, api.most) == ({"daily": 3, "totals": 3, "nodes": 3}, 50)
    assert api.spans == {("2026-10-31T00:00:00Z", "2026-11-18T23:59:59Z")}
    assert {reading.rows for reading in found.buckets.values()} == {(Row(T0, 1, 0, 1),)}
    assert len(found.buckets) == 120


@pytest.mark.parametrize("fault", [Unreachable("no answer"), AuthenticationFailed("no")])
def test_after_no_answer_nothing_more_is_asked_and_every_bucket_says_why(fault: FbplanError) -> None:
    api = Api(fault)
    found = read_statistics(api, MANY, T0)
    assert (api.asked, found.faults) == ({"daily": 1}, (fault,))
    assert {reading.rows for reading in found.buckets.values()} == {Odd(str(fault))}


def test_a_refusal_concerns_those_it_was_given_for() -> None:
    api = Api(ApiFault("one of them is not yours"))
    found = read_statistics(api, MANY, T0)
    assert Counter(isinstance(reading.rows, Odd) for reading in found.buckets.values()) == {True: 50, False: 70}
    assert api.asked["nodes"] == 0, "hints can wait"


def test_a_stop_ends_the_reading() -> None:
    with pytest.raises(Interrupted):
        read_statistics(Api(Interrupted("stop")), MANY, T0)


def test_without_a_connection_every_question_fails_as_the_connection_did() -> None:
    fault = AuthenticationFailed("the file in FB_JWT_FILE is empty")
    found = read_statistics(NoStatistics(fault), MANY, T0)
    assert found.faults == (fault,)
    assert all(isinstance(reading.total, Odd) for reading in found.buckets.values())
