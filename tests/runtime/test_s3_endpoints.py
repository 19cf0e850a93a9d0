"""Several Bridge Nodes before the same buckets: the first that answers is asked, and no bucket pays for a node."""

from __future__ import annotations

import io
import socket
from contextlib import ExitStack

import pytest
from runtime_world import policy_document, raw

from fbplan.emulator.bridge import serving
from fbplan.runtime import NotStored, Router, TransportFailure, Unavailable
from fbplan.runtime.adapters.endpoints import Endpoints
from fbplan.runtime.adapters.s3 import S3Transport


class Door:
    """A node of its own before the same store, which counts who comes; `page` is answered instead, if it is set."""

    def __init__(self, bridge):
        self.bridge, self.url, self.page = bridge, "", None
        self.came = []

    def __call__(self, environ, start_response):
        self.came.append(environ["REQUEST_METHOD"])
        if self.page is None:
            return self.bridge(environ, start_response)
        environ["wsgi.input"].read()
        start_response("502 Bad Gateway", [("Content-Type", "text/html"), ("Content-Length", str(len(self.page)))])
        return [self.page]


class Nodes:
    """A router over two nodes, which come and go, with a clock that only tests move."""

    def __init__(self, s3, opened):
        self.s3, self.opened = s3, opened
        self.doors = [Door(s3.node.bridge), Door(s3.node.bridge)]
        self.stop = {}
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self.ports = [one.getsockname()[1], two.getsockname()[1]]
        self.urls = [f"http://127.0.0.1:{port}" for port in self.ports]
        caps = {name: {"folders": {"app": ""}} for name in "abc"}
        keys = {"write": {"sink": "file:secrets/writer.env"}}
        s3.policy.write_bytes(raw(policy_document(caps, endpoint=self.urls[0], endpoints=self.urls, keys=keys)))
        self.transport = S3Transport(s3.folder, clock_ms=lambda: s3.now)
        self.router = Router.from_file(s3.policy, self.transport, **s3.settings())

    def up(self, *numbers):
        for number in numbers:
            self.stop[number] = self.opened.enter_context(ExitStack())
            self.stop[number].enter_context(serving(self.doors[number], port=self.ports[number]))
        return self

    def down(self, number):
        self.stop[number].close()

    @property
    def came(self):
        """How many requests each node has had since the last look."""
        counts = [len(door.came) for door in self.doors]
        for door in self.doors:
            door.came.clear()
        return counts


@pytest.fixture
def nodes(s3):
    with ExitStack() as opened:
        yield Nodes(s3, opened)


def test_with_the_first_node_dead_writes_go_on_over_the_second_at_once(s3, nodes, caplog):
    nodes.up(1)
    placed = [nodes.router.put(f"k{n}", body) for n, body in enumerate((b"x", io.BytesIO(b"y" * 300)))]
    assert [one.bucket for one in placed] == ["a", "a"]
    assert [len(record["attempts"]) for record in s3.records] == [1, 1], "no hop, no retry, no breaker of the bucket"
    assert s3.pauses == []
    assert nodes.router.get(str(placed[1].reference)).content.read() == b"y" * 300
    assert [entry.entry.key for entry in nodes.router.list().entries] == ["k0", "k1"]
    assert nodes.came == [0, 6]
    assert [record.levelname for record in caplog.records] == ["WARNING"], "one line for what one request found out"


def test_the_first_node_is_asked_again_after_a_pause_that_grows(s3, nodes, caplog):
    nodes.up(0, 1)
    nodes.router.put("before", b"x")
    nodes.down(0)
    assert nodes.came == [1, 0]
    for number, pause in enumerate((5_000, 10_000, 20_000)):
        nodes.router.put(f"k{number}", b"x")
        s3.now += pause - 1
        nodes.router.put(f"l{number}", b"x")
        s3.now += 1
    assert [record.getMessage().split(" for ")[1] for record in caplog.records] == ["5 s", "10 s", "20 s"]
    assert nodes.came == [0, 6]
    nodes.up(0)
    nodes.router.put("after", b"x")
    nodes.router.put("later", b"x")
    assert nodes.came == [2, 0]


def test_with_every_node_dead_there_is_one_error_that_names_them(s3, nodes):
    with pytest.raises(NotStored) as failed:
        nodes.router.put("k", b"x")
    assert {a["code"] for a in failed.value.record["attempts"]} == {"EndpointConnectionError"}
    with pytest.raises(Unavailable) as unread:
        nodes.router.get("k")
    told = f"no answer EndpointConnectionError from {nodes.urls[0]} and {nodes.urls[1]}"
    assert unread.value.buckets == dict.fromkeys("abc", told)
    nodes.up(1)
    s3.now += 5_000
    assert nodes.router.put("k", b"x").bucket == "a"


def test_a_gateways_page_marks_the_node_and_a_write_is_looked_for_before_it_is_sent_again(s3, nodes):
    nodes.up(0, 1)
    nodes.doors[0].page = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
    placed = nodes.router.put("k", b"x")
    (record,) = s3.records
    told = [(a["bucket"], a["status"], a["settled"], a["then"]) for a in record["attempts"]]
    assert told == [("a", 502, "absent", "retry"), ("a", 200, None, "stored")]
    assert nodes.doors[1].came == ["HEAD", "PUT"]
    assert nodes.doors[0].came == ["PUT"]
    s3.now += 5_000
    assert nodes.router.get(str(placed.reference)).content.read() == b"x"
    assert nodes.came == [2, 3], "a read goes on by itself"


