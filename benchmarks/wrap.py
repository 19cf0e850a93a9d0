"""What wrap(boto3) costs beside boto3 alone, on one server in one run; and how long a failover takes.

    python benchmarks/wrap.py [--rounds 300] [--threads 4]

The server is the emulator's Bridge Node in a process of its own. Both clients have the same settings (one attempt, path
style, no checksum unless required) and take turns, so that whatever else the machine does hits both. The last row is
boto3 as it comes, with its own retries, at a bucket that cuts every connection.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from fbplan.emulator import Settings, open_emulator
from fbplan.emulator.bridge import Bridge, serving
from fbplan.runtime import wrap
from fbplan.runtime.canonical import sealed

ZERO = "sha256:" + "0" * 64
SIZES = {"1 kB": 1_000, "64 kB": 64_000, "1 MB": 1_000_000}
REPOSITORIES = {"plain": ["ready"], "quota": ["full", "ready"], "broken": ["dead", "ready"]}


def serve(folder: Path) -> None:
    """Buckets `ready`, `full` (no credit) and `dead` (every connection is cut), until stdin ends."""
    emulator = open_emulator(folder, Settings())
    transport = httpx.WSGITransport(app=emulator)
    headers = {"Authorization": "Bearer any"}
    try:
        with (
            serving(Bridge(emulator)) as url,
            httpx.Client(transport=transport, base_url="http://emulator", headers=headers) as api,
        ):
            workspace = api.get("/workspace").json()["workspaces"][0]["id"]

            def post(path: str, body: object) -> Any:
                answer = api.post(path, json=body)
                answer.raise_for_status()
                return answer.json()

            stated = {"storageType": "S3", "region": "r", "key": "k", "secret": "s", "workspaceId": workspace}
            ids = {
                n: post("/bucket", {**stated, "name": n, "bucket": n})["bucketId"] for n in ("ready", "full", "dead")
            }
            attached = [{"bucketId": found, "folder": "", "master": False} for found in ids.values()]
            body = {"name": "app", "storageType": "S3", "mode": "NORMAL", "workspaceId": workspace}
            repo = post("/repo", {**body, "repoBuckets": attached})["repoId"]
            key = post(f"/repo/{repo}/apikey", {"name": "w", "accessType": "WRITE"})
            post("/_emulator/bridge/credit", {"bucket": "full", "limit": 0})
            post(
                "/_emulator/bridge/faults", {"method": "PUT", "path": "/dead/*", "fault": "cut-before", "times": 10**9}
            )
            print(json.dumps({"url": url, "key": key["key"], "secret": key["secret"]}), flush=True)
            sys.stdin.read()
    finally:
        emulator.close()


@contextmanager
def served(folder: Path) -> Iterator[dict[str, str]]:
    command = [sys.executable, __file__, "--serve", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())
        server.stdin.close()


def write_policy(path: Path, url: str) -> None:
    cap = {"meter": "ingress_bytes", "limit": 10**15}
    names = ("ready", "full", "dead")
    folders = dict.fromkeys(REPOSITORIES, "")
    bucket = {"storage_type": "S3", "folders": folders, "meters": [cap]}
    document = {
        "format": "fbplan.routing/1",
        "min_reader": 1,
        "generation": 1,
        "spec_digest": ZERO,
        "content_digest": ZERO,
        "repositories": {
            name: {"repo_id": "r", "protocol": "S3", "endpoint": url, "order": order}
            for name, order in REPOSITORIES.items()
        },
        "buckets": {name: {**bucket, "bucket_id": name, "container": name} for name in names},
    }
    path.write_text(json.dumps(sealed(document)))


def client_of(node: dict[str, str], **config: object) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=node["url"],
        region_name="us-east-1",
        aws_access_key_id=node["key"],
        aws_secret_access_key=node["secret"],
        config=Config(s3={"addressing_style": "path"}, max_pool_connections=32, **config),
    )


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


class Puts:
    """A put of the next key, through one of the clients."""

    def __init__(self, client: Any, bucket: str, body: bytes, keys: Iterator[int]) -> None:
        self.client, self.bucket, self.body, self.keys = client, bucket, body, keys

    def __call__(self) -> object:
        return self.client.put_object(Bucket=self.bucket, Key=f"k{next(self.keys)}", Body=self.body)


def latencies(bare: Puts, wrapped: Puts, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each put, in turns."""
    found: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 10):
        pair = ((bare, found[0]), (wrapped, found[1]))
        for put, into in pair if turn % 2 else reversed(pair):
            took = seconds(put)
            if turn >= 10:
                into.append(took)
    return found


