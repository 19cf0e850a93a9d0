"""What holds for every spec."""

import json
import re
import tempfile
from pathlib import Path

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from fbplan.kinds.routing import URL_PATTERN
from fbplan.policy.canonical import canonical
from fbplan.policy.changes import describe
from fbplan.policy.check import check_file
from fbplan.policy.compose import compose, routed_names
from fbplan.policy.document import Ids, content_digest, finish, spec_digest
from fbplan.policy.format import policy_schema
from fbplan.policy.published import Published, needs_publishing, publish, read_published
from fbplan.policy.render import render
from fbplan.spec.model import Spec

SCHEMA = jsonschema.Draft202012Validator(json.loads(policy_schema()))
CANARY = "canary"

# few, so that two specs often speak of the same thing; some are keys of the format too
names = st.sampled_from(["a", "b", "B-1", "key_id", "keys", "order"])
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
percents = st.integers(0, 100)
spans = st.integers(0, 999_999).map("{}s".format)


def block(**keys):
    return st.fixed_dictionaries({}, optional=keys)


@st.composite
def caps(draw, meter):
    soft, hard = sorted((draw(percents), draw(percents)))
    period = draw(
        st.sampled_from([{}, {"period": "none"}, {"period": "month", "anchor_day": 28}, {"tz": "Europe/Paris"}])
    )
    limit = draw(st.just("unlimited") | st.integers(0, 2**53 - 1))
    shares = draw(st.sampled_from([{}, {"soft": f"{soft}%", "hard": f"{hard}%"}, {"reserve": f"{soft}%"}]))
    return {"meter": meter, "limit": limit, **period, **shares}


buckets = st.builds(
    lambda required, optional: {**required, **optional},
    st.fixed_dictionaries({"bucket": texts, "storage_type": st.sampled_from(["S3", "GCS", "BLOB"])}),
    block(
        name=texts,
        provider=texts,
        region=texts,
        endpoint=st.just(f"https://{CANARY}"),
        key=st.just({"env": f"{CANARY}_KEY"}),
        secret=st.sampled_from([{"env": f"{CANARY}_SECRET"}, {"file": f"/run/{CANARY}"}, {"exec": [CANARY, CANARY]}]),
        state=st.sampled_from(["active", "drain", "closed"]),
        soft_cap=st.lists(st.sampled_from(["ingress_bytes", "egress_bytes", "stored_bytes"]), unique=True).flatmap(
            lambda meters: st.tuples(*map(caps, meters)).map(list)
        ),
    ),
)
sinks = st.sampled_from([{"file": "secrets/a.env"}, {"exec": ["vault", CANARY]}, "external"])
keys = st.dictionaries(
    names, st.fixed_dictionaries({"access": st.sampled_from(["READ", "WRITE", "ADMIN"]), "sink": sinks}), max_size=3
)
urls = texts.map(lambda text: f"https://a.example/{text.replace(' ', '')}").filter(re.compile(URL_PATTERN).match)
routings = block(
    endpoint=urls | st.lists(urls, min_size=1, max_size=3, unique=True),
    address=st.sampled_from(["name", "container", "folder"]),
    fleet=block(size=st.integers(1, 100_000), skew=spans, max_upload=spans, grant_ttl=spans),
    valid=block(stale_after=spans, expires_after=spans, on_expired=st.sampled_from(["read_only", "continue"])),
    select=block(
        strategy=st.sampled_from(["ordered", "latency"]),
        hysteresis=block(reopen=percents.map("{}%".format), ramp=spans),
    ),
    retry=block(deadline=spans, per_try=spans, max_hops=st.integers(0, 16)),
    drain=spans,
)


@st.composite
def written_specs(draw):
    written = {
        "version": 1,
        "workspace": CANARY,
        "buckets": draw(st.dictionaries(names, buckets, max_size=5)),
        "repositories": {},
    }
    for name in draw(st.lists(names, max_size=3, unique=True)):
        attached = (
            draw(st.lists(st.sampled_from(sorted(written["buckets"])), unique=True)) if written["buckets"] else []
        )
        repository = {
            "storage_type": draw(st.sampled_from(["S3", "GCS", "BLOB"])),
            "buckets": [{"bucket": bucket, "folder": draw(st.just("") | texts)} for bucket in attached],
            "routing": draw(routings),
            "api_keys": draw(keys),
        }
        if draw(st.booleans()):
            repository["mode"] = draw(st.sampled_from(["NORMAL", "MIRROR"]))
        if attached and draw(st.booleans()):
            repository["routing"]["order"] = draw(st.permutations(attached))[: draw(st.integers(0, len(attached)))]
        written["repositories"][name] = repository
    return written


def ids_of(content, salt=""):
    return Ids(
        {name: f"{salt}repo-{name}" for name in content.body["repositories"]},
        {name: f"{salt}bucket-{name}" for name in content.body["buckets"]},
        {address: f"{salt}key-{address}" for address in content.key_addresses.values()},
    )


def nodes(value):
    yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(child)


@settings(max_examples=80, deadline=None)
@given(written_specs())
def test_a_policy_of_any_spec_is_valid_exact_and_free_of_secrets(written):
    content = compose(Spec.model_validate(written))
    document = finish(content, ids_of(content), 1, spec_digest(content))

    assert list(SCHEMA.iter_errors(document)) == []
    assert all(value is None or type(value) in {str, int, dict, list} for value in nodes(document))
    assert CANARY not in canonical(document).decode()
    assert routed_names(content) <= set(content.body["buckets"])

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "routing-policy.json")
        publish(path, document)
        assert check_file(path) == []
        assert needs_publishing(read_published(path), content, ids_of(content), spec_digest(content)) is None


@settings(max_examples=80, deadline=None)
@given(written_specs(), st.randoms(use_true_random=False))
def test_the_order_of_keys_and_the_ids_do_not_change_what_a_policy_says(written, random):
    def shuffled(mapping):
        return dict(random.sample(sorted(mapping.items()), len(mapping)))

    other = shuffled(written) | {key: shuffled(written[key]) for key in ("buckets", "repositories")}
    one, two = compose(Spec.model_validate(written)), compose(Spec.model_validate(other))
    first, second = finish(one, ids_of(one), 1, "x"), finish(two, ids_of(two, salt="new-"), 9, "y")
    assert canonical(one.to_json()) == canonical(two.to_json())
    assert first["content_digest"] == second["content_digest"] == content_digest(one)
    assert spec_digest(one) == spec_digest(two)


@settings(max_examples=80, deadline=None)
@given(written_specs(), written_specs())
def test_two_policies_have_described_differences_exactly_when_their_content_differs(before, after):
    one, two = compose(Spec.model_validate(before)), compose(Spec.model_validate(after))
    was, will = finish(one, ids_of(one), 1, spec_digest(one)), finish(two, ids_of(two), 2, spec_digest(two))
    lines = describe(was, will)
    assert bool(lines) == (was["content_digest"] != will["content_digest"])
    assert all(line.isprintable() for line in lines)
    assert (needs_publishing(Published(was, None), two, ids_of(two), spec_digest(two)) is None) == (
        was["content_digest"] == will["content_digest"] and was["spec_digest"] == will["spec_digest"]
    )


@settings(max_examples=50, deadline=None)
@given(written_specs())
def test_any_policy_can_be_read_by_a_person(written):
    content = compose(Spec.model_validate(written))
    rendered = render(finish(content, ids_of(content), 1, "x"), "markdown")
    tables = [line for line in rendered.splitlines() if line.startswith("|")]
    assert all(line.count("|") == 7 for line in tables)
