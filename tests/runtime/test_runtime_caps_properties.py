"""L9: writers that follow the policy never pass a hard cap, as long as the world is as assumed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fleet_model import GRANTS, LARGER, LAST_POLLED, OWN_BYTES, Assumed, Fleet, Real
from hypothesis import given, settings
from hypothesis import strategies as st

from fbplan.runtime.grants import Grant, Terms, grant, outstanding, share_out

FULL = 1_000_000


@st.composite
def worlds(draw):
    """Assumptions, and a world that keeps to them, up to their edges."""
    lag, skew, upload = draw(st.integers(0, 300)), draw(st.integers(0, 5)), draw(st.integers(0, 120))
    fleets = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=5)))
    assumed = Assumed(
        poll_s=draw(st.integers(10, 90)),
        lag_s=lag,
        ttl_s=draw(st.integers(20, 240)),
        skew_s=skew,
        upload_s=upload,
        writers=sum(fleets),
        soft_ppm=draw(st.sampled_from((0, 500_000, 800_000, FULL))),
    )
    real = Real(
        lag_s=draw(st.sampled_from((0, lag // 2, lag))),
        skew_s=skew,
        upload_s=upload,
        fleets=fleets,
        missed_polls=draw(st.sampled_from((0.0, 0.1, 0.5))),
        missed_reads=draw(st.sampled_from((0.0, 0.2, 0.8))),
        crashes=draw(st.sampled_from((0.0, 0.02, 0.2))),
        hot=draw(st.booleans()),
        burst=draw(st.sampled_from((1.0, 5.0, 50.0))),
        demand_ppm=draw(st.sampled_from((900_000, 3_000_000, 20_000_000))),
        polls=draw(st.integers(8, 24)),
        rollover_poll=draw(st.sampled_from((None, 4, 7))),
        books_late_s=draw(st.sampled_from((0, assumed.grace_s // 2, assumed.grace_s - 2 * skew))),
    )
    return assumed, real, draw(st.integers(0, 2**32))


@settings(max_examples=50, deadline=None)
@given(worlds())
def test_no_fleet_passes_the_cap_while_the_world_is_as_assumed(world):
    assumed, real, seed = world
    assert Fleet(seed, assumed, real).played() <= FULL


CALM = Real(missed_polls=0, missed_reads=0, crashes=0)
UNEVEN = {"even": CALM, "hot writer": replace(CALM, hot=True), "burst": replace(CALM, burst=5.0)}


@pytest.mark.parametrize("rule", [LAST_POLLED, OWN_BYTES])
@pytest.mark.parametrize("shape", UNEVEN)
def test_the_naive_rules_pass_the_cap_in_the_same_worlds(rule, shape):
    played = [Fleet(seed, Assumed(), UNEVEN[shape], rule).played() for seed in range(5)]
    if (rule, shape) == (OWN_BYTES, "hot writer"):
        assert max(played) > FULL  # what the statistics do not know yet is forgotten at each poll
    else:
        assert min(played) > FULL


def test_the_larger_of_both_periods_passes_the_cap_of_a_store_that_books_late():
    """What is new is not seen beside what is old, so the rest of the old cap is given out again and again."""
    assumed = Assumed(grace_s=2400)
    late = replace(CALM, rollover_poll=20, books_late_s=2300, polls=60, demand_ppm=2_000_000)
    assert min(Fleet(seed, assumed, late, LARGER).played() for seed in range(3)) > FULL
    assert max(Fleet(seed, assumed, late).played() for seed in range(3)) <= FULL


@pytest.mark.parametrize("shape", UNEVEN)
def test_grants_use_the_cap_well_where_the_naive_rules_pass_it(shape):
    assert min(Fleet(seed, Assumed(), replace(UNEVEN[shape], polls=90), GRANTS).played() for seed in range(3)) > 930_000


@pytest.mark.parametrize("repositories", [2, 5])
def test_repositories_that_share_a_bucket_hold_its_cap_by_the_sum_of_their_fleets(repositories):
    real = replace(CALM, fleets=(3,) * repositories, demand_ppm=6_000_000)
    assumed = Assumed(writers=3 * repositories)
    assert max(Fleet(seed, assumed, real).played() for seed in range(3)) <= FULL


def test_dividing_a_shared_grant_by_the_own_fleet_alone_passes_the_cap():
    real = replace(CALM, fleets=(3,) * 5, own_fleet_only=True, demand_ppm=20_000_000)
    assert min(Fleet(seed, Assumed(writers=15), real).played() for seed in range(2)) > 1_100_000


@given(st.integers(0, 2**53), st.integers(0, 2**53), st.lists(st.integers(0, 2**40), max_size=6), st.integers(0, 10**6))
def test_use_that_is_not_known_yet_and_the_new_grant_fit_under_the_cap(cap, used, sizes, as_of):
    terms = Terms(60_000, 120_000, 90_000, 2_000, 300_000)
    earlier = tuple(Grant(str(n), "hard", size, 100_000 * n) for n, size in enumerate(sizes))
    made = share_out((cap // 2, cap), used, earlier, name="s", now_ms=as_of + 120_000, as_of_ms=as_of, terms=terms)

    new = {g.tier: g.size for g in made.grants}
    out = outstanding(earlier, "hard", as_of, terms)
    assert new["hard"] == 0 or used + out + new["hard"] <= cap
    assert new["hard"] * terms.rounds <= max(0, cap - used)
    assert sum(g.size for g in made.earlier) == out, "what is settled is forgotten, nothing else"


def test_the_number_of_rounds_is_the_one_of_the_specification():
    assert Terms(60_000, 120_000, 90_000, 2_000, 300_000).rounds == 10
    assert Terms(60_000, 0, 60_000, 0, 0).rounds == 2
    assert grant(1000, 100, 0, 10) == 90
    assert grant(1000, 100, 850, 10) == 50
    assert grant(1000, 2000, 0, 10) == 0


def test_when_the_poller_dies_the_bucket_closes_by_itself():
    real = replace(CALM, demand_ppm=3_000_000)
    fleet = Fleet(1, Assumed(), replace(real, missed_polls=0.0))
    fleet.real = replace(fleet.real, polls=30)
    polls = iter(range(30))
    original = fleet._poll
    fleet._poll = lambda now: original(now) if next(polls) < 3 else None
    fleet.played()
    last = fleet.snapshots[-1][1].buckets["b"].expires_ms
    assert max(u.ends_ms for u in fleet.uploads) <= last + 60_000
