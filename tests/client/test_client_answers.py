"""Every odd answer that the API is known to give, against the client alone (pytest-httpx plays the server)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pytest_httpx import HTTPXMock

from fbplan.client.api import ReadClient, WriteClient
from fbplan.client.auth import Identity, Login
from fbplan.client.session import Session
from fbplan.client.settings import Settings
from fbplan.errors import Ambiguous, ApiFault, AuthenticationFailed, Unreachable
from fbplan.kinds import KINDS
from fbplan.secrets import Secret
from fbplan.wire import observed_from

URL = "https://api.example"
BUCKET, REPOSITORY = KINDS["bucket"], KINDS["repository"]


class Slept(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def session(slept: Slept | None = None, **identity: Any) -> Session:
    return Session(
        Settings(URL),
        Identity(**(identity or {"token": Secret("t")})),
        sleep=slept if slept is not None else Slept(),
        jitter=lambda: 0.5,
        now=lambda: 0.0,
        clock=lambda: 0.0,
    )


def test_200_with_success_false_is_a_failure(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"success": False, "error_code": "NAME_ALREADY_USED", "error_message": "taken"})
    with session() as s, pytest.raises(ApiFault) as caught:
        WriteClient(s).create(REPOSITORY, {"name": "x"})
    assert caught.value.what == "the API answered success: false"
    assert caught.value.why == "NAME_ALREADY_USED 'taken'"
    assert caught.value.next


@pytest.mark.parametrize(
    "body",
    [
        {"message": "no"},
        {"error_code": "NO_AUTH_USER"},
        {"error_message": "no"},
        {"error": "no"},
        {"errorCode": "X", "errorMessage": "no"},
        None,
        "text",
    ],
)
def test_each_error_envelope_is_read(httpx_mock: HTTPXMock, body: Any) -> None:
    httpx_mock.add_response(status_code=400, json=body) if body != "text" else httpx_mock.add_response(
        status_code=400, text="<html>"
    )
    with session() as s, pytest.raises(ApiFault) as caught:
        WriteClient(s).create(BUCKET, {"name": "x"})
    assert caught.value.why


def test_an_empty_body_of_a_write_is_success(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=200, content=b"")
    with session() as s:
        WriteClient(s).update(BUCKET, "1", {"name": "x"})


def test_a_create_without_an_id_in_its_answer_is_ambiguous(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=200, content=b"")
    with session() as s, pytest.raises(Ambiguous):
        WriteClient(s).create(BUCKET, {"name": "x"})


def test_201_is_as_good_as_200(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=201, json={"success": True, "apiKeyId": "c1"})
    with session() as s:
        assert WriteClient(s).create(KINDS["credential"], {})[0] == "c1"


@pytest.mark.parametrize("body", [{}, {"buckets": None}, {"buckets": "none"}, {"buckets": [1]}, []])
def test_a_listing_without_its_list_is_never_an_empty_list(httpx_mock: HTTPXMock, body: Any) -> None:
    httpx_mock.add_response(json=body if body != [] else {"success": True})
    with session() as s, pytest.raises(ApiFault):
        ReadClient(s).listing(BUCKET, "w")


def test_a_post_whose_answer_is_lost_is_sent_once(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ReadError("cut"))
    with session() as s, pytest.raises(Ambiguous):
        WriteClient(s).create(BUCKET, {"name": "x"})
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_on_a_write_is_ambiguous_and_sent_once(httpx_mock: HTTPXMock, status: int) -> None:
    httpx_mock.add_response(status_code=status, text="<html>bad gateway</html>")
    with session() as s, pytest.raises(Ambiguous):
        WriteClient(s).create(BUCKET, {"name": "x"})
    assert len(httpx_mock.get_requests()) == 1


def test_a_read_is_repeated_and_gives_up_with_a_clear_error(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=502, text="<html>", is_reusable=True)
    with session() as s, pytest.raises(Unreachable) as caught:
        ReadClient(s).workspaces()
    assert len(httpx_mock.get_requests()) == 5
    assert "GET /workspace" in caught.value.where


def test_truncated_json_on_a_read_is_repeated(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(text='{"workspaces": [')
    httpx_mock.add_response(json={"workspaces": []})
    with session() as s:
        assert ReadClient(s).workspaces() == []


def test_no_connection_is_tried_again_even_for_a_write_because_nothing_was_sent(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_exception(httpx.ConnectError("refused"))
    httpx_mock.add_response(json={"success": True, "bucketId": "b1"})
    with session() as s:
        assert WriteClient(s).create(BUCKET, {})[0] == "b1"


@pytest.mark.parametrize(
    ("header", "waited"),
    [("7", 7.0), ("Thu, 01 Jan 1970 00:00:09 GMT", 9.0), (None, 1.5), ("soon", 1.5), ("-5", 1.5), ("²", 1.5)],
)
def test_retry_after_is_honoured_in_both_forms(httpx_mock: HTTPXMock, header: str | None, waited: float) -> None:
    slept = Slept()
    httpx_mock.add_response(
        status_code=429,
        json={"success": False, "message": "slow"},
        headers={b"retry-after": header.encode()} if header else {},
    )
    httpx_mock.add_response(json={"workspaces": []})
    with session(slept) as s:
        ReadClient(s).workspaces()
        assert sum(slept) == pytest.approx(waited)
        assert s.throttle.limit == 4


@pytest.mark.parametrize(
    "body", [{"success": False, "bucketId": ""}, {"success": False, "error_code": "QUOTA_EXCEEDED"}]
)
def test_a_quota_429_is_final_and_not_a_rate_limit(httpx_mock: HTTPXMock, body: Any) -> None:
    httpx_mock.add_response(status_code=429, json=body)
    with session() as s, pytest.raises(ApiFault) as caught:
        WriteClient(s).create(BUCKET, {})
    assert "quota" in caught.value.what
    assert len(httpx_mock.get_requests()) == 1


def test_401_logs_in_again_once_when_there_is_a_login(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=401, json={"success": False}, match_headers={"authorization": "Bearer old"})
    httpx_mock.add_response(url=f"{URL}/user/login", json={"success": True, "accessToken": "new"})
    httpx_mock.add_response(json={"workspaces": []}, match_headers={"authorization": "Bearer new"})
    with session(token=Secret("old"), login=Login("e@x", Secret("p"))) as s:
        assert ReadClient(s).workspaces() == []


def test_401_without_a_login_says_what_to_do(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=401, content=b"")
    with session() as s, pytest.raises(AuthenticationFailed) as caught:
        ReadClient(s).workspaces()
    assert "FB_JWT" in caught.value.next


def test_null_and_absent_are_the_same() -> None:
    plain = {"id": "1", "name": "a", "bucket": "x", "storageType": "S3"}
    nulls = {
        **plain,
        "region": None,
        "endpoint": None,
        "key": None,
        "secret": None,
        "status": None,
        "apiKeyId": None,
        "walletAddress": None,
    }
    assert observed_from(BUCKET, nulls) == observed_from(BUCKET, plain)


def test_azure_reads_as_blob_and_unknown_fields_are_passed_over() -> None:
    found = observed_from(
        BUCKET, {"id": "1", "name": "a", "storageType": "AZURE", "future": {"x": 1}, "status": "NEW_STATUS"}
    )
    assert found.fields == {"name": "a", "storage_type": "BLOB"}


@pytest.mark.parametrize(
    "row",
    [
        {"bucketId": "b1", "folder": "x", "master": True},
        {"unitId": "b1", "folder": "x", "master": True},
        {"bucket": {"id": "b1", "secret": {"message": "cipher"}}, "folder": "x", "master": True},
    ],
)
def test_an_attachment_is_read_by_any_of_its_names_and_its_nested_bucket_is_dropped(row: dict[str, Any]) -> None:
    found = observed_from(REPOSITORY, {"id": "r", "name": "r", "buckets": [row]})
    assert found.fields["buckets"] == [{"bucket": "b1", "folder": "x", "master": True}]


@pytest.mark.parametrize(
    ("rows", "carried"),
    [
        ([{"aiLlmId": "m"}], {"aiLlms": ["m"]}),
        ([{"id": "m"}], {"aiLlms": ["m"]}),
        ([{"name": "m"}], {"unreadable": ["None"]}),
        ([], {}),
    ],
)
def test_ai_attachments_are_carried_along_or_block(rows: list[Any], carried: dict[str, Any]) -> None:
    assert observed_from(REPOSITORY, {"id": "r", "name": "r", "aiLlms": rows}).carried == carried


@pytest.mark.parametrize("content", [b"<html>welcome</html>", b'{"success": tr'])
def test_a_write_answered_with_something_else_than_json_is_unknown(httpx_mock: HTTPXMock, content: bytes) -> None:
    """A page of a proxy, or half of an answer, is no word of the API: whether it happened has to be read."""
    httpx_mock.add_response(status_code=200, content=content, is_reusable=True)
    with session() as s:
        for write in (lambda c: c.update(BUCKET, "1", {}), lambda c: c.delete(BUCKET, "1")):
            with pytest.raises(Ambiguous):
                write(WriteClient(s))


def test_a_write_answered_with_nothing_is_done(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(status_code=200, content=b"", is_reusable=True)
    with session() as s:
        WriteClient(s).update(BUCKET, "1", {})
        assert WriteClient(s).delete(BUCKET, "1")


@pytest.mark.parametrize("content", [b"", b"{}", b"<html>"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_no_success_whatever_its_body(httpx_mock: HTTPXMock, status: int, content: bytes) -> None:
    """As a gateway answers whose login has run out: a delete taken for done would leave its object to nobody."""
    httpx_mock.add_response(status, headers={"location": "https://login.example/"}, content=content, is_reusable=True)
    with session() as s:
        for write in (
            lambda: WriteClient(s).update(BUCKET, "b1", {}),
            lambda: WriteClient(s).delete(BUCKET, "b1"),
            lambda: WriteClient(s).create(BUCKET, {}),
        ):
            with pytest.raises(Ambiguous) as caught:
                write()
            assert caught.value.what == f"the API answered with a redirect ({status})"
        with pytest.raises(Unreachable) as told:
            ReadClient(s).listing(BUCKET, "w")
        assert "none is followed" in told.value.why
    assert {r.url.host for r in httpx_mock.get_requests()} == {"api.example"}


def test_half_a_letter_that_the_api_wrote_goes_back_as_it_came(httpx_mock: HTTPXMock) -> None:
    httpx_mock.add_response(json={"success": True})
    with session() as s:
        WriteClient(s).update(BUCKET, "b1", {"name": "a\ud83d", "region": "zürich"})
    assert httpx_mock.get_requests()[0].content == rb'{"name":"a\ud83d","region":"z\u00fcrich"}'
