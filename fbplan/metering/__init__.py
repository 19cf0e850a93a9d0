"""The usage poller: reads the statistics, works out use and grants, publishes `usage.json` for the fleet.

statistics ─ reading ─► runtime.statistics ─┐
policy file ────────────────────────────────┼─► rounds ─► document ─ place ─► usage.json ─► writers
usage.json ─ place ─► memory ───────────────┘

`runtime.statistics` (which a router that polls by itself needs too), `memory`, `rounds` and `document` are pure; `reading` asks the API, `place` holds the lease and the file,
`poller` does one after the other. What cannot be read is never taken for zero.
"""
