"""The address of the API and the proxy of the environment: what is no address is said before anything is sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fbplan.client.auth import Identity, identity_from
from fbplan.client.session import Session
from fbplan.client.settings import Settings
from fbplan.errors import AuthenticationFailed, FbplanError, Unreachable
from fbplan.secrets import Secret

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class Proxy:
    """An HTTP proxy that answers everything by itself and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                body = json.dumps({"workspaces": []}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_CONNECT(self) -> None:
                outer.asked.append(self.path)
                self.send_error(403, "not through me")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    found = Proxy()
    thread = threading.Thread(target=found.server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def session(url: str) -> Session:
    return Session(Settings(url), Identity(Secret("t")), sleep=lambda _: None)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_calls_go_through_the_proxy_of_the_environment(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url.removeprefix("http://") if variable == "http_proxy" else proxy.url)
    with session("http://api.example/base/") as s:
        s.read("/workspace")
    assert proxy.asked == ["http://api.example/base/workspace"]


@pytest.mark.parametrize("excepted", ["127.0.0.1", "127.0.0.1:{port}", "other.example, 127.0.0.1", "*"])
def test_no_proxy_is_heeded(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, excepted: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", excepted.format(port=proxy.server.server_port))
    with session(proxy.url) as s:
        s.read("/workspace")
    assert proxy.asked == ["/workspace"]


def test_a_proxy_that_refuses_or_is_not_there_is_named_and_nothing_was_sent(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (proxy.url, "http://name:hush@127.0.0.1:1"):
        monkeypatch.setenv("HTTPS_PROXY", url)
        with session("https://api.example") as s, pytest.raises(Unreachable) as fault:
            s.write("POST", "/bucket", {})
        assert "through the proxy of the environment" in fault.value.why
        assert "hush" not in str(fault.value)
    assert set(proxy.asked) == {"api.example:443"}


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1", "ftp://name:hush@127.0.0.1:1"])
def test_a_proxy_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", url)
    with pytest.raises(FbplanError) as fault:
        session("http://api.example")
    assert fault.value.what == "the proxy of the environment cannot be used"
    assert fault.value.why
    assert "hush" not in str(fault.value)


@pytest.mark.parametrize(
    "url", ["api.example", "http://", "http://a b", "ftp://api.example", "http://a:x", "http://a?x=1", "http://a#b"]
)
def test_what_is_no_address_is_said_before_anything_is_sent(url: str) -> None:
    with pytest.raises(FbplanError) as fault:
        session(url)
    assert fault.value.what == "the API address is not a URL"
    assert fault.value.where == url
    assert fault.value.why


@pytest.mark.parametrize("token", ["a\nb", "a b", '"é"', " "])
def test_a_token_that_cannot_stand_in_a_header_is_refused_by_what_is_wrong_with_it(token: str) -> None:
    with pytest.raises(AuthenticationFailed) as fault:
        identity_from({"FB_JWT": token})
    assert fault.value.what == "the token holds characters that no token has"
    assert token.strip() not in str(fault.value) or not token.strip()


def test_the_line_break_at_the_end_of_a_token_is_taken_off() -> None:
    token = identity_from({"FB_JWT": "abc\n"}).token
    assert token is not None
    assert token.reveal() == "abc"
