"""Lists may lag behind writes. Nobody documents by how much: these bounds are ours."""

from __future__ import annotations

PATIENCE = (0.5, 1.0, 2.0, 4.0)
"""Seconds between looks while a listing does not show what was written."""
LAG = 60
"""Seconds after a write in which a missing object is rather late than gone."""
