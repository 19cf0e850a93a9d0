"""A ledger from before the last apply (its commit never reached git): what that apply made is met again, once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig import Rig

from fbplan.cli.reviewed import Request, planned_for
from fbplan.client.api import WriteClient
from fbplan.errors import ExitCode, FbplanError
from fbplan.ledger import Entry, Ledger, ledger_json, read_ledger
from fbplan.render.human import plan_text
from fbplan.storage import Files, open_storage

SPEC = """\
buckets:
  a: {{bucket: acme-a, storage_type: S3, region: r, key: {{env: K}}, secret: {{env: S}}, soft_cap: {{limit: 1GB}}}}
repositories:
  app: {{storage_type: S3, buckets: [{{bucket: a}}], api_keys: {{{keys}}}}}
"""


def with_sink(path: str) -> str:
    return SPEC.format(keys=f"w: {{access: WRITE, sink: {{file: {path}}}}}")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A key of two generations, of which the ledger on disk knows the first."""
    made = Rig(tmp_path / "rig")
    made.spec(with_sink("first.env"))
    assert made.apply().exit_code is ExitCode.OK
    ledger = made.folder / "fbplan.ledger.json"
    before = ledger.read_bytes()
    made.spec(with_sink("second.env"))
    assert made.apply().exit_code is ExitCode.OK
    ledger.write_bytes(before)
    yield made
    made.close()


def test_a_generation_that_the_ledger_does_not_know_is_adopted_if_its_sink_holds_it(rig: Rig) -> None:
    issued = rig.keys("app")["w.g2"]["key"]

    assert rig.apply().exit_code is ExitCode.OK

    assert set(rig.keys("app")) == {"w", "w.g2"}
    assert f"FB_KEY_ID={issued}\n" in (rig.folder / "second.env").read_text()
    assert not rig.plan().has_changes, plan_text(rig.plan())
    assert rig.plan().unmanaged["api_key"] == 0


def test_a_saved_plan_that_met_it_again_is_still_true_when_it_is_applied(rig: Rig) -> None:
    saved = rig.plan()

    storage = open_storage(saved.ledger, rig.folder)
    request = Request(rig.path, saved, yes=True, expect=None, allow=(), api_url=None, concurrency=4)
    planned = planned_for(request, None, WriteClient(rig.session), storage, rig.folder, ())
    assert rig.execute(planned).exit_code is ExitCode.OK

    assert set(rig.keys("app")) == {"w", "w.g2"}
    assert not rig.plan().has_changes, plan_text(rig.plan())


def test_no_second_key_bears_the_name_of_a_generation_that_nobody_owns(rig: Rig) -> None:
    rig.spec(with_sink("third.env"))

    assert rig.apply().exit_code is ExitCode.OK

    assert set(rig.keys("app")) == {"w", "w.g2", "w.g3"}
    assert f"FB_KEY_ID={rig.keys('app')['w.g3']['key']}\n" in (rig.folder / "third.env").read_text()
    assert f"FB_KEY_ID={rig.keys('app')['w.g2']['key']}\n" in (rig.folder / "second.env").read_text()
    assert not rig.plan().has_changes, plan_text(rig.plan())


def test_L7_a_key_whose_sink_holds_what_is_owned_changes_nothing_about_a_generation_that_nobody_owns(rig: Rig) -> None:
    rig.spec(with_sink("first.env"))
    assert rig.plan().changes == ()

    rig.spec(SPEC.format(keys=""))
    assert rig.apply().exit_code is ExitCode.OK

    assert set(rig.keys("app")) == {"w.g2"}
    assert not rig.plan().has_changes, plan_text(rig.plan())


def test_a_key_that_is_adopted_in_the_place_of_one_that_is_gone_is_owned_after_its_rotation(rig: Rig) -> None:
    home = rig.ids("repository")["app"]
    for key in rig.keys("app").values():
        rig.http("DELETE", f"/repo/{home}/apikey/{key['id']}")
    rig.http("POST", f"/repo/{home}/apikey", {"name": "w", "accessType": "WRITE"})

    assert rig.apply().exit_code is ExitCode.OK

    assert set(rig.keys("app")) == {"w", "w.g2"}
    assert rig.plan().unmanaged["api_key"] == 0


def test_a_number_that_no_generation_has_is_part_of_somebody_elses_name(rig: Rig) -> None:
    home = rig.ids("repository")["app"]
    for name in ("w.g" + "9" * 5_000, "w.g0", "w.g03"):
        rig.http("POST", f"/repo/{home}/apikey", {"name": name, "accessType": "WRITE"})

    rig.spec(with_sink("third.env"))
    assert rig.apply().exit_code is ExitCode.OK

    assert "w.g3" in rig.keys("app")
    assert rig.plan().unmanaged["api_key"] == 4


@pytest.mark.parametrize(
    ("field", "value"), [("serial", 1e400), ("drains", {"bucket.a": 1e400}), ("written_at", 1e400), ("digests", [1])]
)
def test_a_ledger_whose_fields_are_of_another_kind_is_damaged(tmp_path: Path, field: str, value: object) -> None:
    storage = Files(tmp_path / "fbplan.ledger.json")
    document = ledger_json(Ledger(entries={"bucket.a": Entry("1", "a")}))
    (document["resources"]["bucket.a"] if field == "digests" else document)[field] = value
    body = json.dumps({k: v for k, v in document.items() if k != "digest"}, sort_keys=True, separators=(",", ":"))
    document["digest"] = hashlib.sha256(body.encode()).hexdigest()
    (tmp_path / "fbplan.ledger.json").write_text(json.dumps(document))

    with pytest.raises(FbplanError, match="the ledger is damaged"):
        read_ledger(storage)