def rates(bare: Puts, wrapped: Puts, rounds: int, threads: int) -> tuple[float, float]:
    """Puts a second of so many threads: the best of five turns each."""
    best = [0.0, 0.0]
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(5):
            for index, put in enumerate((bare, wrapped)):
                took = seconds(lambda put=put: [f.result() for f in [pool.submit(put) for _ in range(rounds)]])
                best[index] = max(best[index], rounds / took)
    return best[0], best[1]


def overhead(bare: float, wrapped: float) -> str:
    """In percent, and what that is in time."""
    return f"{(wrapped / bare - 1) * 100:+.1f} % ({(wrapped - bare) * 1e3:+.2f} ms)"


def measure(folder: Path, rounds: int, threads: int) -> None:
    with served(folder / "node") as node:
        policy = folder / "routing-policy.json"
        write_policy(policy, node["url"])
        plain = client_of(node, retries={"total_max_attempts": 1}, request_checksum_calculation="when_required")
        routed, keys = wrap(plain, policy), count()
        print("| put | boto3 | wrap(boto3) | overhead |\n| --- | ---: | ---: | ---: |")
        for word, size in SIZES.items():
            pair = Puts(plain, "ready", bytes(size), keys), Puts(routed, "plain", bytes(size), keys)
            found = latencies(*pair, rounds)
            for what, cut in (("median", 49), ("90 %", 89)):
                bare, wrapped = (statistics.quantiles(samples, n=100)[cut] for samples in found)
                print(f"| {word}, {what} | {bare * 1e3:.2f} ms | {wrapped * 1e3:.2f} ms | {overhead(bare, wrapped)} |")
        pair = Puts(plain, "ready", bytes(1_000), keys), Puts(routed, "plain", bytes(1_000), keys)
        bare, wrapped = rates(*pair, rounds, threads)
        print(f"| 1 kB, {threads} threads | {bare:.0f}/s | {wrapped:.0f}/s | {overhead(1 / bare, 1 / wrapped)} |")
        failovers(node, policy, keys)


def failovers(node: dict[str, str], policy: Path, keys: Iterator[int]) -> None:
    print("\n| failover of a 1 kB put | time |\n| --- | ---: |")
    for name, what in (("quota", "credit used up"), ("broken", "bucket cuts every connection")):
        firsts, nexts = [], []
        for _ in range(5):
            routed = wrap(client_of(node), policy)
            routed.put_object(Bucket="plain", Key=f"k{next(keys)}", Body=b"")  # connections and clients are there
            put = Puts(routed, name, bytes(1_000), keys)
            firsts.append(seconds(put))
            nexts.append(seconds(put))
        for when, samples in (("the write that meets it", firsts), ("the next one", nexts)):
            print(f"| {what}: {when} | {statistics.median(samples) * 1e3:.1f} ms |")
    took = seconds(lambda: given_up(client_of(node)))
    print(f"| bucket cuts every connection: boto3 alone gives up after | {took * 1e3:.0f} ms |")


def given_up(client: Any) -> None:
    try:
        client.put_object(Bucket="dead", Key="k", Body=bytes(1_000))
    except BotoCoreError:
        return
    raise AssertionError("the dead bucket took a write")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    stated = parser.parse_args()
    if stated.serve is not None:
        serve(stated.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), stated.rounds, stated.threads)


if __name__ == "__main__":
    main()
