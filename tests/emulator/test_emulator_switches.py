"""Every switch, in each of its positions: the table's keys are the switches themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from emulator_api import Api

from fbplan.emulator import DEFAULTS, switches
from fbplan.errors import UsageFault


def _name_taken(api: Api) -> object:
    api.repository("r")
    answer = api.post("/repo", json=api.repository_body("r"))
    return answer.status_code, answer.json()["success"], answer.json()["error_code"]


def _put_bucket(api: Api) -> object:
    bucket = api.bucket("b", endpoint="https://x")
    full = api.bucket_body("b", key=None, secret=None)
    statuses = [
        api.put(f"/bucket/{bucket}", json=body).status_code for body in ({"name": "b"}, full, api.bucket_body("b"))
    ]
    return statuses, api.get("/bucket").json()["buckets"][0]["endpoint"]


def _put_repository_without_lists(api: Api) -> object:
    bucket = api.bucket("b")
    repo = api.repository("r", (bucket, "f"), repoAiLlms=[{"aiLlmId": "llm"}])
    api.put(f"/repo/{repo}", json={"name": "r", "storageType": "S3", "mode": "NORMAL"})
    read = api.get("/repo").json()["repos"][0]
    return len(read["buckets"]), len(read["aiLlms"])


def _credential_in_use(api: Api) -> object:
    credential = api.credential()
    api.bucket("b", key=None, secret=None, apiKeyUuid=credential)
    return api.delete(f"/apikeys/{credential}").status_code


def _credential_create(api: Api) -> object:
    return api.post(
        "/apikeys", json={"workspaceId": api.workspace, "provider": "AWS", "key": "k", "secret": "s"}
    ).status_code


def _reuse(api: Api) -> object:
    api.delete(f"/bucket/{api.bucket('b')}")
    api.delete(f"/repo/{api.repository('r')}")
    return api.post("/bucket", json=api.bucket_body("b")).status_code, api.post(
        "/repo", json=api.repository_body("r")
    ).status_code


def _same_provider_bucket(api: Api) -> object:
    api.bucket("b", bucket="same")
    return api.post("/bucket", json=api.bucket_body("c", bucket="same")).status_code


def _change_in_place(api: Api) -> object:
    bucket, repo = api.bucket("b"), api.repository("r")
    answers = (
        api.put(f"/bucket/{bucket}", json={"storageType": "GCS"}),
        api.put(f"/bucket/{bucket}", json={"storageType": "S3", "name": "renamed"}),
        api.put(f"/repo/{repo}", json=api.repository_body("r", storageType="GCS")),
    )
    return [answer.status_code for answer in answers]


def _usage_row(api: Api) -> dict[str, object]:
    api.bucket("b")
    api.record({"bucket": "b", "day": "2026-11-03", "upl_bytes": 5})
    return api.get("/stats/daily").json()["data"][0]


def _node_day(api: Api) -> object:
    api.bucket("b")
    days = api.get("/stats/nodes/daily?startDate=1052026&endDate=2052026").json()["data"]
    return sorted({row["day"] for row in days})


def _latency(api: Api) -> object:
    return [name for name in api.get(f"/bucket/{api.bucket('b')}/status").json()["nodeStatus"][0] if "atency" in name]


def _detach(api: Api) -> object:
    statuses = []
    for name, uploaded in (("empty", 0), ("full", 9)):
        repo = api.repository(name, (api.bucket(name), "f"))
        api.record({"bucket": name, "repository": name, "upl_bytes": uploaded})
        statuses.append(api.put(f"/repo/{repo}", json=api.repository_body(name)).status_code)
    return statuses


def _seen_after_seconds(api: Api) -> object:
    api.bucket("b")
    at_once = api.names("/bucket")
    api.post("/_emulator/clock", json={"advance": 3600})
    return at_once, api.names("/bucket")


def _keys_read(api: Api) -> object:
    api.bucket("b")
    api.credential()
    return api.get("/bucket").json()["buckets"][0]["key"], api.get("/apikeys").json()["apiKeys"][0]["key"]


def _secret_read(api: Api) -> object:
    api.bucket("b")
    secret = api.get("/bucket").json()["buckets"][0].get("secret", "absent")
    return sorted(secret) if isinstance(secret, dict) else secret


def _azure(api: Api) -> object:
    api.bucket("b", storageType="BLOB")
    return api.get("/bucket").json()["buckets"][0]["storageType"]


def _ai_llm(api: Api) -> object:
    api.repository("r", repoAiLlms=[{"aiLlmId": "llm"}])
    return {name: value for name, value in api.get("/repo").json()["repos"][0]["aiLlms"][0].items() if name != "name"}


def _delete_workspace_with_credential(api: Api) -> object:
    api.credential()
    return api.delete(f"/workspace/{api.workspace}").status_code


def _two_buckets(api: Api) -> object:
    api.bucket("one")
    answer = api.post("/bucket", json=api.bucket_body("two"))
    return answer.status_code, answer.json().get("bucketId") == ""


def _two_repositories(api: Api) -> object:
    api.repository("one")
    answer = api.post("/repo", json=api.repository_body("two"))
    return answer.status_code, answer.json().get("error_code")


def _any_token(api: Api) -> object:
    return api.get("/bucket").status_code


def _lifetime(api: Api) -> object:
    login = api.post("/user/login", json={"email": "ada@example.org", "password": "p"}).json()
    return round(login["expiresAt"] - api.emulator.store.now().timestamp(), -1)


def _expires_at_digits(api: Api) -> object:
    return len(str(api.post("/user/login", json={"email": "ada@example.org", "password": "p"}).json()["expiresAt"]))


def _unknown_field(api: Api) -> object:
    return api.post("/bucket", json=api.bucket_body("b", unknown="field")).status_code


def _first_id(api: Api) -> object:
    return api.workspace == "e4bcc385-d467-494a-ac04-926247289c49"


ENVELOPE = ["authTag", "iv", "key", "message"]
POSITIONS: dict[str, tuple[Callable[[Api], object], dict[object, object]]] = {
    "validation_status": (
        _name_taken,
        {400: (400, False, "NAME_ALREADY_USED"), 200: (200, False, "NAME_ALREADY_USED")},
    ),
    "put_bucket": (
        _put_bucket,
        {
            "partial": ([200, 200, 200], "https://x"),
            "full": ([400, 200, 200], None),
            "full-credentials": ([400, 400, 200], None),
        },
    ),
    "put_repository": (_put_repository_without_lists, {"full": (0, 0), "keep-absent": (1, 1)}),
    "credential_in_use_status": (_credential_in_use, {400: 400, 403: 403, 409: 409}),
    "credential_create_status": (_credential_create, {200: 200, 201: 201}),
    "deleted_names": (_reuse, {"free": (200, 200), "blocked": (400, 400)}),
    "bucket_uniqueness": (_same_provider_bucket, {"both": 400, "name": 200}),
    "immutable_change": (_change_in_place, {"allowed": [200, 200, 200], "refused": [400, 200, 400]}),
    "interval_counters": (lambda api: _usage_row(api)["upl_bytes"], {"string": "5", "number": 5}),
    "usage_id": (lambda api: "unitId" in _usage_row(api), {"unitId": True, "bucketId": False}),
    "timestamp_unit": (
        lambda api: _usage_row(api)["timestamp"],
        {"seconds": 1793664000, "milliseconds": 1793664000000},
    ),
    "node_day": (_node_day, {"ddmmyyyy": [1052026, 2052026], "unix": [1777593600, 1777680000]}),
    "latency_name": (_latency, {"latency_ms": ["latency_ms"], "latencyMs": ["latencyMs"]}),
    "folder_delete": (_detach, {"when-bytes": [200, 400], "always": [400, 400], "never": [200, 200]}),
    "list_delay": (_seen_after_seconds, {0: (["b"], ["b"]), 600: ([], ["b"])}),
    "key_masking": (_keys_read, {"none": ("AKIDEXAMPLE", "AKIDEXAMPLE"), "prefix": ("AKID****", "AKID****")}),
    "secret_reads": (_secret_read, {"envelope": ENVELOPE, "empty": [], "null": None, "absent": "absent"}),
    "azure_reads": (_azure, {"BLOB": "BLOB", "AZURE": "AZURE"}),
    "ai_llm_id": (_ai_llm, {"aiLlmId": {"aiLlmId": "llm"}, "id": {"id": "llm"}, "none": {}}),
    "credentials_block_workspace": (_delete_workspace_with_credential, {False: 200, True: 400}),
    "bucket_quota": (_two_buckets, {None: (200, False), 1: (429, True)}),
    "repo_quota": (_two_repositories, {None: (200, None), 1: (403, "QUOTA_EXCEEDED")}),
    "repo_quota_status": (_two_repositories, {}),
    "require_login": (_any_token, {False: 200, True: 401}),
    "token_lifetime": (_lifetime, {3600: 3600, 60: 60}),
    "expires_at_unit": (_expires_at_digits, {"seconds": 10, "milliseconds": 13}),
    "strict": (_unknown_field, {False: 200, True: 400}),
    "id_seed": (_first_id, {"x": True, "y": False}),
}
CASES = [
    (name, observe, position, seen) for name, (observe, table) in POSITIONS.items() for position, seen in table.items()
]


@pytest.mark.parametrize(("name", "observe", "position", "seen"), CASES)
def test_the_switch_decides(
    open_api, name: str, observe: Callable[[Api], object], position: object, seen: object
) -> None:
    assert observe(open_api(**{name: position})) == seen


@pytest.mark.parametrize("status", [400, 403, 429, 200])
def test_the_status_of_a_full_repository_quota_is_a_switch(open_api, status: int) -> None:
    answer = _two_repositories(open_api(repo_quota=1, repo_quota_status=status))
    assert answer == (status, "QUOTA_EXCEEDED")


def test_every_switch_and_every_choice_is_tested() -> None:
    # Those of the data plane are tested where there is one: tests/bridge/test_bridge_switches.py.
    here = [switch for switch in switches() if not switch.name.startswith("bridge_")]
    assert [switch.name for switch in here] == list(POSITIONS)
    for switch in here:
        if switch.name != "repo_quota_status":
            assert set(switch.choices) <= set(POSITIONS[switch.name][1])


WRONG = [
    ("validation_status", 201), ("list_delay", "soon"), ("list_delay", True), ("list_delay", float("nan")), ("bucket_quota", -1),
    ("strict", 1), ("key_masking", 3), ("id_seed", 5), ("token_lifetime", None), ("token_lifetime", 1.5), ("no_such", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_value_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(UsageFault, match=name):
        DEFAULTS.with_values({name: value})


@pytest.mark.parametrize("switch", switches(), ids=lambda switch: switch.name)
def test_every_choice_can_be_given_as_text(switch) -> None:
    assert (
        switch.accept(str(switch.default).lower() if isinstance(switch.default, bool | None) else str(switch.default))
        == switch.default
    )
    assert switch.help
    for choice in switch.choices:
        assert switch.accept(str(choice)) == choice
