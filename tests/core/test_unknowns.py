"""What nobody documents about the API, both ways: one story under every value of every switch of the emulator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from rig import Rig

from fbplan.emulator import switches
from fbplan.errors import ExitCode
from fbplan.plan import Action
from fbplan.render.human import plan_text

START = """
credentials:
  main: {provider: AWS, key: {env: K2}, secret: {env: S2}, version: 1, region: eu}
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r, credential: main, soft_cap: {limit: 1GB}}
  b: {bucket: acme-b, storage_type: BLOB, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
repositories:
  app:
    storage_type: S3
    buckets: [{bucket: a, folder: a}, {bucket: b, folder: b}]
    api_keys: {w: {access: WRITE, sink: {file: w.env}}}
"""
LESS = (
    START.replace(", {bucket: b, folder: b}", "")
    .replace(START.splitlines()[5] + "\n", "")
    .replace("version: 1,", "version: 2,")
)
OTHER_VALUES = [
    (s.name, value)
    for s in switches()
    for value in (s.choices or ((True, False) if s.kind is bool else ()))
    if value != s.default and s.name != "require_login"
]


@pytest.mark.parametrize(("switch", "value"), [("key_masking", "none"), *OTHER_VALUES], ids=str)
def test_the_story_converges_under(switch: str, value: object, open_rig: Callable[..., Rig]) -> None:
    rig = open_rig(**{switch: value})
    rig.spec(START)
    assert rig.apply().exit_code is ExitCode.OK
    assert not rig.plan().has_changes, plan_text(rig.plan())
    rig.spec(START.replace("region: r, key", "region: r2, key"))
    updated = rig.apply()
    if (switch, value) == ("put_bucket", "full-credentials"):
        assert updated.exit_code is ExitCode.PARTIAL, "it fails clearly, and never sends an empty secret"
        assert "success" not in updated.outcomes[0].told
        return
    assert updated.exit_code is ExitCode.OK, updated.outcomes
    rig.spec(LESS)
    report = rig.apply()
    if (switch, value) == ("folder_delete", "always"):
        told = next(o for o in report.outcomes if o.result == "failed")
        assert (report.exit_code, told.step) == (ExitCode.PARTIAL, "repository.app:narrow")
        assert told.fault is not None
        assert "drain" in told.fault.next, "a refusal by the API comes with the way out"
        assert rig.plan().has_changes, "and the same change stays in the next plan"
        return
    assert report.exit_code is ExitCode.OK, report.outcomes
    assert not rig.plan().has_changes, plan_text(rig.plan())


def test_what_was_written_lately_stands_beside_a_delete(rig: Rig) -> None:
    rig.spec(START)
    rig.apply()
    now = datetime.now(UTC)
    rig.http(
        "POST",
        "/_emulator/usage",
        {
            "rows": [
                {
                    "bucketId": rig.ids("bucket")["b"],
                    "repoId": rig.ids("repository")["app"],
                    "day": f"{now:%Y-%m-%d}",
                    "upl_bytes": 4_200_000_000,
                    "dwl_bytes": 0,
                    "size_change": 0,
                }
            ]
        },
    )
    rig.spec(LESS)
    plan = rig.plan()
    assert plan.activity == {"bucket.b": 4_200_000_000}
    assert "4.2 GB written through it in the last 30 days" in plan_text(plan)
    rig.spec(START.split("repositories:", maxsplit=1)[0])
    assert rig.plan().activity["repository.app"] == 4_200_000_000


def test_ai_attachments_survive_an_update_and_unreadable_ones_refuse_it(open_rig: Callable[..., Rig]) -> None:
    for value, expected in (("aiLlmId", None), ("id", None), ("none", "carried")):
        rig = open_rig(value, ai_llm_id=value)
        rig.spec(START)
        rig.apply()
        repository, buckets = rig.ids("repository")["app"], rig.ids("bucket")
        workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
        body = {
            "name": "app",
            "storageType": "S3",
            "mode": "NORMAL",
            "workspaceId": workspace,
            "repoAiLlms": [{"aiLlmId": "llm-1"}],
        }
        rig.http(
            "PUT",
            f"/repo/{repository}",
            {**body, "repoBuckets": [{"bucketId": buckets[n], "folder": n, "master": False} for n in ("a", "b")]},
        )
        rig.spec(LESS)
        plan = rig.plan()
        assert [r.guard for r in plan.refusals] == ([expected] if expected else [])
        if expected is None:
            assert rig.apply().exit_code is ExitCode.OK
            assert rig.http("GET", f"/repo?repoId={repository}")["repos"][0]["aiLlms"][0][value] == "llm-1"


def test_a_wallets_repository_is_never_deleted(rig: Rig) -> None:
    rig.spec(START.split("repositories:", maxsplit=1)[0])
    rig.apply()
    workspace = rig.http("GET", "/workspace")["workspaces"][0]["id"]
    rig.http(
        "POST",
        "/repo",
        {
            "name": "web3",
            "storageType": "S3",
            "mode": "NORMAL",
            "workspaceId": workspace,
            "walletAddress": "0xabc",
            "repoBuckets": [],
        },
    )
    rig.spec(START.split("repositories:", maxsplit=1)[0] + "delete: [{address: repository.web3, reason: old}]\n")
    plan = rig.plan()
    assert [(r.guard, r.allow) for r in plan.refusals] == [("web3", "")]


def test_two_objects_of_one_name_are_never_guessed_between(rig: Rig) -> None:
    rig.spec(START)
    rig.apply()
    remote = rig.ids("repository")["app"]
    rig.http("POST", f"/repo/{remote}/apikey", {"name": "x", "accessType": "READ"})
    rig.http("POST", f"/repo/{remote}/apikey", {"name": "x", "accessType": "READ"})
    rig.spec(START.replace("api_keys: {", "api_keys: {x: {access: READ, sink: external}, "))
    refused = rig.plan().refusals
    assert [(r.guard, r.address) for r in refused] == [("ambiguous", "api_key.app.x")]


def test_a_key_that_reads_masked_is_no_drift(open_rig: Callable[..., Rig]) -> None:
    rig = open_rig(key_masking="prefix")
    rig.spec(START)
    rig.apply()
    assert not any(c.action is Action.UPDATE for c in rig.plan().changes)
