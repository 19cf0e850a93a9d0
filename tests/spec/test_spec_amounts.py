"""Sizes, percentages and durations are read exactly, or refused with a way to write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from fbplan.kinds.amounts import (
    MAX_BYTES,
    MAX_SECONDS,
    parse_duration,
    parse_limit,
    parse_millis,
    parse_ratio,
    parse_size,
)

UNITS = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "PiB": 2**50,
}


@pytest.mark.parametrize(
    ("written", "size"),
    [
        *((f"3{unit}", 3 * scale) for unit, scale in UNITS.items()),
        ("500GB", 500_000_000_000),
        ("1.5TiB", 1_649_267_441_664),
        ("0.001kB", 1),
        ("1.000kB", 1000),
        ("2.50 GB", 2_500_000_000),
        ("0B", 0),
        (0, 0),
        (42, 42),
        (MAX_BYTES, MAX_BYTES),
        ("9007199254740991B", MAX_BYTES),
    ],
)
def test_a_size_is_exact(written: object, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("500G", "write 500GB (decimal) or 500GiB (binary)"),
        ("1.5T", "write 1.5TB (decimal) or 1.5TiB (binary)"),
        ("10k", "write 10kB (decimal) or 10KiB (binary)"),
        ("500gb", "write 500GB (decimal) or 500GiB (binary)"),
        ("500Gb", "write 500GB (decimal) or 500GiB (binary)"),
        ("5gi", "write 5GB (decimal) or 5GiB (binary)"),
        ("9" * 5000 + "G", "write it like 500GB"),
    ],
)
def test_a_unit_with_two_readings_is_refused_with_both(written: str, fix: str) -> None:
    assert fix_of(parse_size, written) == fix


@pytest.mark.parametrize(
    "written",
    [
        "",
        "GB",
        "-1GB",
        "1,5GB",
        "1.GB",
        ".5GB",
        "1e3B",
        "500",
        "0.5B",
        "1.0001kB",
        "8PiB",
        "٥GB",
        "5 G B",
        "1GBB",
        True,
        False,
        1.5,
        None,
        [],
        {},
        -1,
        MAX_BYTES + 1,
        10**400,
        "1" * 5000 + "B",
        "5GB\n",
    ],
)
def test_what_is_no_exact_size_is_refused(written: object) -> None:
    assert fix_of(parse_size, written)


@given(st.integers(0, 8000), st.sampled_from(sorted(UNITS)))
def test_every_whole_number_of_a_unit_is_that_many_bytes(count: int, unit: str) -> None:
    size = count * UNITS[unit]
    if size <= MAX_BYTES:
        assert parse_size(f"{count}{unit}") == size


@pytest.mark.parametrize(
    ("written", "ppm"),
    [("0%", 0), ("80%", 800_000), ("97.5%", 975_000), ("0.0001%", 1), ("100%", 1_000_000), ("33.3333 %", 333_333)],
)
def test_a_percentage_is_exact(written: str, ppm: int) -> None:
    assert parse_ratio(written) == ppm


@pytest.mark.parametrize(
    "written", ["80", "100.0001%", "101%", "-1%", "0.00001%", "%", "", 0.8, 80, None, "٥%", "1e2%"]
)
def test_what_is_no_percentage_is_refused(written: object) -> None:
    assert fix_of(parse_ratio, written)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("45s", 45),
        ("30m", 1800),
        ("72h", 259_200),
        ("90d", 7_776_000),
        ("2w", 1_209_600),
        ("0s", 0),
        ("36500d", MAX_SECONDS),
        ("5 d", 432_000),
    ],
)
def test_a_duration_is_exact(written: str, seconds: int) -> None:
    assert parse_duration(written) == seconds
    assert parse_millis(written) == seconds * 1000


def test_milliseconds_are_only_for_short_waits() -> None:
    assert parse_millis("250ms") == 250
    assert fix_of(parse_duration, "250ms") == "write it like 90d, 72h, 30m or 45s"


@pytest.mark.parametrize(
    "written", ["90", "1h30m", "1.5h", "-1d", "d", "", "36501d", "9" * 5000 + "s", "1y", 90, None, "٥d"]
)
def test_what_is_no_duration_is_refused(written: object) -> None:
    assert fix_of(parse_duration, written)
    assert fix_of(parse_millis, written)


def test_a_limit_may_be_unlimited() -> None:
    assert parse_limit("unlimited") == "unlimited"
    assert parse_limit("1GB") == 10**9
    assert fix_of(parse_limit, "Unlimited")


def fix_of(parse: Callable[[object], object], written: object) -> str:
    with pytest.raises(PydanticCustomError) as caught:
        parse(written)
    context = caught.value.context
    assert context is not None
    assert len(context["fix"]) < 120
    return str(context["fix"])