class Asked:
    """Nodes as functions: what each does when it is asked, by a clock that only tests move."""

    def __init__(self, **does):
        self.now, self.does, self.asked, self.limits = 0, does, [], []
        self.endpoints = Endpoints(lambda: self.now)

    def call(self, endpoint, limits):
        self.asked.append(endpoint)
        self.limits.append(limits)
        found = self.does[endpoint]
        if isinstance(found, Exception):
            raise found
        return found() if callable(found) else found

    def ask(self, *, is_repeatable=False, tells_code=True):
        """Which nodes were asked, and what came of it."""
        self.asked.clear()
        try:
            came = self.endpoints.ask(
                tuple(self.does), 4_000, self.call, is_repeatable=is_repeatable, tells_code=tells_code
            )
        except TransportFailure as failure:
            came = str(failure)
        return "".join(self.asked), came


def after(asked, ms, failure):
    """A node that keeps its caller waiting."""

    def wait():
        asked.now += ms
        raise failure

    return wait


SILENT = TransportFailure(0, "ConnectTimeoutError", was_sent=False)
CUT = TransportFailure(0, "ConnectionClosedError")
PAGE = TransportFailure(502)
STORE = TransportFailure(500, "InternalError")
DENIED = TransportFailure(403, "AccessDenied")


@pytest.mark.parametrize(
    ("failure", "write", "read", "rests"),
    [
        (SILENT, ("ab", "ok"), ("ab", "ok"), True),
        (PAGE, ("a", "502"), ("ab", "ok"), True),
        (TransportFailure(503, "ServiceUnavailable"), ("a", "503 ServiceUnavailable"), ("ab", "ok"), True),
        (CUT, ("a", "no answer ConnectionClosedError"), ("ab", "ok"), False),
        (STORE, ("a", "500 InternalError"), ("a", "500 InternalError"), False),
        (DENIED, ("a", "403 AccessDenied"), ("a", "403 AccessDenied"), False),
        (TransportFailure(401, "token", was_sent=False), ("a", "401 token"), ("a", "401 token"), False),
    ],
    ids=["silent", "page", "unavailable", "cut", "store", "denied", "key"],
)
def test_a_write_goes_on_only_when_nothing_was_sent_and_a_read_whenever_the_node_failed(failure, write, read, rests):
    assert Asked(a=failure, b="ok").ask() == write
    asked = Asked(a=failure, b="ok")
    assert asked.ask(is_repeatable=True) == read
    assert asked.ask(is_repeatable=True) == (("b", "ok") if rests else read)


def test_a_head_that_failed_says_nothing_of_the_node_because_it_has_no_code():
    asked = Asked(a=PAGE, b="ok")
    assert [asked.ask(is_repeatable=True, tells_code=False) for _ in range(2)] == [("ab", "ok")] * 2


def test_one_request_finds_out_whether_a_node_is_back_while_the_others_ask_the_next():
    asked = Asked(a=SILENT, b="ok")
    assert asked.ask() == ("ab", "ok")
    asked.now += 5_000
    meanwhile = []

    def slow():
        asked.does["a"] = SILENT
        meanwhile.append(asked.ask())
        return "back"

    asked.does["a"] = slow
    assert asked.ask()[1] == "back"
    assert meanwhile == [("b", "ok")]
    asked.does["a"] = "ok"
    assert asked.ask() == ("a", "ok")


def test_a_node_that_brings_a_refusal_is_back():
    asked = Asked(a=SILENT, b="ok")
    assert asked.ask() == ("ab", "ok")
    asked.now += 5_000
    asked.does["a"] = DENIED
    assert [asked.ask() for _ in range(2)] == [("a", "403 AccessDenied")] * 2


def test_many_requests_that_fail_at_the_same_time_are_one_failure():
    asked = Asked(a=SILENT, b="ok")

    def together():
        asked.does["a"] = SILENT
        assert asked.ask() == ("ab", "ok")
        asked.now += 100
        raise SILENT

    asked.does["a"] = together
    assert asked.ask()[1] == "ok"
    asked.now += 4_999
    assert asked.ask() == ("ab", "ok"), "5 s after the first of them, not 10 s"


def test_the_nodes_share_the_time_of_one_try_and_the_last_has_what_is_left():
    asked = Asked(a=SILENT, b=SILENT, c="ok")
    asked.does["a"] = after(asked, 1_300, SILENT)
    assert asked.ask() == ("abc", "ok")
    assert [tuple(limits) for limits in asked.limits] == [(4_000, 1_333), (2_700, 1_350), (2_700, 2_700)]

    late = Asked(a=SILENT, b="ok")
    late.does["a"] = after(late, 4_000, SILENT)
    assert late.ask() == ("a", "no answer ConnectTimeoutError from a"), "no time is left for the second"
