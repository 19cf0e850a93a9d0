"""An emulated organisation with statistics, a policy over its buckets, and a poller in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from runtime_world import T0, policy_document, raw

from fbplan.client.api import ReadClient
from fbplan.client.auth import Identity
from fbplan.client.session import Session
from fbplan.client.settings import Settings
from fbplan.emulator import Settings as Switches
from fbplan.emulator import open_emulator
from fbplan.emulator.app import Emulator
from fbplan.metering.place import Place, leased
from fbplan.metering.poller import Polled, Poller
from fbplan.metering.rounds import Habits
from fbplan.runtime.times import stamp_ms, stamp_of
from fbplan.runtime.usage import Usage, read_usage
from fbplan.secrets import Secret
from fbplan.storage import Files, Holder

LAG_S, EVERY_S = 180, 60
Alerts = list[tuple[str, str]]
BLIND_S = 90 + 2 + 300 + LAG_S
"""How long nothing is granted when nothing is remembered, with the policy's defaults."""


def ms(stamp: str) -> int:
    found = stamp_ms(stamp)
    assert found is not None
    return found


class World:
    """Buckets a, b, … with an ingress cap of 1,000,000 bytes unless told otherwise. `now` moves by hand."""

    def __init__(self, folder: Path, *names: str, now: str | int = T0, allow: tuple[str, ...] = (), **switches: Any):
        self._open = ExitStack()
        self.folder, self.now = folder, ms(now) if isinstance(now, str) else now
        self.allow, self.alerts, self.slept = allow, [], []
        self.emulator = open_emulator(folder / "emulator", Switches().with_values({"id_seed": "metering", **switches}))
        self._open.callback(self.emulator.close)
        self.api = self._open.enter_context(
            httpx.Client(
                transport=httpx.WSGITransport(app=self.emulator),
                base_url="http://emulator",
                headers={"Authorization": "Bearer any"},
            )
        )
        self.ids = {name: self._bucket(name) for name in names or ("a",)}
        self.write_policy()
        self.client = self._open.enter_context(connected(self.emulator, self.slept))
        self.storage = Files(folder / "usage.json")
        self.poller = self.started()

    def close(self) -> None:
        self._open.close()

    def started(self, lag_s: int = LAG_S, every_s: int = EVERY_S) -> Poller:
        """A poller that just started; the one before is gone, and its lease with it."""
        if hasattr(self, "lease"):
            self.lease.release()
        self.lease = leased(self.storage, Holder("lease", "ada", "here", 1, "now"), 0, lambda _: None)
        return poller_of(
            self.folder / "policy.json",
            Place(self.storage, self.lease),
            Habits(every_s * 1000, lag_s * 1000, frozenset(self.allow)),
            lambda: self.now,
            self.alerts,
        )

    def write_policy(self, generation: int = 7, meters: Any = None, **repository: Any) -> None:
        """`meters` by bucket, or one list for all."""
        caps = meters if isinstance(meters, dict) else dict.fromkeys(self.ids, meters or [cap()])
        buckets = {name: {"meters": caps[name], "bucket_id": self.ids[name], "writers": 1} for name in caps}
        document = policy_document(buckets, generation, **repository)
        (self.folder / "policy.json").write_bytes(raw(document))

    def record(self, bucket: str, up: int = 0, at: str | int | None = None, **counts: int) -> None:
        at_ms = self.now if at is None else ms(at) if isinstance(at, str) else at
        row = {"bucket": bucket, "minute": stamp_of(at_ms), "upl_bytes": up, **counts}
        self.post("/_emulator/usage", {"rows": [row]})

    def forget(self, bucket: str) -> None:
        """Rows vanish from the statistics."""
        with self.emulator.changing() as store:
            store.db.execute("DELETE FROM usage WHERE bucket_id = ?", (self.ids[bucket],))

    def fault(self, path: str, fault: str, times: int = 1000, **more: Any) -> None:
        line = {"method": "GET", "path": path, "fault": fault, "times": times, **more}
        self.post("/_emulator/faults", {"faults": [line]})

    def heal(self) -> None:
        self.api.delete("/_emulator/faults")

    def post(self, path: str, body: Any) -> Any:
        answer = self.api.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def poll(self, after_s: int = 0) -> Polled:
        self.now += after_s * 1000
        return self.poller.poll(self.client)

    def poll_past_blindness(self) -> None:
        """Until grants are given."""
        for _ in range(BLIND_S // EVERY_S + 2):
            self.poll(EVERY_S)

    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "usage.json").read_bytes())
        return found

    def usage(self) -> Usage:
        return read_usage((self.folder / "usage.json").read_bytes())

    def use(self, bucket: str = "a", meter: str = "ingress_bytes") -> tuple[str, str, int]:
        """Quality, period and use, as published."""
        found = self.usage().buckets[bucket]
        return found.quality, found.meters[meter].period, found.meters[meter].used

    def granted(self, bucket: str = "a") -> tuple[int, int]:
        found = self.usage().buckets[bucket].meters["ingress_bytes"]
        return found.soft, found.hard

    def named(self) -> list[str]:
        """The names of the alerts so far, which are then forgotten."""
        names = [name for name, _ in self.alerts]
        self.alerts.clear()
        return names

    def _bucket(self, name: str) -> str:
        workspace = self.api.get("/workspace").json()["workspaces"][0]["id"]
        body = {
            "name": name,
            "bucket": f"acme-{name}",
            "storageType": "S3",
            "region": "us-east-1",
            "key": "k",
            "secret": "s",
        }
        return str(self.post("/bucket", {**body, "workspaceId": workspace})["bucketId"])


@contextmanager
def connected(emulator: Emulator, slept: list[float]) -> Iterator[ReadClient]:
    """The client that a poll reads the statistics with."""
    settings, identity = Settings("emulator:", 2), Identity(Secret("any"))
    with Session(settings, identity, app=emulator, sleep=slept.append, jitter=lambda: 0.5) as session:
        yield ReadClient(session)


def poller_of(policy: Path, place: Place, habits: Habits, clock_ms: Callable[[], int], alerts: Alerts) -> Poller:
    """The poller as `usage poll` sets it up; what it has to say goes to `alerts`."""
    return Poller(
        Files(policy),
        place,
        habits,
        clock_ms=clock_ms,
        alert=lambda name, told: alerts.append((name, told)),
        reports=policy.with_name("reports.jsonl"),
    )


def cap(limit: int | None = 1_000_000, meter: str = "ingress_bytes", **period: Any) -> dict[str, Any]:
    return {"meter": meter, "limit": limit, "period": period} if period else {"meter": meter, "limit": limit}
