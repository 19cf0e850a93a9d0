import pytest
from policy_guide import GUIDE, IDS, content_of, finished, guide

from fbplan.errors import FbplanError
from fbplan.policy.document import Ids, finish, spec_digest
from fbplan.policy.published import Published, needs_publishing, next_generation, publish, read_published
from fbplan.spec.model import Spec

NOTHING = Published(None, None)


@pytest.mark.parametrize(
    ("ledger", "published", "expected"),
    [
        (None, NOTHING, 1_800_000_000),
        (41, NOTHING, 42),
        (None, Published(finished(generation=50), None), 51),
        (60, Published(finished(generation=50), None), 61),
        (41, Published(finished(generation=50), None), 51),
        (41, Published(None, "its digest does not match"), 42),
        (None, Published(None, "its digest does not match"), 1_800_000_000),
        (0, NOTHING, 1),
    ],
)
def test_a_generation_only_rises(ledger, published, expected):
    assert next_generation(ledger, published, 1_800_000_000) == expected


def test_the_largest_generation_has_no_next():
    with pytest.raises(FbplanError, match="largest"):
        next_generation(2**53 - 1, NOTHING, 1)


def test_nothing_needs_publishing_when_the_file_says_the_same():
    content = content_of(GUIDE)
    assert needs_publishing(Published(finished(), None), content, IDS, spec_digest(content)) is None


def test_a_statement_of_a_default_needs_no_publishing():
    written = guide()
    written["repositories"]["app-data"]["routing"]["address"] = "name"
    spec = Spec.model_validate(written)
    assert needs_publishing(Published(finished(), None), content_of(written), IDS, spec_digest(spec)) is None


def test_each_reason_to_publish_is_told():
    content = content_of(GUIDE)
    digest, there = spec_digest(content), Published(finished(), None)
    written = guide()
    written["buckets"]["app-logs-gcp"]["soft_cap"]["limit"] = "600GB"
    other_repository = Ids({"app-data": "repo-2"}, IDS.buckets, IDS.keys)
    other_key = Ids(IDS.repositories, IDS.buckets, {**IDS.keys, "api_key.app-data.writer": "FBKEY9"})
    no_id_yet = Ids({}, IDS.buckets, IDS.keys)
    assert [
        needs_publishing(NOTHING, content, IDS, digest),
        needs_publishing(Published(None, "its digest does not match"), content, IDS, digest),
        needs_publishing(there, content_of(written), IDS, digest),
        needs_publishing(there, content, other_repository, digest),
        needs_publishing(there, content, other_key, digest),
        needs_publishing(there, content, no_id_yet, digest),
        needs_publishing(there, content, IDS, "sha256:" + "0" * 64),
    ] == [
        "no policy is published yet",
        "the published policy cannot be used: its digest does not match",
        "the content of the policy differs",
        "remote ids in the policy differ",
        "remote ids in the policy differ",
        "remote ids in the policy differ",
        "the policy was made from other API keys of the spec",
    ]


def test_publishing_settles_every_reason(tmp_path):
    path = tmp_path / "routing-policy.json"
    content = content_of(GUIDE)
    digest = spec_digest(content)
    for ids in (IDS, Ids(IDS.repositories, IDS.buckets, {})):
        publish(path, finish(content, ids, next_generation(1, read_published(path), 5), digest))
        assert needs_publishing(read_published(path), content, ids, digest) is None
