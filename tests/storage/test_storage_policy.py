"""The routing policy in an object store: published like a file, whole or not at all."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner
from obstore.store import MemoryStore
from rig import Rig
from storage_places import CANARIES, S3

from fbplan.cli.main import cli
from fbplan.cli.pipeline import Planned
from fbplan.errors import AuthenticationFailed, FbplanError, Unreachable
from fbplan.outcome import Result
from fbplan.policy.place import ObjectPlace, place_of
from fbplan.storage import Blob, open_document, open_storage
from fbplan.storage.document import Document
from fbplan.storage.object_calls import Calls

SPEC = """
policy: {path: URL}
buckets:
  b1: {bucket: acme-1, storage_type: S3, region: us-east-1, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
repositories:
  r1: {storage_type: S3, mode: NORMAL, buckets: [{bucket: b1, folder: f1}]}
"""
WIDER = SPEC.replace("limit: 1GB", "limit: 2GB")


@pytest.fixture
def url(s3: S3) -> str:
    return f"s3://acme/{uuid.uuid4().hex}/routing-policy.json"


def test_an_apply_publishes_the_policy_and_the_next_plan_is_empty(rig: Rig, folder_url: str, tmp_path: Path) -> None:
    url = f"{folder_url}/routing-policy.json"
    rig.spec(SPEC.replace("URL", url))

    report = rig.apply()

    published = place_of(url, tmp_path).read()
    assert report.policy.startswith("generation ")
    assert published.problem is None
    assert published.document is not None
    assert list(published.document["buckets"]) == ["b1"]
    assert rig.plan().policy is None or not rig.plan().policy.publishes


def test_each_publication_has_a_higher_generation(rig: Rig, folder_url: str, tmp_path: Path) -> None:
    url = f"{folder_url}/routing-policy.json"
    rig.spec(SPEC.replace("URL", url))
    rig.apply()
    first = place_of(url, tmp_path).read().generation

    rig.spec(WIDER.replace("URL", url))
    rig.apply()

    assert first is not None
    assert place_of(url, tmp_path).read().generation == first + 1


def test_a_policy_that_somebody_altered_is_a_change(rig: Rig, url: str, tmp_path: Path) -> None:
    rig.spec(SPEC.replace("URL", url))
    rig.apply()
    whole = place_of(url, tmp_path).read().document
    assert whole is not None
    document = open_document(url, "", "")
    stands = document.read()
    assert stands is not None
    document.write(json.dumps({**whole, "generation": 1}).encode(), stands.tag)

    plan = rig.plan()

    assert plan.policy is not None
    assert plan.policy.publishes
    assert "cannot be used" in plan.policy.why


def test_a_plan_whose_object_store_does_not_answer_says_so(
    s3: S3, rig: Rig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.spec(SPEC.replace("URL", url))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FBPLAN_STORAGE_TIMEOUT", "1")

    with pytest.raises(Unreachable) as caught:
        rig.plan()

    assert url in str(caught.value)


def test_an_apply_that_cannot_publish_removes_nothing(s3: S3, rig: Rig, url: str) -> None:
    rig.spec(SPEC.replace("URL", url))
    rig.apply()
    planned = _narrowed(rig, url)
    s3.script += [("PUT", "routing-policy.json", ""), ("PUT", "routing-policy.json", "denied")]  # not when asked first

    report = rig.execute(planned)

    told = {outcome.step: outcome.result for outcome in report.outcomes}
    assert told["policy:publish"] is Result.FAILED
    assert [result for step, result in told.items() if "b2" in step] == [Result.SKIPPED]
    assert rig.ids("bucket").keys() == {"b1", "b2"}


def test_an_apply_that_may_not_publish_writes_nothing_to_the_api(s3: S3, rig: Rig, url: str, tmp_path: Path) -> None:
    rig.spec(SPEC.replace("URL", url))
    planned = rig.planned()
    s3.script += [("PUT", "routing-policy.json", "denied")]

    with pytest.raises(AuthenticationFailed, match="could not be published, so nothing was begun") as caught:
        rig.execute(planned)

    assert caught.value.where == url
    assert "it refused the credentials (SignatureDoesNotMatch)" in caught.value.why
    assert rig.calls() == []
    assert open_storage(planned.plan.ledger, rig.folder).names("") == ["lock"]
    assert place_of(url, tmp_path).read().document is None


def test_an_apply_without_credentials_for_the_policy_writes_nothing_to_the_api(
    s3: S3, rig: Rig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.spec(SPEC.replace("URL", url))
    planned = rig.planned()
    for name in CANARIES:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1")

    with pytest.raises(AuthenticationFailed, match="could not be published") as caught:
        rig.execute(planned)

    assert "no credentials were found" in caught.value.why
    assert "AWS_ACCESS_KEY_ID" in caught.value.next
    assert rig.calls() == []


def test_asking_whether_one_may_publish_changes_nothing(folder_url: str, tmp_path: Path) -> None:
    document = open_document(f"{folder_url}/routing-policy.json", "", "")
    place = ObjectPlace(document)

    place.require_publishable()
    assert document.read() is None

    document.write(b"what stands there", None)
    before = document.read()
    place.require_publishable()
    assert document.read() == before  # its tag, too: it is the same version


def test_a_bucket_that_is_not_there_is_told_before_anything_is_published(folder_url: str, tmp_path: Path) -> None:
    scheme, _, rest = folder_url.partition("://")
    document = open_document(f"{scheme}://nowhere-{uuid.uuid4().hex[:8]}/{rest.partition('/')[2]}", "", "")

    with pytest.raises(FbplanError, match="could not be published, so nothing was begun") as caught:
        ObjectPlace(document).require_publishable()
    assert "the bucket is not there" in caught.value.why

    with pytest.raises(FbplanError) as caught:
        document.calls.would_write("policy.json", b"{}")
    assert caught.value.why == "the bucket is not there"


@pytest.mark.parametrize("stands", [None, b"what stands there"])
def test_a_store_that_ignores_conditions_holds_what_it_held_before(s3: S3, url: str, stands: bytes | None) -> None:
    document = open_document(url, "", "")
    if stands is not None:
        document.write(stands, None)
    s3.ignores_conditions = True

    ObjectPlace(document).require_publishable()

    found = document.read()
    assert (None if found is None else found.content) == stands


def _narrowed(rig: Rig, url: str) -> Planned:
    both = SPEC.replace("URL", url).replace(
        "repositories:",
        "  b2: {bucket: acme-2, storage_type: S3, region: us-east-1, key: {env: K}, secret: {env: S}}\nrepositories:",
    )
    rig.spec(both)
    rig.apply()
    rig.spec(WIDER.replace("URL", url))
    return rig.planned()


class Late(Document):
    """An object that another writer gets to between the look and the write."""

    def read(self) -> Blob | None:
        found = Document.read(self)
        self.calls.put(self.key, b"{}", None if found is None else found.tag)
        return found


def test_another_publisher_in_between_is_noticed() -> None:
    home = Late(Calls(MemoryStore(), "memory"), "memory", "routing-policy.json")

    with pytest.raises(FbplanError, match="somebody else's"):
        ObjectPlace(home).publish({"format": "fbplan.routing/1"})

    assert ObjectPlace(home).read().document is None


def test_policy_check_and_render_take_the_url(rig: Rig, url: str) -> None:
    rig.spec(SPEC.replace("URL", url))
    rig.apply()

    checked = CliRunner().invoke(cli, ["policy", "check", url])
    rendered = CliRunner().invoke(cli, ["policy", "render", url, "--format", "env"])

    assert (checked.exit_code, checked.output) == (0, f"{url}: good\n")
    assert rendered.exit_code == 0
    assert "b1" in rendered.output
