"""The fault script: each kind, its place before or after the commit, and which request it strikes."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import httpx
import pytest
from emulator_api import Api

from fbplan.emulator.faults import KINDS, Run


@pytest.fixture
def api(open_api) -> Api:
    api = open_api()
    api.checks = False
    return api


CUTS = {"cut-before", "cut-after"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_write_is_committed_exactly_when_its_kind_says_so(api: Api, kind: str) -> None:
    body = api.bucket_body("b")
    api.script(method="POST", path="/bucket", fault=kind)
    if kind in CUTS:
        with pytest.raises(ConnectionResetError):
            api.post("/bucket", json=body)
    else:
        api.post("/bucket", json=body)
    takes_effect = KINDS[kind].run is not Run.NOT or kind == "delay"
    assert api.names("/bucket") == (["b"] if takes_effect else [])


ANSWERS = [
    ("500-before", 500), ("500-after", 500), ("502-html", 502), ("502-html-after", 502), ("429", 429), ("token-expired", 401),
    ("200-failure", 200), ("delay", 200), ("delay-after", 200),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "status"), ANSWERS)
def test_the_answer_has_the_status_of_its_kind(api: Api, kind: str, status: int) -> None:
    api.script(fault=kind)
    answer = api.get("/bucket")
    assert answer.status_code == status
    if "html" in kind:
        assert answer.headers["Content-Type"].startswith("text/html")
    else:
        assert answer.json()["success"] is ("delay" in kind)


@pytest.mark.parametrize(("retry_after", "header"), [(None, None), (7, "7")])
def test_429_comes_with_and_without_retry_after(api: Api, retry_after: int | None, header: str | None) -> None:
    api.script(fault="429", retry_after=retry_after)
    assert api.get("/bucket").headers.get("Retry-After") == header


def test_429_can_name_a_date(api: Api) -> None:
    api.script(fault="429", retry_after="http-date", seconds=60)
    wait = parsedate_to_datetime(api.get("/bucket").headers["Retry-After"]) - api.emulator.store.now()
    assert 58 <= wait.total_seconds() <= 60


def test_truncated_json_does_not_parse(api: Api) -> None:
    api.script(fault="truncated-json")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        api.get("/bucket").json()


def test_an_empty_list_is_empty_once(api: Api) -> None:
    api.bucket("b")
    api.script(path="/bucket*", fault="empty-list", times=2)
    assert [api.names("/bucket"), api.names("/bucket/available"), api.names("/bucket")] == [[], [], ["b"]]


def test_a_stale_list_shows_the_state_before_the_last_write(api: Api) -> None:
    api.bucket("one")
    api.bucket("two")
    api.post("/bucket", json=api.bucket_body("two"))  # refused: not a write
    api.script(method="GET", path="/bucket", fault="stale-list")
    assert [api.names("/bucket"), api.names("/bucket")] == [["one"], ["one", "two"]]


def test_unknown_fields_and_statuses_appear_everywhere(api: Api) -> None:
    api.repository("r", (api.bucket("b"), "f"))
    api.script(fault="unknown-fields")
    read = api.get("/repo").json()["repos"][0]
    assert "notSeenBefore" in read
    assert read["buckets"][0]["bucket"]["status"] == "NOT_SEEN_BEFORE"
    assert (read["name"], read["mode"]) == ("r", "NORMAL")


def test_unknown_values_appear_in_enumerations(api: Api) -> None:
    api.repository("r")
    api.script(fault="unknown-values")
    read = api.get("/repo").json()["repos"][0]
    assert (read["mode"], read["storageType"]) == ("NOT_SEEN_BEFORE", "NOT_SEEN_BEFORE")


def test_optional_fields_are_null_or_missing(api: Api) -> None:
    api.bucket("b")
    api.script(fault="nulls")
    api.script(fault="missing-fields", nth=2)
    first, second = (api.get("/bucket").json()["buckets"][0] for _ in range(2))
    assert (first["region"], first["secret"], first["name"]) == (None, None, "b")
    assert ("region" in second, "repos" in second, second["name"]) == (False, False, "b")


def test_the_nth_matching_request_is_struck_and_the_times_after_it(api: Api) -> None:
    api.script(method="GET", path="/bucket", nth=2, times=2, fault="500-before")
    seen = [api.get(path).status_code for path in ("/bucket", "/repo", "/bucket", "/bucket", "/bucket")]
    assert seen == [200, 200, 500, 500, 200]
    (line,) = api.get("/_emulator/faults").json()["faults"]
    assert (line["seen"], line["fired"]) == (4, 2)


def test_of_two_due_faults_the_first_fires(api: Api) -> None:
    api.script(fault="500-before")
    api.script(fault="429")
    assert [api.get("/bucket").status_code for _ in range(2)] == [500, 200]


def test_faults_can_be_taken_back(api: Api) -> None:
    api.script(fault="500-before", times=99)
    api.delete("/_emulator/faults")
    assert api.get("/bucket").status_code == 200


def test_control_is_never_struck(api: Api) -> None:
    api.script(fault="500-before", times=99)
    assert api.get("/_emulator/health").status_code == 200


def test_a_cut_is_an_os_error_and_not_an_answer(api: Api) -> None:
    api.script(fault="cut-before")
    with pytest.raises(OSError, match="cut"):
        api.get("/bucket")
    (entry,) = api.get("/_emulator/requests").json()["requests"]
    assert (entry["status"], entry["fault"]) == (None, "cut-before")


WRONG = [
    {}, {"fault": "no"}, {"fault": None}, {"fault": ["429"]}, {"fault": "429", "nth": 0}, {"fault": "429", "times": "2"},
    {"fault": "429", "retry_after": "soon"}, {"fault": "429", "retry_after": []}, {"fault": "delay", "seconds": -1},
    {"fault": "429", "path": 1}, {"fault": "429", "colour": "red"}, "429", [1], {"faults": 3},
]  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_fault_is_refused_with_a_reason(api: Api, fault: object) -> None:
    refused = api.post("/_emulator/faults", json=fault)
    assert refused.status_code == 400
    assert refused.json()["message"]
    assert api.get("/_emulator/faults").json() == {"faults": []}


def test_several_faults_can_be_installed_at_once(api: Api) -> None:
    answer: httpx.Response = api.post(
        "/_emulator/faults", json={"faults": [{"fault": 429}, {"fault": "500-before", "nth": 2}]}
    )
    assert [line["fault"] for line in answer.json()["faults"]] == ["429", "500-before"]
