"""The emulator and the OpenAPI file, both ways; answers are checked in every other test too, by the client they use."""

from __future__ import annotations

import json

import pytest
from emulator_api import Api, described, openapi

from fbplan.emulator.operations import OPERATIONS
from fbplan.emulator.strict import shape

NOT_EMULATED = {
    ("GET", "/repo/{}/cloud-apikey"),  # links for cloud-resource discovery: no access to storage (api/README.md §1)
    ("POST", "/repo/{}/cloud-apikey"),
    ("DELETE", "/repo/{}/cloud-apikey/{}"),
}


def test_operations_and_the_file_agree_both_ways() -> None:
    emulated = {(operation.method, shape(operation.path)) for operation in OPERATIONS}
    assert emulated == set(described()) - NOT_EMULATED


def test_public_operations_are_those_without_security_in_the_file() -> None:
    public = {(operation.method, shape(operation.path)) for operation in OPERATIONS if operation.is_public}
    assert public == {place for place, operation in described().items() if operation.get("security") == []}


EXAMPLES = [
    (method.upper(), path, content["example"])
    for path, methods in openapi()["paths"].items()
    for method, operation in methods.items()
    if method != "parameters" and (method.upper(), shape(path)) not in NOT_EMULATED
    for content in [operation.get("requestBody", {}).get("content", {}).get("application/json", {})]
    if "example" in content
]


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("method", "path", "example"), EXAMPLES, ids=[f"{method} {path}" for method, path, _ in EXAMPLES]
)
def test_the_request_examples_of_the_file_are_accepted(
    open_api, method: str, path: str, example: object, strict: bool
) -> None:
    api = open_api(strict=strict)
    first, second = api.bucket("first"), api.bucket("second")
    repo = api.repository("r", (first, "logs"), (second, "logs"))
    real = {
        "0f3b2a61-77c4-4c1d-9d0a-51f6a9c3d8e4": api.workspace,
        "c4e8b1f2-0d6a-4e7b-a3c5-9b2f1d0e6a78": api.credential(),
        "7d0f6c1e-3b1a-4d53-9a1f-0c5a6e2b9d10": first,
        "b2a4e0c7-58d2-4f0e-8c8e-6f3d1a7e4c22": second,
        "e1c9d7aa-9f0b-4b0c-8f5e-2d7c4a1b3e90": repo,
        "91f2e3d4-5c6b-4a79-8b8c-0d1e2f3a4b5c": api.get("/workspace").json()["workspaces"][0]["users"][0]["userId"],
        "made-up-refresh": api.post("/user/login", json={"email": "ada@example.org", "password": "p"}).json()[
            "refreshToken"
        ],
    }
    if (method, path) in {("POST", "/repo"), ("POST", "/repo/validate")}:  # these would attach the same folders again
        api.delete(f"/repo/{repo}")
    text = json.dumps(example)
    for made_up, own in real.items():
        text = text.replace(made_up, own)
    ids = {
        "workspaceId": api.workspace,
        "bucketId": first,
        "repoId": repo,
        "apiKeyId": real["c4e8b1f2-0d6a-4e7b-a3c5-9b2f1d0e6a78"],
        "userId": real["91f2e3d4-5c6b-4a79-8b8c-0d1e2f3a4b5c"],
        "apikeyId": api.key(repo)["id"] if "apikeyId" in path else "",
    }
    answer = api.request(method, path.format(**ids), content=text)
    assert answer.is_success, answer.text
    assert answer.json().get("success", True)


STRICT = [
    ("POST", "/workspace", {"name": "w", "colour": "red"}, "additionalProperties"),
    ("POST", "/workspace", {"name": ""}, "minLength"),
    ("POST", "/workspace", None, "body is required"),
    (
        "POST",
        "/repo",
        {"name": "r", "storageType": "AZURE", "mode": "NORMAL", "repoBuckets": [], "workspaceId": "w"},
        "enum",
    ),
    ("POST", "/repo", {"name": "r", "storageType": "S3", "mode": "NORMAL", "workspaceId": "w"}, "required"),
    ("GET", "/node", None, "nodeServices is required"),
    ("GET", "/node?nodeServices=all", None, "must be an integer"),
    ("GET", "/v2/stats/storage?scope=org&window=1h", None, "allowed values"),
]


@pytest.mark.parametrize(("method", "path", "body", "says"), STRICT)
def test_strict_mode_refuses_what_the_file_forbids(open_api, method: str, path: str, body: object, says: str) -> None:
    answer = (
        open_api(strict=True).request(method, path, json=body) if body else open_api(strict=True).request(method, path)
    )
    assert answer.status_code == 400
    assert says in answer.text


def test_strict_mode_never_quotes_a_secret(open_api) -> None:
    api = open_api(strict=True)
    refused = api.post("/bucket", json={"name": "b", "secret": "canary-value"})
    assert (refused.status_code, "canary" in refused.text) == (400, False)


def test_unknown_paths_and_wrong_methods_have_envelopes(api: Api) -> None:
    assert (api.get("/nowhere").status_code, api.get("/nowhere").json()["success"]) == (404, False)
    assert (api.put("/bucket").status_code, api.put("/bucket").json()["success"]) == (405, False)
    assert api.get("/bucket//status").status_code == 404
