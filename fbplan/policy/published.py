"""The policy file as it stands, and how the next one takes its place: whole or not at all."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fbplan.errors import FbplanError
from fbplan.kinds.amounts import MAX_BYTES
from fbplan.kinds.base import Json
from fbplan.policy.compose import Content
from fbplan.policy.document import Ids, content_digest, published_body
from fbplan.policy.reading import NotAPolicy, examine, parse, read_bytes
from fbplan.storage.remedy import remedy


@dataclass(frozen=True, slots=True)
class Published:
    """What stands at the policy's path: a document that can be trusted, nothing, or a problem."""

    document: dict[str, Json] | None
    problem: str | None

    @property
    def mark(self) -> str:
        """What stands there, in a word that changes when it does."""
        if self.document is not None:
            return str(self.document["digest"])
        return "none" if self.problem is None else "unusable"

    @property
    def generation(self) -> int | None:
        return None if self.document is None else int(self.document["generation"])


def read_published(path: Path) -> Published:
    """The published document. Nothing there is no problem; whatever is wrong with it is one, and never an exception."""
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return Published(None, None)
    except OSError as error:
        return Published(None, f"it cannot be read: {error.strerror}")
    except ValueError as error:  # NotAPolicy, or a NUL in the path
        return Published(None, str(error))
    return read_trusted(content)


def read_trusted(content: bytes) -> Published:
    """The document in some bytes, or what is wrong with them."""
    try:
        document = parse(content)
    except NotAPolicy as error:
        return Published(None, str(error))
    problems = examine(document).problems
    return Published(None, problems[0]) if problems else Published(document, None)


def publish(path: Path, document: Mapping[str, Json]) -> None:
    """Make `document` the published policy, for everybody to read; after a failure the old file stands.

    Raises FbplanError.
    """
    try:
        _replace(Path(os.path.realpath(path)), document)  # a link stays a link
    except (OSError, ValueError) as error:
        raise FbplanError(
            "the routing policy was not published; what stood there before is untouched",
            where=str(path),
            why=_reason(error),
            next=_way_out(path, error),
        ) from error
    try:
        _sync(Path(os.path.realpath(path)).parent)
        _verify(path, document)
    except (OSError, ValueError) as error:
        raise FbplanError(
            "the routing policy was published, but may not last",
            where=str(path),
            why=_reason(error),
            next="see what else writes there, then run: fbplan plan",
        ) from error


def require_publishable(path: Path) -> None:
    """Find out whether `publish` could, without touching what stands there. Raises FbplanError."""
    try:
        target = Path(os.path.realpath(path))
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(target)
        try:
            _write(temporary, " " * 4096)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise FbplanError(
            "the routing policy could not be published, so nothing was begun",
            where=str(path),
            why=_reason(error),
            next=_way_out(path, error),
        ) from error


def text_of(document: Mapping[str, Json]) -> str:
    """A policy as it is written: by keys in order, so that a review shows what changed and nothing else."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _replace(target: Path, document: Mapping[str, Json]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(target)
    try:
        _write(temporary, text_of(document))
        _verify(temporary, document)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(target: Path) -> Path:
    """Always the same name, so that what a killed run left behind is taken away by the next one."""
    return target.with_name(f".{target.name}.fbplan-tmp")


def _way_out(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return remedy(error)
    return f"make '{path.parent}' a folder that you can write to, or change `policy: {{path: …}}`, and run the same command again"


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def next_generation(ledger_generation: int | None, published: Published, now_unix: int) -> int:
    """One more than any generation that a reader may have seen; with neither known, Unix seconds.

    A document that cannot be trusted has no generation: no reader has taken it either.
    """
    known = [found for found in (ledger_generation, published.generation) if found is not None]
    following = 1 + max(known) if known else now_unix
    if following > MAX_BYTES:
        raise FbplanError(
            "the routing policy cannot get a next generation",
            why=f"the last one is {following - 1}, the largest there is",
            next="delete the policy file and its generation in the ledger, and restart the readers",
        )
    return following


def needs_publishing(published: Published, content: Content, ids: Ids, spec_digest: str) -> str | None:
    """Why the policy must be published, in words; None when what stands there says the same."""
    document = published.document
    if published.problem is not None:
        return f"the published policy cannot be used: {published.problem}"
    if document is None:
        return "no policy is published yet"
    if document["content_digest"] != content_digest(content):
        return "the content of the policy differs"
    wanted = published_body(content, ids)
    if any(document[section] != wanted[section] for section in wanted):
        return "remote ids in the policy differ"
    if document["spec_digest"] != spec_digest:
        return "the policy was made from other API keys of the spec"
    return None


def _write(temporary: Path, text: str) -> None:
    temporary.unlink(missing_ok=True)
    # O_EXCL also refuses a link that somebody put there
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o644)  # whatever the umask: the readers are other users
        file.write(text.encode())
        file.flush()
        os.fsync(descriptor)


def _verify(path: Path, document: Mapping[str, Json]) -> None:
    found = read_published(path)
    if found.document != document:
        raise NotAPolicy(f"what was written reads back differently: {found.problem or 'another document'}")


def _sync(folder: Path) -> None:
    """Make the folder's entries durable, where the file system knows such a thing."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)
