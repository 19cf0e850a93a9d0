"""Authentication, roles and quota (api/README.md §8)."""

from __future__ import annotations

import base64
import json

import pytest
from emulator_api import Api

from fbplan.emulator.app import Emulator
from fbplan.emulator.settings import Settings, User

LOGIN = {"email": "ada@example.org", "password": "p"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc"])
def test_without_a_bearer_token_every_path_is_401(api: Api, header: str | None) -> None:
    api.headers.pop("Authorization")
    headers = {} if header is None else {"Authorization": header}
    assert api.get("/bucket", headers=headers).json() == {"success": False, "message": "Unauthorized"}
    assert api.get("/user/quota", headers=headers).json()["error_code"] == "NO_AUTH_USER"
    assert api.get("/health", headers=headers).status_code == 200


def test_a_login_gives_a_token_with_the_claims_of_the_client(api: Api) -> None:
    login = api.post("/user/login", json=LOGIN).json()
    payload = login["accessToken"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert {"userId", "email", "orgId", "type", "iat", "exp"} <= set(claims)
    assert claims["exp"] - claims["iat"] == 3600
    assert (claims["email"], claims["orgId"]) == (LOGIN["email"], login["user"]["orgId"])


def test_a_required_login_accepts_only_its_own_unexpired_tokens(open_api) -> None:
    api = open_api(require_login=True)
    login = api.post("/user/login", json=LOGIN).json()
    own = {"Authorization": f"Bearer {login['accessToken']}"}
    assert api.get("/bucket", headers=own).status_code == 200
    assert api.get("/bucket", headers={"Authorization": f"Bearer {login['accessToken']}x"}).status_code == 401
    api.post("/_emulator/clock", json={"advance": 3601})
    assert api.get("/bucket", headers=own).status_code == 401


@pytest.mark.parametrize("field", ["refreshToken", "refresh_token"])
def test_a_refresh_rotates(open_api, field: str) -> None:
    api = open_api(require_login=True)
    first = api.post("/user/login", json=LOGIN).json()["refreshToken"]
    second = api.post("/user/refresh", json={field: first}).json()
    assert api.get("/bucket", headers={"Authorization": f"Bearer {second['accessToken']}"}).status_code == 200
    again = api.post("/user/refresh", json={field: first})
    assert (again.status_code, again.json()["error_code"]) == (401, "INVALID_REFRESH_TOKEN")
    assert api.post(
        "/user/refresh", json={"refreshToken": second["refreshToken"], "refresh_token": second["refreshToken"]}
    ).is_success


def test_a_logout_voids_the_refresh_token(api: Api) -> None:
    token = api.post("/user/login", json=LOGIN).json()["refreshToken"]
    assert api.post("/user/logout", json={"refresh_token": token}).json()["success"]
    assert api.post("/user/refresh", json={"refresh_token": token}).status_code == 401


@pytest.mark.parametrize(
    "body", [{}, {"email": "a@b"}, {"email": "a@b", "password": ""}, {"email": 1, "password": "p"}, []]
)
def test_an_incomplete_login_is_a_400(api: Api, body: object) -> None:
    assert api.post("/user/login", json=body).status_code == 400


@pytest.fixture
def member(tmp_path):
    """The API as a plain user of a scenario sees it, and as the owner does."""
    users = (User("boss@example.org", "b"), User("mo@example.org", "m", org_role=0))
    emulator = Emulator(tmp_path, Settings(users=users))
    with Api(emulator) as owner, Api(emulator) as plain:
        token = plain.post("/user/login", json={"email": "mo@example.org", "password": "m"}).json()
        plain.headers["Authorization"] = f"Bearer {token['accessToken']}"
        yield owner, plain, token["user"]["id"]
    emulator.close()


def test_only_the_users_of_a_scenario_may_log_in(member) -> None:
    owner, _, _ = member
    refused = owner.post("/user/login", json=LOGIN)
    assert (refused.status_code, refused.json()["error_code"]) == (401, "INVALID_CREDENTIALS")


def test_a_role_in_a_workspace_decides_what_is_seen_and_done(member) -> None:
    owner, plain, user_id = member
    workspace = owner.workspace
    owner.bucket("b")
    assert plain.get("/workspace").json()["workspaces"] == []
    assert plain.names("/bucket") == []
    assert plain.post("/workspace", json={"name": "x"}).status_code == 403
    owner.post(f"/workspace/{workspace}/users", json={"userId": user_id, "role": "READ"})
    assert plain.names("/bucket") == ["b"]
    assert plain.post("/bucket", json=owner.bucket_body("c")).status_code == 403
    owner.put(f"/workspace/{workspace}/users/{user_id}", json={"role": "WRITE"})
    assert plain.post("/bucket", json=owner.bucket_body("c")).status_code == 200
    assert plain.put(f"/workspace/{workspace}", json={"name": "x"}).status_code == 403
    assert owner.delete(f"/workspace/{workspace}/users/{user_id}").json()["success"]
    assert owner.delete(f"/workspace/{workspace}/users/{user_id}").status_code == 404
    assert plain.names("/bucket") == []


def test_the_quota_counts_what_lives(open_api) -> None:
    api = open_api(bucket_quota=4)
    api.delete(f"/bucket/{api.bucket('gone')}")
    api.bucket("b")
    usage = {entry["capability"]["code"]: entry["usage"] for entry in api.get("/user/quota").json()["quotaUsage"]}
    assert usage["BUCKETS_COUNT"] == {"current": 1, "max": 4, "percentage": 25}
