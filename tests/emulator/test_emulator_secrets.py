"""No secret that was sent or issued can be found again: not in reads, not in the log, not on the disk."""

from __future__ import annotations

from pathlib import Path

from emulator_api import Api

from fbplan.emulator.settings import User

CANARY = "canary-7f3a-secret"


def test_provider_secrets_are_nowhere_after_they_were_sent(api: Api) -> None:
    credential = api.credential(secret=f"{CANARY}-1")
    api.put(f"/apikeys/{credential}", json={"secret": f"{CANARY}-2"})
    bucket = api.bucket("b", secret=f"{CANARY}-3", key="AKIDCANARY")
    api.put(f"/bucket/{bucket}", json={"key": "AKIDCANARY", "secret": f"{CANARY}-4"})
    api.post(f"/bucket/{bucket}/validate", json={"bucket": "acme-b", "key": "k", "secret": f"{CANARY}-5"})
    api.post("/user/login", json={"email": "ada@example.org", "password": f"{CANARY}-6"})
    api.post("/bucket", content=f'{{"secret": "{CANARY}-7"')  # not JSON: cannot be redacted by name
    reads = [
        api.get(path).text for path in ("/bucket", "/apikeys", "/bucket/available", "/repo", "/_emulator/requests")
    ]
    assert CANARY not in "".join(reads)
    assert "AKIDCANARY" not in reads[-1]
    assert CANARY not in disk(api.emulator.store.path.parent)


def disk(folder: Path) -> str:
    return "".join(path.read_bytes().decode("latin-1") for path in sorted(folder.iterdir()) if path.is_file())


def test_an_envelope_does_not_follow_from_the_secret(api: Api) -> None:
    for name in ("one", "two"):
        api.bucket(name, secret=CANARY)
    first, second = (entry["secret"] for entry in api.get("/bucket").json()["buckets"])
    assert set(first) == {"key", "iv", "authTag", "message"}
    assert not set(first.values()) & set(second.values())


def test_a_changed_secret_changes_the_envelope(api: Api) -> None:
    bucket = api.bucket("b")
    before = api.get("/bucket").json()["buckets"][0]["secret"]
    api.put(f"/bucket/{bucket}", json={"name": "renamed"})
    assert api.get("/bucket").json()["buckets"][0]["secret"] == before
    api.put(f"/bucket/{bucket}", json={"key": "k", "secret": "s"})
    assert api.get("/bucket").json()["buckets"][0]["secret"] != before


def test_a_repository_key_shows_its_secret_once(api: Api) -> None:
    repo = api.repository("r")
    issued = api.key(repo)
    assert len(issued["secret"]) >= 40
    reads = [api.get(path).text for path in (f"/repo/{repo}/apikey", "/repo", "/_emulator/requests")]
    assert issued["secret"] not in "".join(reads) + disk(api.emulator.store.path.parent)
    assert issued["key"] in reads[0]


def test_api_key_uuid_is_written_and_api_key_id_is_read(api: Api) -> None:
    credential = api.credential()
    bucket = api.bucket("b", key=None, secret=None, apiKeyUuid=credential)
    api.bucket("own")
    shared, own = api.get("/bucket").json()["buckets"]
    assert (shared["apiKeyId"], shared["key"], own["apiKeyId"], own["key"]) == (credential, None, None, "AKIDEXAMPLE")
    assert "apiKeyUuid" not in shared
    api.put(f"/bucket/{bucket}", json={"key": "k", "secret": "s"})
    assert api.get("/bucket").json()["buckets"][0]["apiKeyId"] is None


def test_tokens_and_passwords_are_hidden_in_the_log_and_the_rest_is_there(api: Api) -> None:
    token = api.post("/user/login", json={"email": "ada@example.org", "password": CANARY}).json()["refreshToken"]
    api.post("/user/refresh", json={"refresh_token": token})
    api.get("/bucket?workspaceId=w&token=t")
    login, refresh, listing = api.get("/_emulator/requests").json()["requests"]
    assert login["body"] == {"email": "ada@example.org", "password": "***"}
    assert refresh["body"] == {"refresh_token": "***"}
    assert (listing["method"], listing["path"], listing["status"]) == ("GET", "/bucket", 200)
    assert listing["query"] == {"workspaceId": "w", "token": "***"}
    assert token not in disk(api.emulator.store.path.parent)


def test_a_password_of_a_scenario_is_not_in_its_repr() -> None:
    assert CANARY not in repr(User("a@example.org", CANARY))
