"""The rules of api/README.md §2 to §5: order of work, bodies, uniqueness."""

from __future__ import annotations

import pytest
from emulator_api import Api


def test_a_fresh_folder_has_one_workspace_named_production(api: Api) -> None:
    assert api.names("/workspace") == ["Production"]


def test_equal_seeds_give_equal_ids(open_api) -> None:
    first, second = open_api(id_seed="s"), open_api(id_seed="s")
    assert first.bucket("b") == second.bucket("b")
    assert first.bucket("c") != open_api(id_seed="other").bucket("c")


def test_workspaces_are_created_renamed_read_and_deleted(api: Api) -> None:
    created = api.post("/workspace", json={"name": "Two"})
    assert created.status_code == 201
    path = f"/workspace/{created.json()['workspace']['id']}"
    assert api.put(path, json={"name": "Renamed"}).json()["workspace"]["name"] == "Renamed"
    assert api.get(path).json()["workspace"]["name"] == "Renamed"
    assert api.delete(path).json() == {"success": True}
    assert api.get(path).status_code == 404


@pytest.mark.parametrize("content", ["bucket", "repository"])
def test_a_workspace_with_content_is_not_deleted(api: Api, content: str) -> None:
    getattr(api, content)("only")
    refused = api.delete(f"/workspace/{api.workspace}")
    assert refused.status_code == 400
    assert content in refused.json()["message"]


def test_a_bucket_in_use_is_not_deleted_and_the_code_is_that_of_missing_rights(api: Api) -> None:
    bucket = api.bucket("b")
    repo = api.repository("r", (bucket, "f"))
    assert api.delete(f"/bucket/{bucket}").status_code == 403
    api.delete(f"/repo/{repo}")
    assert api.delete(f"/bucket/{bucket}").json() == {"success": True}
    assert api.delete(f"/bucket/{bucket}").status_code == 404


def test_deleting_a_repository_kills_its_keys_and_frees_its_buckets(api: Api) -> None:
    bucket = api.bucket("b")
    repo = api.repository("r", (bucket, "f"))
    api.key(repo)
    api.delete(f"/repo/{repo}")
    assert api.get(f"/repo/{repo}/apikey").status_code == 404
    assert api.get("/bucket").json()["buckets"][0]["repos"] == []


def test_deleting_a_web3_repository_takes_its_buckets_along(api: Api) -> None:
    repo = api.repository("r", (api.bucket("b"), "f"), walletAddress="0xabc")
    api.delete(f"/repo/{repo}")
    assert api.names("/bucket") == []


def test_a_credential_counts_its_buckets_and_is_kept_while_one_lives(api: Api) -> None:
    credential = api.credential()
    bucket = api.bucket("b", key=None, secret=None, apiKeyUuid=credential)
    assert api.get("/apikeys").json()["apiKeys"][0]["bucket_count"] == 1
    assert api.delete(f"/apikeys/{credential}").status_code == 400
    api.delete(f"/bucket/{bucket}")
    assert api.delete(f"/apikeys/{credential}").json() == {"success": True}


def test_put_credential_is_partial(api: Api) -> None:
    credential = api.credential(region="us-east-1")
    api.put(f"/apikeys/{credential}", json={"description": "marker"})
    read = api.get("/apikeys").json()["apiKeys"][0]
    assert (read["region"], read["description"], read["key"]) == ("us-east-1", "marker", "AKIDEXAMPLE")


def test_put_bucket_is_partial_and_wants_at_least_one_field(api: Api) -> None:
    bucket = api.bucket("b")
    assert api.put(f"/bucket/{bucket}", json={}).status_code == 400
    assert api.put(f"/bucket/{bucket}", json={"region": "eu-west-1"}).json()["bucketId"] == bucket
    read = api.get("/bucket").json()["buckets"][0]
    assert (read["name"], read["region"], read["key"]) == ("b", "eu-west-1", "AKIDEXAMPLE")


def test_put_key_wants_name_and_access(api: Api) -> None:
    repo = api.repository("r")
    path = f"/repo/{repo}/apikey/{api.key(repo)['id']}"
    assert api.put(path, json={"name": "reader"}).status_code == 400
    assert api.put(path, json={"name": "reader", "accessType": "READ"}).json()["success"]
    assert [(key["name"], key["accessType"]) for key in api.get(f"/repo/{repo}/apikey").json()["keys"]] == [
        ("reader", "READ")
    ]
    assert api.delete(path).json()["success"]
    assert api.delete(path).status_code == 404


