"""docs/caps.md: what a cap holds under the assumptions of the grants, and what each of them costs when it is wrong."""

from __future__ import annotations

from dataclasses import replace

from fleet_model import GRANTS, LARGER, LAST_POLLED, OWN_BYTES, Assumed, Fleet, Real

SEEDS = range(4)
HARD = Real(missed_polls=0.1, missed_reads=0.1, crashes=0.01, burst=5.0, demand_ppm=3_000_000, polls=40)
ASSUMED = Assumed(grace_s=600)
SHARED = replace(HARD, fleets=(2, 2, 2), demand_ppm=20_000_000)
ROLLS = replace(HARD, rollover_poll=20, books_late_s=590, demand_ppm=2_000_000)

HOLDS: tuple[tuple[str, Assumed, Real], ...] = (
    ("a fleet of six, a burst of five times, missed polls, crashes", ASSUMED, HARD),
    ("one writer of the six has nearly all of the load", ASSUMED, replace(HARD, hot=True)),
    ("three repositories of two writers each share the bucket", ASSUMED, SHARED),
    ("a month begins, and the store books to the old one for as long as `rollover_grace_s` says", ASSUMED, ROLLS),
    (
        "somebody else writes 10 % of the cap, and `reserve` keeps 10 % for them",
        replace(ASSUMED, reserve_ppm=100_000),
        replace(HARD, foreign_ppm=100_000),
    ),
)
WRONG: tuple[tuple[str, Assumed, Real, str], ...] = (
    ("the statistics lag 5 minutes longer than `--max-lag`", ASSUMED, replace(HARD, lag_s=420), GRANTS),
    ("the statistics lag 20 minutes longer", ASSUMED, replace(HARD, lag_s=1320), GRANTS),
    ("uploads take 10 minutes longer than `max_upload_s`", ASSUMED, replace(HARD, upload_s=660), GRANTS),
    ("clocks are 10 minutes apart, `skew_s` says 2 seconds", ASSUMED, replace(HARD, skew_s=600), GRANTS),
    ("there are three times as many writers as `fleet.size` says", replace(ASSUMED, writers=2), HARD, GRANTS),
    ("each repository counts its own fleet alone", ASSUMED, replace(SHARED, own_fleet_only=True), GRANTS),
    ("somebody else writes 10 % of the cap, without a reserve", ASSUMED, replace(HARD, foreign_ppm=100_000), GRANTS),
    (
        "a writer in five forgets after a crash what it wrote",
        ASSUMED,
        replace(HARD, crashes=0.2, cautious=False),
        GRANTS,
    ),
    ("the store books to the old month for longer than the grace", replace(ASSUMED, grace_s=0), ROLLS, GRANTS),
)
RULES: tuple[tuple[str, Assumed, Real, str], ...] = (
    ("the use that was polled last", ASSUMED, HARD, LAST_POLLED),
    ("that, and the own bytes since", ASSUMED, replace(HARD, hot=True), OWN_BYTES),
    ("grants, but in the grace the larger of both months", replace(ASSUMED, grace_s=2400), replace(ROLLS, books_late_s=2300, polls=60), LARGER),
)  # fmt: skip


def _percent(assumed: Assumed, real: Real, rule: str = GRANTS) -> str:
    """The largest final use among the seeds, of what may be used at most."""
    return f"{max(Fleet(seed, assumed, real, rule).played() for seed in SEEDS) / 10_000:.1f} %"


def caps_text() -> str:
    """The document."""
    lines = [
        "# Caps that hold, and what they rest on",
        "",
        f"Made from runs of the fleet model in the tests ({len(SEEDS)} each), with the decision of the chooser and the grants of the poller.",
        f"Polls each {ASSUMED.poll_s} s, `--max-lag` {ASSUMED.lag_s} s, grants of {ASSUMED.ttl_s} s, uploads of up to {ASSUMED.upload_s} s; the writers would like to write three times the cap.",
        "Shown is the largest use at the end, in % of the hard cap.",
        "",
        "| as assumed | largest use |",
        "| --- | --- |",
        *(f"| {told} | {_percent(assumed, real)} |" for told, assumed, real in HOLDS),
        "",
        "| one assumption is wrong | largest use |",
        "| --- | --- |",
        *(f"| {told} | {_percent(assumed, real, rule)} |" for told, assumed, real, rule in WRONG),
        "",
        "| another rule, everything as assumed | largest use |",
        "| --- | --- |",
        *(f"| {told} | {_percent(assumed, real, rule)} |" for told, assumed, real, rule in RULES),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(caps_text())
