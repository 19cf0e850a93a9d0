"""What makes a policy or usage file unusable, and that nothing else does."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime_world import T0, ZERO, meter, policy_document, raw, usage_document

from fbplan.policy.canonical import digest_of as policy_digest
from fbplan.policy.compose import compose
from fbplan.policy.document import Ids, content_digest, finish, spec_digest
from fbplan.policy.reading import examine
from fbplan.runtime.accept import next_policy, next_usage
from fbplan.runtime.canonical import sealed
from fbplan.runtime.form import Unusable
from fbplan.runtime.policy import read_policy
from fbplan.runtime.times import date_of, day_number, stamp_ms, stamp_of
from fbplan.runtime.usage import read_usage
from fbplan.spec.model import Spec


def reason(read, content: bytes) -> str:
    with pytest.raises(Unusable) as refused:
        read(content)
    return refused.value.reason


def changed(document, **keys):
    return raw(sealed({**document, **keys}))


SPEC = {
    "version": 1,
    "workspace": "w",
    "buckets": {
        "gcp": {"bucket": "x", "storage_type": "GCS", "soft_cap": {"limit": "500GB", "soft": "80%", "hard": "95%"}},
        "azure": {
            "name": "Logs (Azure)",
            "bucket": "y",
            "storage_type": "BLOB",
            "soft_cap": [{"limit": "unlimited"}, {"meter": "stored_bytes", "limit": "2TiB"}],
        },
    },
    "repositories": {
        "app": {"storage_type": "S3", "buckets": [{"bucket": "gcp", "folder": "g"}, {"bucket": "azure", "folder": "a"}]}
    },
}


def test_the_policy_that_fbplan_publishes_is_read_with_its_defaults():
    spec = Spec.model_validate(SPEC)
    ids = Ids({"app": "r1"}, {"gcp": "b1", "azure": "b2"}, {})
    policy = read_policy(raw(finish(compose(spec), ids, 3, spec_digest(spec))))

    gcp, azure, repository = policy.buckets["gcp"], policy.buckets["azure"], policy.repositories["app"]
    assert (gcp.meters[0].soft, gcp.meters[0].hard, gcp.address) == (400_000_000_000, 475_000_000_000, "gcp")
    assert (azure.address, azure.written) == ("Logs (Azure)", ())
    assert (repository.deadline_ms, repository.ramp_ms, repository.on_expired) == (15_000, 120_000, "read_only")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "torn"),
        (b"{", "torn"),
        (b"\xff\xfe", "torn"),
        (raw(policy_document())[:-20], "torn"),
        (b"[" * 100_000, "torn"),
        (b"[]", "format"),
        (b"{}", "format"),
        (b'{"format":"fbplan.routing/1","generation":1.0}', "shape"),
        (b'{"a":1,"a":2}', "shape"),
        (changed(policy_document(), format="fbplan.routing/2"), "format"),
        (changed(policy_document(), min_reader=2), "reader"),
        (raw({**policy_document(), "generation": 8}), "digest"),
        (changed(policy_document(), generation=0), "shape"),
        (changed(policy_document(), generation=True), "shape"),
        (changed(policy_document(), buckets={}), "shape"),
        (raw(policy_document({"a": {"state": "paused"}})), "shape"),
        (raw(policy_document({"a": {"meters": [meter(1, soft_ppm=1_000_001)]}})), "shape"),
        (raw(policy_document({"a": {"meters": [{"meter": "ingress_bytes"}]}})), "shape"),
        (raw(policy_document({"a": {"meters": [{"meter": "requests", "limit": 1}]}})), "shape"),
        (raw(policy_document(select={"strategy": "cheapest"})), "shape"),
        (raw(policy_document(endpoint=None)), "shape"),
        (raw(policy_document(endpoints="https://a")), "shape"),
        (raw(policy_document(endpoints=["https://a", ""])), "shape"),
    ],
)
def test_a_policy_that_cannot_be_trusted_is_refused_with_a_reason(content, expected):
    assert reason(read_policy, content) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"format": "fbplan.usage/2"}, "format"),
        ({"min_reader": 2}, "reader"),
        ({"seq": 0}, "shape"),
        ({"published_at": "2026-11-18 10:00:00"}, "shape"),
        ({"published_at": "2026-02-29T10:00:00Z"}, "shape"),
        ({"as_of": 5}, "shape"),
        ({"poll_s": 0}, "shape"),
        ({"buckets": {"a": {}}}, "shape"),
        ({"buckets": {"a": {"quality": "fine", "meters": {}, "expires_at": stamp_of(T0)}}}, "shape"),
        ({"buckets": {"a": {"quality": "ok", "meters": {}, "expires_at": stamp_of(T0), "node": "AWAY"}}}, "shape"),
        ({"buckets": {"a": {"quality": "ok", "expires_at": stamp_of(T0)}}}, "shape"),
        ({"buckets": {"a b": {"quality": "ok", "meters": {}, "expires_at": stamp_of(T0)}}}, "shape"),
    ],
)
def test_a_usage_that_cannot_be_trusted_is_refused_with_a_reason(change, expected):
    assert reason(read_usage, changed(usage_document({"a": {"used": 1}}), **change)) == expected


def test_used_as_text_or_left_out_is_refused_and_never_zero():
    for used in ("401000000000", None, 1.5, -1, 2**53):
        document = usage_document({"a": {"used": 1}})
        document["buckets"]["a"]["meters"]["ingress_bytes"]["used"] = used
        assert reason(read_usage, json.dumps(document).encode()) in {"digest", "shape"}
        if not isinstance(used, float):
            assert reason(read_usage, changed(document)) == "shape"


def test_a_second_grant_of_a_tier_and_an_unknown_tier_are_refused():
    for tier in ("soft", "gold"):
        document = usage_document({"a": {"used": 1, "soft": 5}})
        document["buckets"]["a"]["meters"]["ingress_bytes"]["grants"].append({"id": "x", "tier": tier, "bytes": 1})
        assert reason(read_usage, changed(document)) == "shape"


def test_unknown_optional_keys_are_ignored_everywhere():
    policy, usage = policy_document(), usage_document({name: {"used": 1, "hint": [1]} for name in "abc"})
    policy["buckets"]["a"]["hint"] = policy["repositories"]["app"]["hint"] = {"x": None}
    usage["buckets"]["a"]["meters"]["requests"] = {"anything": True}

    assert read_policy(changed(policy, hint=[None])).generation == 7
    assert read_usage(changed(usage, hint="x")).buckets["a"].meters["ingress_bytes"].used == 1


def test_a_usage_without_a_meter_that_the_policy_caps_is_refused():
    policy = read_policy(raw(policy_document()))
    only_two = usage_document({"a": {"used": 1}, "b": {"used": 1}})

    assert reason(lambda content: next_usage(None, policy, content), raw(only_two)) == "meter"
    of_another = usage_document({"a": {"used": 1}}, generation=8)
    assert next_usage(None, policy, raw(of_another)).seq == 1, "it may know another policy than this reader does yet"


def test_generation_and_seq_only_rise():
    policy, usage = next_policy(None, raw(policy_document())), next_usage(None, None, raw(usage_document({}, seq=5)))

    assert reason(lambda c: next_policy(policy, c), raw(policy_document(generation=6))) == "older"
    assert reason(lambda c: next_policy(policy, c), raw(policy_document(mode="MIRROR"))) == "conflict"
    assert next_policy(policy, raw(policy_document())) == policy
    assert reason(lambda c: next_usage(usage, None, c), raw(usage_document({}, seq=4))) == "older"
    assert reason(lambda c: next_usage(usage, None, c), raw(usage_document({}, seq=5, poll_s=61))) == "conflict"


PLACES = st.sampled_from(
    [
        ("generation",),
        ("min_reader",),
        ("spec_digest",),
        ("repositories", "app", "order"),
        ("repositories", "app", "protocol"),
        ("repositories", "app", "fleet"),
        ("repositories", "app", "fleet", "size"),
        ("repositories", "app", "select", "hysteresis"),
        ("repositories", "app", "keys"),
        ("repositories", "app", "keys", "write"),
        ("repositories", "app", "endpoint"),
        ("buckets", "a", "state"),
        ("buckets", "a", "name"),
        ("buckets", "a", "writers"),
        ("buckets", "a", "folders"),
        ("buckets", "a", "meters"),
        ("buckets", "a", "region"),
        ("buckets", "a", "container"),
    ]
)
VALUES = st.sampled_from(
    [
        None,
        0,
        1,
        -1,
        2**53,
        True,
        "",
        "x",
        "S3",
        "active",
        [],
        {},
        ["a"],
        ["a", "b"],
        {"app": ""},
        {"size": 3},
        {"write": {"sink": "external"}},
        [meter(None)],
        [meter(5, pool=None)],
        [meter(5, period={"anchor_day": 29})],
    ]
)


@given(PLACES, VALUES)
def test_it_takes_and_refuses_what_fbplan_policy_check_does(place, value):
    document = policy_document()
    part = document
    for key in place[:-1]:
        part = part.setdefault(key, {})
    part[place[-1]] = value
    try:
        document["content_digest"] = content_digest(document)
        document["digest"] = policy_digest({k: v for k, v in document.items() if k != "digest"})
    except (ValueError, AttributeError, TypeError, KeyError):
        return  # not even a digest can be taken
    has_problem = bool(examine(document).problems)
    try:
        read_policy(raw(document))
    except Unusable:
        # an order that names what is not there is for the reader no policy; fbplan only reports it
        assert has_problem or place[-1] == "order"
    else:
        assert not has_problem


@given(st.integers(0, 253_402_300_799_999))
def test_times_survive_a_round_trip(ms):
    assert stamp_ms(stamp_of(ms)) == ms


@given(st.dates())
def test_dates_agree_with_the_library(day):
    from datetime import date

    number = (day - date(1970, 1, 1)).days
    assert (day_number(day.year, day.month, day.day), date_of(number)) == (number, (day.year, day.month, day.day))


USAGE_SCHEMA = jsonschema.Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "schemas/usage.schema.json").read_text(encoding="utf-8"))
)
USAGE_PLACES = st.sampled_from(
    [
        ("seq",),
        ("policy_digest",),
        ("policy_generation",),
        ("min_reader",),
        ("max_lag_s",),
        ("published_at",),
        ("buckets",),
        ("buckets", "a", "quality"),
        ("buckets", "a", "node"),
        ("buckets", "a", "writers"),
        ("buckets", "a", "samples"),
        ("buckets", "a", "meters"),
        ("buckets", "a", "meters", "ingress_bytes"),
        ("buckets", "a", "meters", "ingress_bytes", "used"),
        ("buckets", "a", "meters", "ingress_bytes", "period"),
        ("buckets", "a", "meters", "ingress_bytes", "resets_at"),
        ("buckets", "a", "meters", "ingress_bytes", "grants"),
    ]
)
USAGE_VALUES = st.sampled_from(
    [
        None,
        0,
        1,
        -1,
        2**53,
        True,
        "",
        "ok",
        "ONLINE",
        "2026-11-18T10:00:00Z",
        [],
        {},
        ZERO,
        [1],
        {"ingress_bytes": 1},
        [{"id": "1", "tier": "soft", "bytes": 5}],
        [{"id": "1", "tier": "gold", "bytes": 5}],
        [{"id": "1"}],
    ]
)


@given(USAGE_PLACES, USAGE_VALUES)
def test_the_reader_of_usage_keeps_to_its_schema(place, value):
    document = usage_document({"a": {"used": 1, "soft": 5}})
    part = document
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    document = sealed(document)
    try:
        read_usage(raw(document))
    except Unusable as refused:
        told = refused.reason
    else:
        told = None
    # a reader that is too old is no fault of the document
    assert told == "reader" or USAGE_SCHEMA.is_valid(document) == (told is None)
