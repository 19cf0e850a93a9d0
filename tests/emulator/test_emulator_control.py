"""`/_emulator/*` and scenario files."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulator_api import Api

from fbplan.emulator import Settings, open_emulator
from fbplan.errors import UsageFault


def test_the_log_counts_on_and_can_be_read_from_a_number_and_cleared(api: Api) -> None:
    for path in ("/bucket", "/repo", "/node"):
        api.get(path)
    assert [entry["path"] for entry in api.get("/_emulator/requests?after=1").json()["requests"]] == ["/repo", "/node"]
    api.delete("/_emulator/requests")
    api.get("/bucket")
    assert [entry["sequence"] for entry in api.get("/_emulator/requests").json()["requests"]] == [4]
    assert api.get("/_emulator/requests?after=x").status_code == 400


def test_a_reset_is_a_fresh_folder(api: Api) -> None:
    fresh = api.get("/workspace").json()
    api.bucket("b")
    api.post("/_emulator/clock", json={"advance": 99})
    api.script(fault="500-before")
    api.post("/_emulator/reset")
    assert api.get("/workspace").json() == fresh
    assert api.names("/bucket") == []
    assert len(api.get("/_emulator/requests").json()["requests"]) == 2


def test_the_clock_can_be_moved_and_stays_moved(tmp_path: Path) -> None:
    for expected in (86400, 2 * 86400):
        emulator = open_emulator(tmp_path)
        with Api(emulator) as api:
            before = emulator.store.now()
            api.post("/_emulator/clock", json={"advance": 86400})
            assert 86400 <= (emulator.store.now() - before).total_seconds() < 86410
            assert emulator.store._offset.total_seconds() == expected
        emulator.close()


@pytest.mark.parametrize("body", [{}, {"advance": "1"}, {"advance": True}, {"advance": 1e300}, {"advance": 10**12}, []])
def test_the_clock_takes_seconds(api: Api, body: object) -> None:
    assert api.post("/_emulator/clock", json=body).status_code == 400


def test_switches_can_be_turned_while_it_runs(api: Api) -> None:
    assert api.post("/_emulator/settings", json={"key_masking": "prefix"}).json()["key_masking"] == "prefix"
    api.bucket("b")
    assert api.get("/bucket").json()["buckets"][0]["key"] == "AKID****"
    assert api.post("/_emulator/settings", json={"key_masking": "all"}).status_code == 400
    assert api.post("/_emulator/settings", json={"strict": True}).status_code == 200
    assert api.post("/workspace", json={"name": "w", "x": 1}).status_code == 400


def test_a_repository_can_be_disabled_as_the_platform_does(api: Api) -> None:
    api.repository("r")
    assert api.post("/_emulator/state", json={"repository": "r", "disabled": True}).is_success
    assert api.get("/repo").json()["repos"][0]["disabled"] is True
    assert api.post("/_emulator/state", json={"bucket": "none", "status": "OFFLINE"}).status_code == 400
    assert api.post("/_emulator/state", json={}).status_code == 400


def test_unknown_control_paths_and_methods_have_envelopes(api: Api) -> None:
    assert api.get("/_emulator/no").status_code == 404
    assert api.put("/_emulator/faults").status_code == 405


SCENARIO = """
settings: {bucket_quota: 3, require_login: on, list_delay: 2}
users: [{email: ada@example.org, password: p, org_role: 254}]
faults: [{method: GET, path: /node, fault: 429, retry_after: 1}]
seed:
  workspaces: [{name: Two}]
  credentials: [{name: main, provider: AWS, key: AKID, secret: made-up}]
  buckets:
    - {name: a, bucket: acme-a, storageType: S3, credential: main}
    - {name: b, bucket: acme-b, storageType: BLOB, workspace: Two, key: k, secret: s}
  repositories:
    - {name: r, storageType: S3, buckets: [{bucket: a, folder: f}, {bucket: b}]}
"""


def test_a_scenario_sets_switches_users_faults_and_objects(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(SCENARIO)
    settings = Settings.from_scenario(path)
    assert (settings.bucket_quota, settings.require_login, settings.list_delay) == (3, True, 2.0)
    for _ in range(2):  # the second time the folder is no longer fresh, and nothing is seeded again
        emulator = open_emulator(tmp_path / "state", settings)
        with Api(emulator) as api:
            assert api.get("/bucket").status_code == 401
            token = api.post("/user/login", json={"email": "ada@example.org", "password": "p"}).json()["accessToken"]
            api.headers["Authorization"] = f"Bearer {token}"
            assert api.get("/node").status_code == 429
            assert api.names("/workspace") == ["Production", "Two"]
            (repo,) = api.get("/repo").json()["repos"]
            assert [entry["bucket"]["name"] for entry in repo["buckets"]] == ["a", "b"]
        emulator.close()


WRONG = [
    ("settings: {colour: red}", "colour"),
    ("settings: {strict: 3}", "strict"),
    ("settings: []", "settings must be a mapping"),
    ("colours: {}", "colours"),
    ("- 1", "a scenario must be a mapping"),
    ("faults: [{fault: nope}]", "no such fault"),
    ("users: [{email: x}]", "password"),
    ("seed: {keys: []}", "keys"),
    ("seed: {buckets: 3}", "seed.buckets must be a list"),
    ("a: [", "cannot be read"),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_a_wrong_scenario_names_the_file_and_the_mistake(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    with pytest.raises(UsageFault, match=says) as refused:
        Settings.from_scenario(path)
    assert refused.value.where == str(path)


@pytest.mark.parametrize(
    "seed", ["buckets: [{name: a}]", "buckets: [{name: a, credential: no}]", "repositories: [{name: r, buckets: [x]}]"]
)
def test_a_seed_that_the_api_refuses_leaves_no_half_made_folder(tmp_path: Path, seed: str) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"seed: {{{seed}}}")
    for _ in range(2):
        with pytest.raises(UsageFault, match="seed"):
            open_emulator(tmp_path / "state", Settings.from_scenario(path))


def test_a_missing_scenario_is_an_error_for_people(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="cannot be read"):
        Settings.from_scenario(tmp_path / "none.yaml")
