"""Where an object was placed, as text that is stored beside the data: `fbref1:REPOSITORY/BUCKET/KEY;v=ETAG`."""

import re
from typing import NamedTuple

_FORM = (
    r"fbref1:(?P<repository>[A-Za-z0-9][A-Za-z0-9_-]{0,62})/(?P<bucket>[A-Za-z0-9][A-Za-z0-9_-]{0,62})"
    r"/(?P<key>(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+)(?:;v=(?P<etag>(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+))?"
)


class NotAReference(ValueError):
    """The text is no placement reference."""


class Reference(NamedTuple):
    """The repository, the bucket and the key of an object, and its version if the store named one."""

    repository: str
    bucket: str
    key: str
    etag: str | None = None

    def __str__(self) -> str:
        version = f";v={_encoded(self.etag)}" if self.etag else ""
        return f"fbref1:{self.repository}/{self.bucket}/{_encoded(self.key)}{version}"

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """The reference that `text` is. Raises NotAReference."""
        from urllib.parse import unquote_to_bytes  # it brings ipaddress along

        found = re.fullmatch(_FORM, text)
        if found is None:
            raise NotAReference(f"{text[:80]!r} is no placement reference: fbref1:REPOSITORY/BUCKET/KEY;v=ETAG")
        try:
            key = unquote_to_bytes(found["key"]).decode()
            etag = unquote_to_bytes(found["etag"]).decode() if found["etag"] else None
        except UnicodeDecodeError:
            raise NotAReference(f"{text[:80]!r} holds a key that is not UTF-8") from None
        return cls(found["repository"], found["bucket"], key, etag)


def reference_in(where: str | Reference) -> Reference | None:
    """The reference that is meant, None where it is a key. Raises NotAReference, and ValueError for an empty key."""
    if isinstance(where, str):
        if not where.startswith("fbref1:"):
            required(where)
            return None
        return Reference.parse(where)
    required(where.key)
    return where


def required(key: str) -> str:
    """The key, unless it is empty. Raises ValueError."""
    if not key:
        # a request for it would be one for the bucket, and its listing would come back as the object
        raise ValueError("the key is empty: name an object; router.list() tells the keys that are there")
    return key


def _encoded(text: str) -> str:
    """Percent-encoded but for letters, digits and `-._~`, slashes too."""
    from urllib.parse import quote

    return quote(text, safe="")
