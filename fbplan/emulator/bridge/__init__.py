"""S3, GCS and Blob over the emulated organisation's attached buckets: the data plane of a Bridge Node (api/README.md §10).

    request → protocol → node status → latency → fault → signature → rights → operation ─┬→ objects on disk
                                                                                          ├→ credit: refuse what would pass a limit
                                                                                          └→ traffic: bytes into the statistics

A protocol reads a request, proves its signature, and words the answer (`protocol`: s3*, gcs*, blob*); what is done with
objects is the same for all (`holdings`, `pieces`, `listing`).

Two clocks: signatures are checked against the machine's, so that SDKs go on working when the emulator's clock is
moved; months of credit, statistics and the dates of objects follow the emulator's.
"""

from __future__ import annotations

from fbplan.emulator.bridge.app import Bridge
from fbplan.emulator.bridge.serve import serving

__all__ = ["Bridge", "serving"]
