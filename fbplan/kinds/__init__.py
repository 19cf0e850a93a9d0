"""The resource kinds, in the order in which they are created. A new kind is a file here and a line in KINDS."""

from __future__ import annotations

from fbplan.kinds.api_key import API_KEY
from fbplan.kinds.base import Kind
from fbplan.kinds.bucket import BUCKET
from fbplan.kinds.credential import CREDENTIAL
from fbplan.kinds.repository import REPOSITORY

KINDS: dict[str, Kind] = {kind.name: kind for kind in (CREDENTIAL, BUCKET, REPOSITORY, API_KEY)}