def test_key_names_need_not_be_unique(api: Api) -> None:
    repo = api.repository("r")
    assert api.key(repo)["key"] != api.key(repo)["key"]
    assert [key["name"] for key in api.get("/repo").json()["repos"][0]["apiKeys"]] == ["writer", "writer"]


BUCKET_REFUSALS = [
    ({"name": "taken"}, "name already in use"),
    ({"bucket": "acme-taken"}, "already registered"),
    ({"storageType": "FTP"}, "storageType"),
    ({"name": ""}, "name"),
    ({"workspaceId": "nowhere"}, "Workspace"),
    ({"secret": None}, "together"),
    ({"key": None, "secret": None}, "required"),
    ({"apiKeyUuid": "x"}, "not both"),
    ({"key": None, "secret": None, "apiKeyUuid": "x"}, "Unknown credential"),
    ({"region": 5}, "region"),
]


@pytest.mark.parametrize(("changes", "says"), BUCKET_REFUSALS)
def test_a_wrong_bucket_is_refused_with_a_message(api: Api, changes: dict[str, object], says: str) -> None:
    api.bucket("taken")
    refused = api.post("/bucket", json=api.bucket_body("new", **changes))
    assert refused.status_code == 400
    assert says in refused.json()["message"]
    assert api.names("/bucket") == ["taken"]


def test_bucket_names_are_unique_over_workspaces(api: Api) -> None:
    other = api.post("/workspace", json={"name": "Two"}).json()["workspace"]["id"]
    api.bucket("b")
    assert api.post("/bucket", json=api.bucket_body("b", bucket="x", workspaceId=other)).status_code == 400


def test_azure_is_stored_as_blob(api: Api) -> None:
    api.bucket("b", storageType="AZURE")
    api.repository("r", storageType="AZURE")
    assert api.get("/bucket").json()["buckets"][0]["storageType"] == "BLOB"
    assert api.get("/repo").json()["repos"][0]["storageType"] == "BLOB"


@pytest.mark.parametrize("query", ["", "?workspaceId=undefined&walletAddress=undefined", "?workspaceId=", "?"])
def test_undefined_and_empty_filters_do_not_filter(api: Api, query: str) -> None:
    api.bucket("b")
    assert api.names(f"/bucket{query}") == ["b"]


def test_filters_select(api: Api) -> None:
    other = api.post("/workspace", json={"name": "Two"}).json()["workspace"]["id"]
    api.bucket("here")
    api.bucket("there", workspaceId=other, walletAddress="0x1")
    repo = api.repository("r")
    api.repository("s", workspaceId=other)
    assert api.names(f"/bucket?workspaceId={other}") == ["there"]
    assert api.names("/bucket?walletAddress=0x1") == ["there"]
    assert api.names(f"/repo?repoId={repo}") == ["r"]
    assert api.names(f"/repo?workspaceId={other}") == ["s"]
    assert api.names("/repo?repoId=none") == []
    api.credential(provider="GCP")
    assert [
        len(api.get(f"/apikeys?{q}").json()["apiKeys"]) for q in ("provider=GCP", "provider=AWS", "capability=2")
    ] == [1, 0, 0]


def test_who_changed_what_is_recorded(api: Api) -> None:
    bucket = api.bucket("b")
    api.put(f"/bucket/{bucket}", json={"name": "c"})
    events = api.post("/systemevent", json={"skip": 0, "take": 10, "contextId": bucket}).json()["events"]
    assert [(event["context"], event["event"], event["userEmail"]) for event in events] == [
        ("bucket", "updated", "owner@example.org"),
        ("bucket", "created", "owner@example.org"),
    ]
    assert api.post("/systemevent", json={"skip": 0, "take": 10, "context": 1, "event": 2}).json()["total"] == 0


def test_the_body_of_bucket_validate_may_be_absent(api: Api) -> None:
    bucket = api.bucket("b")
    assert api.post(f"/bucket/{bucket}/validate").json()["success"]
    assert api.post(f"/bucket/{bucket}/validate", json={"bucket": "acme-b"}).json()["success"]
    api.post("/_emulator/state", json={"bucket": "b", "status": "OFFLINE"})
    assert api.post(f"/bucket/{bucket}/validate").status_code == 400
    assert api.get("/bucket").json()["buckets"][0]["status"] == "OFFLINE"
