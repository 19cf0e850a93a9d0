"""What a server does to a connection: whether a call is told as lost or as never sent, and what is left of the pool."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fbplan.client.deadline import Deadline
from fbplan.client.envelope import Answer
from fbplan.client.settings import Settings, Timeouts
from fbplan.client.transport import Asked, NotSent, Transport
from fbplan.errors import Ambiguous

BODY = b'{"success": true}'
GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
ZIPPED = gzip.compress(BODY)
CREATE = Asked("POST", "/bucket", {"name": "a"})
Found = Answer | NotSent | Ambiguous


class Server:
    """Takes connections, reads requests and answers each with the next of `answers`; b"" closes without one."""

    def __init__(self, *answers: bytes, closes: bool = False) -> None:
        self._answers, self._closes = list(answers), closes
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections, self.requests = 0, 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while self._answers:
            connection, _ = self._listener.accept()
            self.connections += 1
            with connection:
                while self._answers and self._has_request(connection):
                    self.requests += 1
                    answer = self._answers.pop(0)
                    connection.sendall(answer)
                    if self._closes or not answer:
                        break

    @staticmethod
    def _has_request(connection: socket.socket) -> bool:
        found = b""
        while not found.endswith(b'{"name":"a"}'):
            part = connection.recv(65_536)
            if not part:
                return False
            found += part
        return True

    def close(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()


@pytest.fixture
def served() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def serve(*answers: bytes, closes: bool = False) -> Server:
        servers.append(Server(*answers, closes=closes))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def asked(server: Server, times: int) -> list[Found]:
    """So many creates in a row over one pool of two connections: one that leaks would leave none for the third."""
    transport = Transport(Settings(server.url, 1, Timeouts(pool=1.0)), None)
    found: list[Found] = []
    for _ in range(times):
        try:
            found.append(transport.ask(CREATE, None, Deadline.after("action", 10.0, time.monotonic())))
        except Ambiguous as fault:
            found.append(fault)
    transport.close()
    return found


@pytest.mark.parametrize(
    ("answer", "closes"),
    [
        pytest.param(GOOD, False, id="kept alive"),
        pytest.param(GOOD, True, id="closed without a word after the answer"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + BODY, True, id="HTTP/1.0, ended by its end"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + GOOD, False, id="1xx"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(ZIPPED), ZIPPED),
            False,
            id="gzip",
        ),
    ],
)
def test_an_answer_is_an_answer_however_it_comes(served: Callable[..., Server], answer: bytes, closes: bool) -> None:
    server = served(*[answer] * 4, closes=closes)
    assert [f.body for f in asked(server, 4) if isinstance(f, Answer)] == [{"success": True}] * 4
    assert server.connections == (4 if closes else 1)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="closed without an answer"),
        pytest.param(b"HTTP/1.1 200", id="cut in the first line"),
        pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n" + BODY, id="cut in the body"),
        pytest.param(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{}   \r\n", id="cut between chunks"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", id="gzip that is none"
        ),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", id="another protocol"
        ),
        pytest.param(b"220 mail.example ESMTP\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n", id="a header without an end"),
    ],
)
def test_a_create_that_was_sent_is_lost_and_never_unsent_and_its_connection_is_not_kept(
    served: Callable[..., Server], answer: bytes
) -> None:
    server = served(*[answer] * 4, closes=True)
    assert [type(f) for f in asked(server, 4)] == [Ambiguous] * 4
    assert (server.requests, server.connections) == (4, 4)


def test_a_create_over_a_connection_that_the_server_closes_as_it_comes_is_lost_and_sent_once(
    served: Callable[..., Server],
) -> None:
    """It was read before the end: the server may have made the bucket."""
    server = served(GOOD, b"", GOOD)
    found = asked(server, 3)
    assert [type(f) for f in found] == [Answer, Ambiguous, Answer]
    assert (server.requests, server.connections) == (3, 2)
