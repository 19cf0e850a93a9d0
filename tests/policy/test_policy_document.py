import pytest
from policy_guide import GOLDEN, GUIDE, IDS, content_of, finished, guide

from fbplan.errors import FbplanError
from fbplan.policy.canonical import canonical
from fbplan.policy.compose import UNKNOWN
from fbplan.policy.document import Ids, content_digest, finish, preview, spec_digest
from fbplan.spec.model import Spec


def test_content_digest_ignores_ids_generation_and_digests():
    other = Ids({"app-data": "r"}, {"app-logs-gcp": "1", "app-logs-aws": "2", "app-logs-azure": "3"}, {})
    moved = finished(generation=7, ids=other)
    assert moved["digest"] != GOLDEN["digest"]
    assert (
        moved["content_digest"]
        == content_digest(moved)
        == content_digest(content_of(GUIDE))
        == GOLDEN["content_digest"]
    )


def test_content_digest_sees_a_repository_that_is_called_like_an_id():
    named = {"repositories": {"key_id": {"repo_id": "1", "order": []}}, "buckets": {}}
    assert content_digest(named) != content_digest({"repositories": {}, "buckets": {}})


def test_specs_that_differ_in_key_order_only_are_equal():
    written = guide()
    backwards = {key: written[key] for key in reversed(written)}
    backwards["buckets"] = {key: written["buckets"][key] for key in reversed(written["buckets"])}
    assert finished(backwards) == GOLDEN
    assert canonical(content_of(backwards).body) == canonical(content_of(written).body)


def test_an_edit_outside_the_routing_part_leaves_the_spec_digest_alone():
    written = guide()
    written |= {"limits": {"max_deletes": 9}, "ledger": "other.json", "workspace": "other"}
    written["buckets"]["app-logs-gcp"] |= {"protect": True, "secret": {"env": "OTHER"}}
    written["buckets"]["not-attached"]["bucket"] = "moved"
    assert spec_digest(Spec.model_validate(written)) == GOLDEN["spec_digest"]


def test_the_spec_digest_tells_which_key_is_meant():
    written = guide()
    keys = written["repositories"]["app-data"]["api_keys"]
    keys["scribe"] = keys.pop("writer")
    content = content_of(written)
    assert content_digest(content) == GOLDEN["content_digest"]
    assert spec_digest(content) != GOLDEN["spec_digest"]


def test_finish_names_every_id_that_is_missing():
    with pytest.raises(FbplanError) as caught:
        finish(content_of(GUIDE), Ids({}, {"app-logs-gcp": "1", "app-logs-aws": "2"}, {}), 1, "sha256:" + "0" * 64)
    assert "no remote id is known for repository.app-data, bucket.app-logs-azure" in str(caught.value)


def test_a_key_id_that_is_not_known_is_left_out_when_published_and_shown_as_pending_before():
    content = content_of(GUIDE)
    ids = Ids(IDS.repositories, IDS.buckets, {})
    keys = {"write": {"sink": "file:secrets/app-data-writer.env"}, "read": {"sink": "exec"}}
    assert finish(content, ids, 1, "x")["repositories"]["app-data"]["keys"] == keys
    pending = preview(content, Ids({}, {}, {}), 1, "x")["repositories"]["app-data"]
    assert pending["repo_id"] == pending["keys"]["write"]["key_id"] == UNKNOWN
    assert content.body["repositories"]["app-data"]["keys"]["write"]["key_id"] == UNKNOWN, "content is never changed"
