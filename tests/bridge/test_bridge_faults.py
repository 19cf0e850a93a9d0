"""The fault script of the data plane, the state of the node and of a bucket: what boto3 makes of each."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, HTTPClientError
from bridge_rig import MB, Node, refusal

from fbplan.emulator.bridge.faults import KINDS
from fbplan.emulator.faults import Run

ANSWERS = {
    "slowdown-503": (503, "SlowDown"),
    "slowdown-429": (429, "SlowDown"),
    "500-before": (500, "InternalError"),
    "500-after": (500, "InternalError"),
    "403": (403, "403"),
    "quota-403": (403, "QUOTA_EXCEEDED"),
    "quota-429": (429, "QUOTA_EXCEEDED"),
    "507": (507, "InsufficientStorage"),
}
CUTS = {"cut-before", "cut-after", "truncated-upload"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_write_is_committed_exactly_when_its_kind_says_so(node: Node, kind: str) -> None:
    s3 = node.writer("a")
    node.fault(method="PUT", path="/a/*", fault=kind)
    if kind in ANSWERS:
        with pytest.raises(ClientError) as answered:
            s3.put_object(Bucket="a", Key="k", Body=b"x" * 1000)
        assert refusal(answered.value) == ANSWERS[kind]
    elif kind in CUTS:
        with pytest.raises(HTTPClientError):
            s3.put_object(Bucket="a", Key="k", Body=b"x" * 1000)
    else:
        s3.put_object(Bucket="a", Key="k", Body=b"x" * 1000)
        assert node.slept == [1.0]
    is_committed = KINDS[kind].run is Run.DONE or kind == "delay"
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == is_committed
    assert node.daily() == ([(1000, 0, 1000)] if is_committed else [])


def test_every_kind_is_answered_cut_or_delayed() -> None:
    assert set(ANSWERS) | CUTS | {"delay", "delay-after"} == set(KINDS)


def test_the_nth_request_on_a_path_is_struck_so_many_times(node: Node) -> None:
    s3 = node.writer("a", "b")
    node.fault(method="PUT", path="/a/*", fault="500-before", nth=2, times=2)

    def put(bucket: str) -> int:
        try:
            return int(s3.put_object(Bucket=bucket, Key="k", Body=b"")["ResponseMetadata"]["HTTPStatusCode"])
        except ClientError as fault:
            return refusal(fault)[0]

    assert [put(bucket) for bucket in ("a", "b", "a", "b", "a", "a")] == [200, 200, 500, 200, 500, 200]
    (line,) = node.api.get("/_emulator/bridge/faults").json()["faults"]
    assert (line["seen"], line["fired"]) == (4, 2)
    assert node.api.delete("/_emulator/bridge/faults").json() == {"faults": []}


@pytest.mark.parametrize("kind", ["slowdown-503", "slowdown-429"])
@pytest.mark.parametrize("retry_after", [None, 7, "http-date"])
def test_slow_down_says_when_to_come_back(node: Node, kind: str, retry_after: object) -> None:
    s3 = node.writer("a")
    node.fault(fault=kind, retry_after=retry_after)
    with pytest.raises(ClientError) as fault:
        s3.list_objects_v2(Bucket="a")
    header = fault.value.response["ResponseMetadata"]["HTTPHeaders"].get("retry-after")
    assert header == {None: None, 7: "7"}.get(retry_after, header)
    assert (header is None) is (retry_after is None)


def test_a_bare_403_has_neither_code_nor_body(node: Node) -> None:
    node.fault(fault="403")
    answer = httpx.get(f"{node.url}/a/k")
    assert (answer.status_code, answer.content) == (403, b"")


def test_half_of_an_upload_is_taken_before_the_cut(node: Node) -> None:
    s3 = node.writer("a", request_checksum_calculation="when_required")
    node.fault(fault="truncated-upload")
    body = Counted(8 * MB)
    with pytest.raises(HTTPClientError):
        s3.put_object(Bucket="a", Key="k", Body=body, ContentLength=8 * MB)
    # What the sockets hold was sent and never taken.
    assert 4 * MB <= body.sent < 8 * MB + 1
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 0


class Counted:
    """A body that knows how much of it was asked for since it was last rewound."""

    def __init__(self, size: int) -> None:
        self.size, self.at, self.sent = size, 0, 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (self.size if whence == 2 else self.at if whence == 1 else 0)
        self.sent = 0
        return self.at

    def tell(self) -> int:
        return self.at

    def read(self, size: int = -1) -> bytes:
        taken = self.size - self.at if size < 0 else min(size, self.size - self.at)
        self.at += taken
        self.sent += taken
        return b"x" * taken


def test_an_offline_node_answers_503_on_health_and_requests(node: Node) -> None:
    s3 = node.writer("a")
    assert httpx.get(f"{node.url}/health").status_code == 200
    node.post("/_emulator/settings", {"bridge_status": "OFFLINE"})
    assert httpx.get(f"{node.url}/health").status_code == 503
    with pytest.raises(ClientError) as fault:
        s3.list_objects_v2(Bucket="a")
    assert refusal(fault.value) == (503, "ServiceUnavailable")
    node.post("/_emulator/settings", {"bridge_status": "ONLINE"})
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 0


def test_an_offline_bucket_answers_503_and_the_others_go_on(node: Node) -> None:
    s3 = node.writer("a", "b")
    node.post("/_emulator/state", {"bucket": "a", "status": "OFFLINE"})
    with pytest.raises(ClientError) as fault:
        s3.put_object(Bucket="a", Key="k", Body=b"x")
    assert refusal(fault.value) == (503, "ServiceUnavailable")
    s3.put_object(Bucket="b", Key="k", Body=b"x")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(node: Node) -> None:
    s3 = node.writer("a", signature_version="s3v4")
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "a", "Key": "k"}, ExpiresIn=60)

    def half() -> Any:
        yield b"x" * 1000
        raise KeyError

    with pytest.raises(KeyError):
        httpx.put(url, content=half(), headers={"content-length": "2000"})
    assert s3.list_objects_v2(Bucket="a")["KeyCount"] == 0
    folder = node.emulator.store.path.parent / "bridge" / "objects" / "incoming"
    node.close()  # the node notices on a thread of its own, and closing waits for it
    assert list(folder.iterdir()) == []


def test_a_wrong_fault_is_refused(node: Node) -> None:
    for body in ({"fault": "200-failure"}, {"fault": "403", "nth": 0}, [3], "x"):
        assert node.api.post("/_emulator/bridge/faults", json=body).status_code == 400
    assert node.api.get("/_emulator/bridge/faults").json()["faults"] == []


def test_controls_of_a_node_need_a_node(node: Node) -> None:
    assert node.api.get("/_emulator/bridge/none").status_code == 404
    assert node.api.put("/_emulator/bridge/credit").status_code == 405
    node.emulator.bridge = None
    answer = node.api.get("/_emulator/bridge/credit")
    node.emulator.bridge = node.bridge
    assert (answer.status_code, "--bridge-port" in answer.json()["message"]) == (400, True)
