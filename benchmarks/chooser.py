"""What a decision costs, in microseconds, beside a request to a server on this machine.

    python benchmarks/chooser.py [--rounds 20000]

The guide asks the statistics over HTTP before every write; its cheapest form is one GET on a connection that stays open.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fbplan.runtime import Router
from fbplan.runtime.canonical import sealed
from fbplan.runtime.course import begin, told
from fbplan.runtime.flight import Answer
from fbplan.runtime.record import write_record
from fbplan.runtime.state import State
from fbplan.runtime.times import stamp_of
from fbplan.runtime.view import Request

ZERO = "sha256:" + "0" * 64


def documents(buckets: int, now_ms: int) -> tuple[dict[str, object], dict[str, object]]:
    names = [f"b{n:02}" for n in range(buckets)]
    cap = {"meter": "ingress_bytes", "limit": 500_000_000_000}
    policy = {
        "format": "fbplan.routing/1",
        "min_reader": 1,
        "generation": 1,
        "spec_digest": ZERO,
        "content_digest": ZERO,
        "repositories": {"app": {"repo_id": "r", "protocol": "S3", "order": names}},
        "buckets": {n: {"bucket_id": n, "container": n, "storage_type": "S3", "meters": [cap]} for n in names},
    }
    granted = [{"id": t, "tier": t, "bytes": 10**15} for t in ("soft", "hard")]
    use = {
        "quality": "ok",
        "meters": {"ingress_bytes": {"period": "2026-11", "used": 0, "grants": granted}},
        "expires_at": stamp_of(now_ms + 3_600_000),
    }
    usage = {
        "format": "fbplan.usage/1",
        "policy_generation": 1,
        "policy_digest": ZERO,
        "seq": 1,
        "published_at": stamp_of(now_ms),
        "as_of": stamp_of(now_ms),
        "poll_s": 60,
        "max_lag_s": 120,
        "buckets": dict.fromkeys(names, use),
    }
    return sealed(policy), sealed(usage)


def timed(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Median and 99th percentile, in microseconds."""
    samples = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        call()
        samples.append((time.perf_counter_ns() - began) / 1000)
    cut = statistics.quantiles(samples, n=100)
    return cut[49], cut[98]


def router(folder: Path, buckets: int, *, simple: bool) -> Router:
    policy, usage = documents(buckets, time.time_ns() // 1_000_000)
    (folder / "policy.json").write_text(json.dumps(policy))
    (folder / "usage.json").write_text(json.dumps(usage))
    return Router.from_file(folder / "policy.json", usage=None if simple else folder / "usage.json")


def whole_write(found: Router) -> Callable[[], object]:
    view, state = found._core.view(), State()  # noqa: SLF001 -- a write without its transport has no public face

    def write() -> object:
        nonlocal state
        now = time.time_ns() // 1_000_000
        state, flight = begin(view, state, now, Request(1))
        state, flight = told(state, flight, now, Answer(200))
        return write_record(flight)

    return write


class _Statistics(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, as a real server would

    def do_GET(self) -> None:
        body = b'{"success":true,"data":[]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_told: object) -> None:
        pass


def over_http(rounds: int) -> tuple[float, float]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Statistics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = HTTPConnection("127.0.0.1", server.server_port)

    def ask() -> object:
        connection.request("GET", "/bucket/stats")
        return json.loads(connection.getresponse().read())

    try:
        return timed(ask, rounds)
    finally:
        connection.close()
        server.shutdown()
        server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20_000)
    rounds = parser.parse_args().rounds
    print("| what | median µs | 99% µs |\n| --- | ---: | ---: |")
    for buckets in (1, 3, 10):
        for simple in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                found = router(Path(folder), buckets, simple=simple)
                word = "alone" if simple else "grants"
                for what, call in (("choose()", found.choose), ("a whole write, record included", whole_write(found))):
                    median, most = timed(call, rounds)
                    print(f"| {what}, {buckets} buckets, {word} | {median:.1f} | {most:.1f} |")
    median, most = over_http(rounds // 10)
    print(f"| one GET to a server on this machine, connection kept | {median:.1f} | {most:.1f} |")


if __name__ == "__main__":
    main()
