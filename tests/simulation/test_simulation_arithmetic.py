"""Known schedules, and what must come of them by arithmetic that needs no chooser."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulation_world import DAY, GB, HOUR, MB, SLICE, START, Terms, at, cap, evenly, policy, reached

from fbplan.errors import FbplanError
from fbplan.simulation.difference import Difference, differences
from fbplan.simulation.play import simulate
from fbplan.simulation.schedule import Burst, Flow, Rate, Schedule

TERMS = Terms()


def test_a_constant_rate_reaches_a_cap_after_cap_by_rate():
    found = simulate(policy({"a": cap("100GB"), "b": None}), evenly(10 * GB, 20))

    soft, hard = reached(found, "a")
    assert soft is not None
    assert soft == hard
    assert abs(soft - (START + 10 * DAY)) <= SLICE
    (repository,) = found.repositories
    (switch,) = repository.switches
    assert (switch.before, switch.after) == ("a", "b")
    assert abs(switch.at_ms - (START + 10 * DAY)) <= 2 * SLICE
    assert found.read_only_ms == 0


@pytest.mark.parametrize(("limit", "daily", "soft"), [(50, 7, 60), (200, 33, 80), (1000, 90, 95)])
def test_a_soft_cap_is_reached_in_its_own_time(limit, daily, soft):
    found = simulate(policy({"a": cap(f"{limit}GB", f"{soft}%"), "b": None}), evenly(daily * GB, 28))

    wanted = START + limit * soft * DAY // 100 // daily
    soft_ms, hard_ms = reached(found, "a")
    assert soft_ms is not None
    assert abs(soft_ms - wanted) <= 2 * SLICE
    assert hard_ms is None, "while another bucket is open, the rest under the hard cap is kept"


def test_a_large_fleet_stops_short_of_the_cap_by_what_its_grants_cannot_share_out():
    """K grants are out at once and each is divided by the writers: what is left holds less than an object for each."""
    writers, size, rounds = 20, 8 * MB, 10  # K = ceil((120 + 90 + 300 + 4) / 60) + 1
    found = simulate(policy({"a": cap("100GB"), "b": None}, fleet=writers), evenly(10 * GB, 20, size))

    a = found.buckets[0]
    least = 100 * GB - rounds * writers * size
    assert 0 <= 100 * GB - a.written - (rounds - 1) * writers * size <= 3 * writers * size
    assert a.written >= least


def test_read_only_hours_are_those_after_the_last_cap():
    found = simulate(policy({"a": cap("100GB"), "b": cap("50GB")}), evenly(10 * GB, 29))

    (repository,) = found.repositories
    assert abs(repository.read_only_ms - 14 * DAY) <= 2 * SLICE
    ((begin, end),) = repository.read_only
    assert abs(begin - (START + 15 * DAY)) <= SLICE
    assert end == found.end_ms
    assert abs(repository.refused - 140 * GB) <= GB // 10
    assert repository.switches[-1].after is None


def test_last_resorts_take_what_is_left_under_the_hard_caps():
    found = simulate(policy({"a": cap("100GB", "50%"), "b": cap("100GB", "50%")}), evenly(10 * GB, 25))

    times = [reached(found, name) for name in ("a", "b")]
    wanted = [(5, 15), (10, 20)]
    for (soft, hard), (soft_day, hard_day) in zip(times, wanted, strict=True):
        assert abs(soft - (START + soft_day * DAY)) <= 2 * SLICE
        assert abs(hard - (START + hard_day * DAY)) <= 2 * SLICE


def test_a_new_month_opens_what_was_closed_once_the_grace_is_over():
    found = simulate(policy({"a": cap("100GB")}), evenly(10 * GB, 45))

    assert reached(found, "a")[1] is not None
    again = reached(found, "a", "2026-12")[1]
    (repository,) = found.repositories
    (first, second) = repository.read_only
    assert first[1] == pytest.approx(at("12-01T02:00"), abs=SLICE)
    assert again == pytest.approx(at("12-11T02:00"), abs=SLICE), "its use counts from midnight, its writes from two"
    assert second == (again, found.end_ms) or abs(second[0] - again) <= 2 * SLICE
    assert found.buckets[0].uses[30 * 24] < GB, "the use begins anew"


def test_a_cap_without_periods_never_opens_again():
    found = simulate(policy({"a": cap("100GB", period="none")}), evenly(10 * GB, 45))

    (repository,) = found.repositories
    assert abs(repository.read_only_ms - 35 * DAY) <= 2 * SLICE


def test_what_was_used_before_counts_in_the_first_period():
    schedule = dataclasses.replace(evenly(10 * GB, 20), used={"a": 60 * GB})

    found = simulate(policy({"a": cap("100GB"), "b": None}), schedule)

    soft, _ = reached(found, "a")
    assert abs(soft - (START + 4 * DAY)) <= SLICE
    assert abs(found.buckets[0].written - 40 * GB) <= GB // 10


def test_a_cap_on_stored_bytes_makes_a_last_resort_and_never_closes():
    subject = policy({"a": cap("100GB", "50%", meter="stored_bytes"), "b": None}, {"r": ["a"], "s": ["a", "b"]})
    flows = tuple(Flow(n, MB, Rate(10 * GB).by_hour(START, 20 * 24)) for n in ("r", "s"))

    found = simulate(subject, Schedule(START, 20 * 24, flows))

    assert found.read_only_ms == 0
    a = next(b for b in found.buckets if b.name == "a")
    (stored,) = a.caps
    assert abs(stored.reached[0].soft_ms - (START + 5 * DAY // 2)) <= SLICE
    assert a.written == pytest.approx(2 * 25 * GB + 175 * GB, abs=GB), "one of them has nowhere else to go"


def test_no_byte_is_invented_or_lost():
    found = simulate(policy({"a": cap("30GB"), "b": cap("20GB", "70%")}, fleet=7), evenly(5 * GB + 12_345, 40, 3 * MB))

    (repository,) = found.repositories
    assert repository.wanted == 40 * (5 * GB + 12_345)
    assert repository.written + repository.refused == repository.wanted
    assert sum(b.written for b in found.buckets) == repository.written
    assert all(sum(b.hourly) == b.written for b in found.buckets)


@st.composite
def months(draw):
    names = ["r", "s"][: draw(st.integers(1, 2))]
    hours = draw(st.integers(24, 24 * 40))
    flows = []
    for name in names:
        bursts = draw(
            st.lists(
                st.builds(
                    lambda first, length, rate: Burst(first, first + length, rate),
                    st.integers(0, hours),
                    st.integers(1, 12),
                    st.integers(0, 30 * GB),
                ),
                max_size=3,
            )
        )
        rate = Rate(draw(st.integers(0, 60 * GB)), growth_ppm=draw(st.integers(0, 100_000)), bursts=tuple(bursts))
        flows.append(Flow(name, draw(st.integers(1, 200 * MB)), rate.by_hour(START, hours)))
    subject = policy(
        {
            "a": cap(f"{draw(st.integers(1, 200))}GB", f"{draw(st.integers(0, 95))}%", hard="95%"),
            "b": cap(f"{draw(st.integers(1, 200))}GB", "80%"),
        },
        {name: draw(st.sampled_from([["a", "b"], ["b", "a"], ["a"]])) for name in names},
        fleet=draw(st.integers(1, 40)),
    )
    lag = draw(st.integers(0, 900))
    terms = Terms(draw(st.sampled_from([15, 60, 300])) * 1000, lag * 1000, (lag + draw(st.integers(0, 300))) * 1000)
    return subject, Schedule(START, hours, tuple(flows)), terms


@settings(max_examples=5, deadline=None)
@given(months())
def test_under_the_assumptions_no_hard_cap_is_ever_passed(month):
    found = simulate(*month)

    assert found.overshoot == 0
    assert all(c.peak <= c.hard for b in found.buckets for c in b.caps)
    assert sum(b.written for b in found.buckets) == sum(r.written for r in found.repositories)
    assert all(r.refused >= 0 and 0 <= r.read_only_ms <= found.end_ms - found.start_ms for r in found.repositories)


@pytest.mark.parametrize("writers", [1, 9])
def test_a_flood_larger_than_the_cap_takes_the_grants_and_no_byte_more(writers):
    """10 GB come between two polls, a tenth of what is left may be granted in each."""
    flood = evenly(0, 2, bursts=(Burst(1, 3, 600 * GB),))

    found = simulate(policy({"a": cap("10GB"), "b": cap("5GB")}, fleet=writers), flood)

    assert found.overshoot == 0
    assert 9 * GB < found.buckets[0].written <= 10 * GB
    assert found.repositories[0].refused == 1200 * GB - sum(b.written for b in found.buckets)


@pytest.mark.parametrize("lag_s", [1800, 3600])
def test_statistics_that_are_later_than_believed_cost_a_simple_process_the_bytes_it_forgot(lag_s):
    """It adds what it wrote since `as_of`, less a minute and the longest upload; older bytes nobody counts."""
    rate = 240 * GB
    terms = Terms(lag_ms=lag_s * 1000, max_lag_ms=120_000, is_simple=True)

    found = simulate(policy({"a": cap("1TB"), "b": None}), evenly(rate, 6), terms)

    forgotten = (lag_s - 120 - 60 - 300) * rate // 86_400
    assert found.overshoot == pytest.approx(forgotten, rel=0.06)


def test_statistics_as_late_as_believed_cost_a_simple_process_nothing():
    terms = Terms(lag_ms=1_800_000, max_lag_ms=1_800_000, is_simple=True)

    found = simulate(policy({"a": cap("1TB"), "b": None}), evenly(240 * GB, 6), terms)

    assert found.overshoot == 0
    assert abs(found.buckets[0].written - 1000 * GB) <= 10 * MB


def test_statistics_that_are_later_than_believed_cost_a_fleet_less_than_what_it_wrote_meanwhile():
    rate = 240 * GB
    found = simulate(policy({"a": cap("1TB"), "b": None}), evenly(rate, 6), Terms(lag_ms=3_600_000))

    assert 0 < found.overshoot < rate // 24


def test_long_steps_say_what_single_polls_say():
    subject = policy({"a": cap("40GB", "80%"), "b": cap("30GB")}, fleet=5)
    schedule = evenly(9 * GB, 8, 4 * MB, busy=(8, 20), busy_ppm=800_000)

    quick = simulate(subject, schedule)
    slow = simulate(subject, schedule, Terms(calm_ms=60_000))

    assert quick.steps * 5 < slow.steps
    for a, b in zip(quick.buckets, slow.buckets, strict=True):
        assert a.written == pytest.approx(b.written, abs=2 * 5 * 4 * MB)
        for x, y in zip(a.cap.reached, b.cap.reached, strict=True):
            assert abs(x.soft_ms - y.soft_ms) <= SLICE
    assert abs(quick.read_only_ms - slow.read_only_ms) <= SLICE


def test_a_month_of_a_million_objects_takes_a_few_thousand_steps():
    found = simulate(
        policy({name: cap("500GB", "80%") for name in "abc"}, {f"r{n}": list("abc") for n in range(3)}, fleet=20),
        Schedule(START, 720, tuple(Flow(f"r{n}", MB, Rate(12 * GB).by_hour(START, 720)) for n in range(3))),
    )

    assert sum(r.wanted for r in found.repositories) // MB > 10**6
    assert found.steps < 10_000


def test_a_policy_is_not_different_from_itself():
    subject, schedule = policy({"a": cap("100GB", "80%"), "b": cap("50GB")}), evenly(10 * GB, 40)

    assert differences(simulate(subject, schedule), simulate(subject, schedule)) == ()


def test_a_larger_cap_is_told_as_what_it_changes():
    schedule = evenly(10 * GB, 20)

    changed = differences(
        simulate(policy({"a": cap("100GB"), "b": None}), schedule),
        simulate(policy({"a": cap("150GB"), "b": None}), schedule),
    )

    found = {(d.subject, d.figure): d for d in changed}
    later = found["a", "hard cap reached in 2026-11"]
    assert isinstance(later, Difference)
    assert later.after - later.before == pytest.approx(5 * DAY, abs=SLICE)
    assert found["a", "written"].after - found["a", "written"].before == pytest.approx(50 * GB, abs=GB // 10)
    assert ("r", "read-only") not in found


def test_buckets_that_come_and_go_are_differences():
    schedule = evenly(10 * GB, 20)

    changed = differences(
        simulate(policy({"a": cap("100GB"), "b": None}), schedule), simulate(policy({"a": cap("100GB")}), schedule)
    )

    found = {(d.subject, d.figure): (d.before, d.after) for d in changed}
    assert found["b", "written"][1] is None
    assert found["r", "read-only"][0] == 0
    assert found["r", "read-only"][1] == pytest.approx(10 * DAY, abs=SLICE)


def test_a_repository_that_the_policy_lacks_is_left_out_and_said():
    hours = 48
    flows = tuple(Flow(n, MB, Rate(GB).by_hour(START, hours)) for n in ("r", "new"))

    found = simulate(policy({"a": cap("100GB")}), Schedule(START, hours, flows, {"gone": 1}))

    assert [r.name for r in found.repositories] == ["r"]
    assert [note.split(":")[0] for note in found.notes] == ["new", "gone"]


def test_grants_that_run_out_between_two_polls_are_said():
    def notes(**terms):
        return simulate(policy({"a": cap("100GB"), "b": None}), evenly(GB, 1), Terms(**terms)).notes

    assert notes(poll_ms=88_000) == ()
    assert [note[:32] for note in notes(poll_ms=300_000)] == ["a: a grant is good for 88 s and "]
    assert notes(poll_ms=300_000, is_simple=True) == ()


def test_a_schedule_for_none_of_the_repositories_is_an_error():
    with pytest.raises(FbplanError, match="writes to no repository"):
        simulate(policy({"a": None}), evenly(GB, 1, name="other"))


def test_a_day_without_writes_is_open_all_the_same():
    found = simulate(policy({"a": cap("100GB")}), evenly(0, 3))

    assert found.read_only_ms == 0
    assert found.buckets[0].written == 0


def test_a_bucket_that_is_drained_takes_nothing():
    found = simulate(policy({"a": {"state": "drain"}, "b": cap("1TB")}), evenly(GB, 3))

    assert {b.name: b.written for b in found.buckets} == {"a": 0, "b": 3 * GB}


def test_the_same_input_gives_the_same_bytes_in_any_process():
    code = (
        "from simulation_world import *; from fbplan.simulation.play import simulate;"
        "from fbplan.render.simulation_json import simulation_document; from fbplan.render.plot import simulation_svg;"
        "from fbplan.errors import ExitCode;"
        "s = simulate(policy({'a': cap('30GB', '80%'), 'b': cap('20GB')}, fleet=3), evenly(3 * GB, 40));"
        "print(simulation_document(s, (), ExitCode.OK), simulation_svg(s))"
    )
    here = str(Path(__file__).parent)
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": f"{here}:{Path(here).parents[1]}", "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]

    assert runs[0] == runs[1]
    assert len(runs[0]) > 5000


def test_the_hours_of_a_day_add_up_to_the_day():
    rate = Rate(10 * GB + 7, growth_ppm=20_000, weekend_ppm=500_000, busy=(22, 6), busy_ppm=750_000)

    hourly = rate.by_hour(START, 7 * 24)

    days = [sum(hourly[n * 24 : n * 24 + 24]) for n in range(7)]
    plain = [(10 * GB + 7) * 102**n // 100**n for n in range(7)]
    assert days == [plain[0] // 2, *plain[1:6], plain[6] // 2], "the first of November 2026 is a Sunday"
    night = sum(hourly[24 + h] for h in (22, 23, 0, 1, 2, 3, 4, 5))
    assert night == pytest.approx(days[1] * 3 // 4, abs=24)


def test_a_burst_comes_on_top():
    hourly = Rate(24 * GB, bursts=(Burst(2, 4, 5 * GB),)).by_hour(START, 6)

    assert hourly == (GB, GB, 6 * GB, 6 * GB, GB, GB)


def test_a_flow_is_even_within_an_hour():
    flow = Flow("r", 1, (3600, 7200))

    assert [flow.until(ms) for ms in (0, 1000, HOUR, HOUR + 500, 2 * HOUR, 9 * HOUR)] == [
        0, 1, 3600, 3601, 10_800, 10_800,
    ]  # fmt: skip
