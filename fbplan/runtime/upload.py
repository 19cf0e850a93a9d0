"""A multipart upload that is under way, as text: `fbup1:BUCKET/SEQ/ID`. Any process can go on with it."""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

_FORM = re.compile(
    r"fbup1:(?P<bucket>[A-Za-z0-9][A-Za-z0-9_-]{0,62})/(?P<seq>[0-9]{1,20})/(?P<id>(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)"
)


class NotAnUpload(ValueError):
    """The text is no upload id of the router."""


class Upload(NamedTuple):
    """All that a later call needs to know: the bucket, the `fbseq` of the object to be, and the store's own id."""

    bucket: str
    seq: str
    id: str

    def __str__(self) -> str:
        return f"fbup1:{self.bucket}/{self.seq}/{quote(self.id, safe='')}"

    @classmethod
    def parse(cls, text: str) -> "Upload":
        """The upload that `text` names. Raises NotAnUpload."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise NotAnUpload(f"{text[:80]!r} is no upload that the router began: fbup1:BUCKET/SEQ/ID")
        try:
            return cls(found["bucket"], found["seq"], unquote_to_bytes(found["id"]).decode())
        except UnicodeDecodeError:
            raise NotAnUpload(f"{text[:80]!r} holds an id that is not UTF-8") from None
