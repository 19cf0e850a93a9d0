"""The plans that are killed: what is there before, what is declared, what must be there after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HEAD = """\
version: 1
workspace: Production
limits: {max_deletes: 99, max_change: 100%}
"""

NEW = (
    HEAD
    + """\
credentials:
  shared: {provider: AWS, key: {env: K2}, secret: {env: S2}}
buckets:
  one: {bucket: acme-one, storage_type: S3, region: us-east-1, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  two: {bucket: acme-two, storage_type: S3, region: us-east-1, credential: shared, soft_cap: {limit: 1GB}}
repositories:
  app:
    storage_type: S3
    mode: NORMAL
    buckets: [{bucket: one, folder: a}, {bucket: two, folder: b}]
    api_keys:
      writer: {access: WRITE, sink: {file: secrets/writer.env}}
      reader: {access: READ, sink: {file: secrets/reader.env}}
      hook: {access: READ, sink: {exec: [./keep, hook]}}
    routing: {order: [one, two]}
"""
)

BEFORE = (
    HEAD
    + """\
credentials:
  shared: {provider: AWS, key: {env: K2}, secret: {env: S2}}
  going: {provider: AWS, key: {env: K2}, secret: {env: S2}}
buckets:
  one: {bucket: acme-one, storage_type: S3, region: us-east-1, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  two: {bucket: acme-two, storage_type: S3, region: us-east-1, credential: going, soft_cap: {limit: 1GB}}
  old: {bucket: acme-old, storage_type: S3, region: us-east-1, credential: shared, soft_cap: {limit: 1GB}}
  swap: {bucket: acme-swap, storage_type: S3, region: us-east-1, credential: shared, soft_cap: {limit: 1GB}}
  turn: {bucket: acme-turn, storage_type: S3, region: us-east-1, credential: shared, soft_cap: {limit: 1GB}}
repositories:
  app:
    storage_type: S3
    mode: NORMAL
    buckets: [{bucket: one, folder: a}, {bucket: two, folder: b}]
    api_keys:
      writer: {access: WRITE, sink: {file: secrets/writer.env}}
      reader: {access: READ, sink: {file: secrets/reader.env}}
      hook: {access: WRITE, sink: {exec: [./keep, hook]}}
    routing: {order: [one, two]}
  moved:
    storage_type: S3
    mode: NORMAL
    buckets: [{bucket: one, folder: m}]
    api_keys: {k: {access: READ, sink: {file: secrets/moved.env}}}
  ended:
    storage_type: S3
    mode: NORMAL
    buckets: [{bucket: two, folder: e}]
    api_keys: {k: {access: READ, sink: {file: secrets/ended.env}}}
"""
)

MIXED = (
    HEAD
    + """\
credentials:
  shared: {provider: AWS, key: {env: K2}, secret: {env: S2}, version: 2}
  more: {provider: AWS, key: {env: K2}, secret: {env: S2}}
buckets:
  one: {bucket: acme-one, storage_type: S3, region: eu-west-1, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  three: {bucket: acme-three, storage_type: S3, region: us-east-1, credential: more, soft_cap: {limit: 1GB}}
  aged: {renamed_from: old, bucket: acme-old, storage_type: S3, region: us-east-1, credential: shared, soft_cap: {limit: 1GB}}
  swap: {bucket: acme-swap-2, storage_type: S3, region: us-east-1, credential: shared, soft_cap: {limit: 1GB}}
  turn: {bucket: acme-turn, storage_type: GCS, region: us-east-1, credential: shared, soft_cap: {limit: 1GB}}
repositories:
  app:
    storage_type: S3
    mode: NORMAL
    buckets: [{bucket: one, folder: a}, {bucket: three, folder: c}]
    api_keys:
      writer: {access: WRITE, sink: {file: secrets/elsewhere/writer.env}}
      fresh: {access: READ, sink: {file: secrets/fresh.env}}
      hook: {access: READ, sink: {exec: [./keep, hook]}}
    routing: {order: [three, one]}
  goes-on:
    renamed_from: moved
    storage_type: S3
    mode: NORMAL
    buckets: [{bucket: one, folder: m}]
    api_keys: {k: {access: READ, sink: {file: secrets/moved.env}}}
"""
)


def struck_of(events: range, stride: int, seed: int) -> range:
    """The events of one run: with as many seeds in a row as the stride is long, each one once."""
    return events[seed % stride :: stride]


@dataclass(frozen=True, slots=True)
class KillPlan:
    """A spec over what an earlier one left, and the live names that follow from it."""

    name: str
    spec: str
    before: str = ""
    allow: tuple[str, ...] = ()
    stride: int = 1
    """Every how many events it is killed in one run, where time is short: the seed says at which ones."""
    credentials: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    repositories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name → the names of its API keys, every generation that lives."""
    sinks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """File → (repository, name of the key whose secret it holds)."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """What the ledger owns in the end."""
        names = {key.partition(".")[0] for keys in self.repositories.values() for key in keys}
        keys = [f"api_key.{home}.{k}" for home, held in self.repositories.items() for k in names if k in held]
        return tuple(
            sorted(
                (
                    *(f"credential.{c}" for c in self.credentials),
                    *(f"bucket.{b}" for b in self.buckets),
                    *(f"repository.{r}" for r in self.repositories),
                    *keys,
                )
            )
        )


PLANS = {
    plan.name: plan
    for plan in (
        KillPlan(
            "new",
            NEW,
            credentials=("shared",),
            buckets=("one", "two"),
            repositories={"app": ("hook", "reader", "writer")},
            sinks={
                "secrets/writer.env": ("app", "writer"),
                "secrets/reader.env": ("app", "reader"),
                "secrets/hook.json": ("app", "hook"),
            },
        ),
        KillPlan(
            "mixed",
            MIXED,
            before=BEFORE,
            stride=4,
            allow=("rename:repository.goes-on", "replace:bucket.swap", "replace:bucket.turn"),
            credentials=("more", "shared"),
            buckets=("aged", "one", "swap", "three", "turn"),
            repositories={"app": ("fresh", "hook", "writer", "writer.g2"), "goes-on": ("k",)},
            sinks={
                "secrets/elsewhere/writer.env": ("app", "writer.g2"),
                "secrets/fresh.env": ("app", "fresh"),
                "secrets/hook.json": ("app", "hook"),
                "secrets/moved.env": ("goes-on", "k"),
            },
        ),
    )
}
