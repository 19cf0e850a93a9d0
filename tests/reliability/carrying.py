"""Carrying out a plan with other parts than the usual ones: a storage, a client, a run."""

from __future__ import annotations

import time
from collections.abc import Callable

from rig import ENVIRON, Rig

from fbplan.apply import Run, Setting
from fbplan.apply.books import Keeping
from fbplan.cli.leasing import begun_of, holder_of
from fbplan.cli.pipeline import Planned
from fbplan.client.api import WriteClient
from fbplan.outcome import Report
from fbplan.storage import Storage

BEFORE = """
credentials:
  x: {provider: AWS, key: {env: K2}, secret: {env: S2}, version: 1, region: eu}
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  b: {bucket: acme-b, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  old1: {bucket: acme-old1, storage_type: S3, region: r, credential: x, soft_cap: {limit: 1GB}}
  old2: {bucket: acme-old2, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
repositories:
  app:
    storage_type: S3
    buckets: [{bucket: a, folder: a}, {bucket: b, folder: b}]
    api_keys: {w: {access: READ, sink: {file: secrets/w.env}}, gone: {access: READ, sink: {file: secrets/gone.env}}}
  last: {storage_type: S3, buckets: [{bucket: a, folder: last}], api_keys: {k: {access: READ, sink: {file: secrets/k.env}}}}
"""
AFTER = """
credentials:
  x: {provider: AWS, key: {env: K2}, secret: {env: S2}, version: 2, region: us}
  y: {provider: AWS, key: {env: K}, secret: {env: S}, version: 1, region: eu}
buckets:
  a: {bucket: acme-a, storage_type: S3, region: r2, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  b: {bucket: acme-b, storage_type: S3, region: r2, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
  c: {bucket: acme-c, storage_type: S3, region: r, credential: y, soft_cap: {limit: 1GB}}
  d: {bucket: acme-d, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}
repositories:
  app:
    storage_type: S3
    buckets: [{bucket: a, folder: a}, {bucket: c, folder: c}]
    api_keys: {w: {access: WRITE, sink: {file: secrets/w.env}}, new: {access: READ, sink: {file: secrets/new.env}}}
  two: {storage_type: S3, buckets: [{bucket: d, folder: d}], api_keys: {k: {access: READ, sink: {file: secrets/two.env}}}}
limits: {max_deletes: 99, max_change: "100%"}
"""


def begun(rig: Rig) -> Planned:
    """The rig before a plan with creates, updates, issues, detaches and deletes."""
    rig.spec(BEFORE)
    assert rig.apply().exit_code == 0
    rig.spec(AFTER)
    planned = rig.planned()
    assert not planned.plan.refusals
    return planned


def carry_out(
    rig: Rig,
    planned: Planned,
    storage: Storage,
    *,
    run: type[Run] = Run,
    client: WriteClient | None = None,
    is_locked: bool = True,
    is_out_of_grace: Callable[[], bool] = lambda: False,
    is_out_of_time: Callable[[], bool] = lambda: False,
) -> Report:
    """One apply with the parts given. The lease is released at its end."""
    lease = storage.lease(holder_of({}), 0, lambda _: None)
    kept = Keeping(storage, lease if is_locked else None, begun_of(lease, planned.plan, planned))
    setting = Setting(
        client or WriteClient(rig.session),
        rig.folder,
        ENVIRON,
        time.time,
        4,
        keeping=kept,
        is_out_of_grace=is_out_of_grace,
        is_out_of_time=is_out_of_time,
    )
    try:
        return run(planned.plan, planned.observation, planned.ledger.salted(), setting).carry_out()
    finally:
        lease.release()
