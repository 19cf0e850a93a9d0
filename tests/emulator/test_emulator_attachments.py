"""The mirror and folder rules of api/README.md §4."""

from __future__ import annotations

import pytest
from emulator_api import Api


@pytest.fixture
def ids(api: Api) -> dict[str, str]:
    """Buckets a and b free, m in a MIRROR repository, n in folder `used` of a NORMAL one."""
    made = {name: api.bucket(name) for name in "abmn"}
    api.repository("mirror", (made["m"], "", True), mode="MIRROR")
    made["normal"] = api.repository("normal", (made["n"], "/used/"))
    return made


CREATES = [
    ("NORMAL", [], None),
    ("NORMAL", [("a", "f")], None),
    ("NORMAL", [("a", "f"), ("b", "f")], None),
    ("NORMAL", [("n", "other")], None),
    ("NORMAL", [("n", "used")], "NORMAL_UNIT_FOLDER_ALREADY_USED"),
    ("NORMAL", [("n", "//used")], "NORMAL_UNIT_FOLDER_ALREADY_USED"),
    ("NORMAL", [("a", "f"), ("a", "f/")], "NORMAL_UNIT_FOLDER_ALREADY_USED"),
    ("NORMAL", [("m", "f")], "MIRROR_UNIT_ALREADY_IN_OTHER_REPO"),
    ("MIRROR", [("a", "", True), ("b", "")], None),
    ("MIRROR", [], "MIRROR_MASTER_UNIT_MISSING"),
    ("MIRROR", [("a", ""), ("b", "")], "MIRROR_MASTER_UNIT_MISSING"),
    ("MIRROR", [("a", "", True), ("b", "", True)], "MIRROR_MASTER_UNIT_COUNT_INVALID"),
    ("MIRROR", [("n", "", True)], "MIRROR_UNIT_ALREADY_IN_OTHER_REPO"),
    ("MIRROR", [("m", "", True)], "MIRROR_UNIT_ALREADY_IN_OTHER_REPO"),
]


@pytest.mark.parametrize(("mode", "buckets", "code"), CREATES)
def test_a_new_repository_obeys_the_rules(
    api: Api, ids: dict[str, str], mode: str, buckets: list, code: str | None
) -> None:
    body = api.repository_body("new", *((ids[name], *rest) for name, *rest in buckets), mode=mode)
    answer = api.post("/repo", json=body)
    validated = api.post("/repo/validate", json={"repoId": "new", "mode": mode, "repoBuckets": body["repoBuckets"]})
    assert answer.status_code == (400 if code else 200)
    assert answer.json().get("error_code") == code
    if code:
        assert answer.json()["repoId"] == ""
        assert validated.json()["error_code"] == code


UPDATES = [
    ([("n", "used"), ("a", "f")], None),
    ([("n", "/used")], None),
    ([("n", "moved")], "NORMAL_UNIT_CANNOT_EDIT_FOLDER"),
    ([("a", "f")], "NORMAL_UNIT_FOLDER_CANNOT_DELETE"),
    ([], "NORMAL_UNIT_FOLDER_CANNOT_DELETE"),
]


@pytest.mark.parametrize(("buckets", "code"), UPDATES)
def test_an_update_neither_moves_nor_drops_a_folder_with_data(
    api: Api, ids: dict[str, str], buckets: list, code: str | None
) -> None:
    api.record({"bucket": "n", "repository": "normal", "upl_bytes": 10})
    body = api.repository_body("normal", *((ids[name], *rest) for name, *rest in buckets))
    answer = api.put(f"/repo/{ids['normal']}", json=body)
    validation = {"repoId": ids["normal"], "mode": "NORMAL", "repoBuckets": body["repoBuckets"]}
    validated = api.post(f"/repo/{ids['normal']}/validate", json=validation)
    assert answer.json().get("error_code") == code
    assert validated.json()["error_code"] == (code or "SUCCESS")


def test_a_folder_that_was_emptied_may_go(api: Api, ids: dict[str, str]) -> None:
    api.record(
        {"bucket": "n", "repository": "normal", "upl_bytes": 10},
        {"bucket": "n", "repository": "normal", "size_change": -10},
    )
    assert api.put(f"/repo/{ids['normal']}", json=api.repository_body("normal")).status_code == 200


def test_the_folder_reads_as_the_user_wrote_it_and_the_bucket_stands_inside(api: Api, ids: dict[str, str]) -> None:
    (attachment,) = api.get(f"/repo?repoId={ids['normal']}").json()["repos"][0]["buckets"]
    assert (attachment["folder"], attachment["bucketId"], attachment["bucket"]["name"]) == ("/used/", ids["n"], "n")
    assert [repo["name"] for bucket in api.get("/bucket").json()["buckets"] for repo in bucket["repos"]] == [
        "mirror",
        "normal",
    ]


def test_available_leaves_out_what_a_mirror_uses(api: Api, ids: dict[str, str]) -> None:
    assert api.names("/bucket/available") == ["a", "b", "n"]


def test_repository_names_are_unique(api: Api, ids: dict[str, str]) -> None:
    assert api.post("/repo", json=api.repository_body("normal")).json()["error_code"] == "NAME_ALREADY_USED"
    mirror = api.get("/repo").json()["repos"][0]["id"]
    body = api.repository_body("normal", (ids["m"], "", True), mode="MIRROR")
    assert api.put(f"/repo/{mirror}", json=body).json()["error_code"] == "NAME_ALREADY_USED"


def test_an_unknown_bucket_is_a_404(api: Api) -> None:
    assert api.post("/repo", json=api.repository_body("r", ("nowhere", "f"))).status_code == 404


def test_nested_bucket_objects_and_the_old_word_are_read(api: Api, ids: dict[str, str]) -> None:
    attachments = [{"bucket": {"id": ids["a"], "secret": {}}, "folder": "f", "master": False}, {"unitId": ids["b"]}]
    repo = api.made("/repo", api.repository_body("r") | {"repoBuckets": attachments})["repoId"]
    read = api.get(f"/repo?repoId={repo}").json()["repos"][0]["buckets"]
    assert [entry["bucketId"] for entry in read] == [ids["a"], ids["b"]]


def test_one_bucket_stands_once_in_a_repository(api: Api, ids: dict[str, str]) -> None:
    refused = api.post("/repo", json=api.repository_body("r", (ids["a"], "f"), (ids["a"], "g")))
    assert (refused.status_code, "identifier" in refused.json()["message"]) == (400, True)


def test_an_azure_account_may_not_have_the_name_of_an_attached_bucket(api: Api, ids: dict[str, str]) -> None:
    credential = api.credential(provider="AZURE", key="acme-a")
    container = api.bucket("container", storageType="BLOB", key=None, secret=None, apiKeyUuid=credential)
    refused = api.post("/repo", json=api.repository_body("r", (ids["a"], "f"), (container, "f")))
    assert (refused.status_code, "Azure" in refused.json()["message"]) == (400, True)
    assert api.post("/repo", json=api.repository_body("r", (ids["b"], "f"), (container, "f"))).status_code == 200


def test_containers_of_one_azure_account_may_share_a_repository(api: Api) -> None:
    first, second = (api.bucket(name, storageType="BLOB") for name in ("one", "two"))
    assert api.repository("r", (first, "f"), (second, "f"))
