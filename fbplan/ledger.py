"""What fbplan owns: address → remote ids and its own bookkeeping. Never a value, never a secret.

The file is JSON, versioned, written whole and atomically. Digests are salted per ledger, so that a declared value can
be recognised and not guessed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fbplan.errors import FbplanError, LockHeld, Refused
from fbplan.kinds.base import Json

FORMAT = "fbplan.ledger/1"


@dataclass(frozen=True, slots=True)
class KeyGeneration:
    """One issued API key: its remote id, its access key id, and which generation it is."""

    id: str
    key_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered of one owned resource."""

    id: str
    name: str
    protect: bool = False
    version: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[KeyGeneration, ...] = ()
    drain: int = 0
    """Seconds to wait before anything of it is removed; remembered, because it may leave the spec as a whole."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Every remote id that belongs to the resource, the current one last."""
        return tuple(k.id for k in self.keys) if self.keys else (self.id,)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The owned resources of one spec in one workspace."""

    workspace_id: str | None = None
    serial: int = 0
    salt: str = ""
    entries: Mapping[str, Entry] = field(default_factory=dict)
    policy_generation: int | None = None
    drains: Mapping[str, int] = field(default_factory=dict)
    """When each running drain began, in Unix seconds, by what it is about (see `drain/`)."""
    is_kept: bool = True
    """False for `ledger: none`: nothing is remembered, so nothing can be owned."""

    def owned(self, kind: str) -> list[str]:
        """Owned addresses of one kind."""
        return [a for a in self.entries if a.startswith(kind + ".")]

    def digest(self, name: str, value: Json) -> str:
        """The salted digest under which a declared value is remembered."""
        text = json.dumps([self.salt, name, value], sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def salted(self) -> Ledger:
        """The same ledger with a salt; a new one has none until its first write."""
        return self if self.salt else replace(self, salt=os.urandom(16).hex())


def read_ledger(location: str, folder: Path) -> Ledger:
    """The ledger at `location` (counted from `folder`); an empty one when there is none yet.

    Raises FbplanError for a damaged file and for one written by a newer fbplan; neither is ever overwritten.
    """
    if location == "none":
        return Ledger(is_kept=False)
    path = folder / location
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Ledger()
    except OSError as fault:
        raise FbplanError(
            "the ledger cannot be read", str(path), fault.strerror or str(fault), "check the path and its permissions"
        ) from fault
    try:
        document = json.loads(text)
        found = document["format"]
        if not isinstance(found, str) or not found.startswith("fbplan.ledger/"):
            raise KeyError("format")
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        raise _damaged(path, "it is not a ledger, or only a part of one") from fault
    if found != FORMAT:
        raise FbplanError(
            "the ledger was written by a newer fbplan",
            str(path),
            f"its format is '{found}', this version reads '{FORMAT}'",
            "use the newer fbplan; the file was not touched",
        )
    if document.get("digest") != _checksum(document):
        raise _damaged(path, "its checksum does not match")
    try:
        return _from_json(document)
    except (KeyError, TypeError, AttributeError, ValueError) as fault:
        raise _damaged(path, f"a field is missing or odd ({fault})") from fault


def _damaged(path: Path, why: str) -> FbplanError:
    return FbplanError(
        "the ledger is damaged",
        str(path),
        why,
        "restore it from git or a backup; or move it away: fbplan then finds live resources by name again and deletes nothing",
    )


def _checksum(document: Mapping[str, Any]) -> str:
    body = {k: v for k, v in document.items() if k != "digest"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _from_json(document: Mapping[str, Any]) -> Ledger:
    return Ledger(
        workspace_id=document["workspace_id"],
        serial=int(document["serial"]),
        salt=str(document["salt"]),
        entries={
            address: Entry(
                id=e["id"],
                name=e["name"],
                protect=e.get("protect", False),
                version=e.get("version"),
                digests=e.get("digests", {}),
                keys=tuple(KeyGeneration(k["id"], k["key_id"], k["generation"]) for k in e.get("keys", ())),
                drain=int(e.get("drain", 0)),
            )
            for address, e in document["resources"].items()
        },
        policy_generation=document.get("policy_generation"),
        drains={str(item): int(since) for item, since in document.get("drains", {}).items()},
    )


def ledger_json(ledger: Ledger) -> dict[str, Any]:
    """The document as it stands in the file, checksum included."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "workspace_id": ledger.workspace_id,
        "serial": ledger.serial,
        "salt": ledger.salt,
        "policy_generation": ledger.policy_generation,
        "resources": {address: _entry_json(ledger.entries[address]) for address in sorted(ledger.entries)},
    }
    if ledger.drains:
        document["drains"] = {item: ledger.drains[item] for item in sorted(ledger.drains)}
    return {**document, "digest": _checksum(document)}


def _entry_json(entry: Entry) -> dict[str, Any]:
    out: dict[str, Any] = {"id": entry.id, "name": entry.name}
    if entry.protect:
        out["protect"] = True
    if entry.drain:
        out["drain"] = entry.drain
    if entry.version is not None:
        out["version"] = entry.version
    if entry.digests:
        out["digests"] = dict(entry.digests)
    if entry.keys:
        out["keys"] = [{"id": k.id, "key_id": k.key_id, "generation": k.generation} for k in entry.keys]
    return out


def write_ledger(ledger: Ledger, location: str, folder: Path) -> Ledger:
    """Write the ledger whole: temporary file, fsync, rename, fsync of the folder. Returns it as written."""
    if not ledger.is_kept:
        return ledger
    path = folder / location
    written = replace(ledger.salted(), serial=ledger.serial + 1)
    write_atomically(path, json.dumps(ledger_json(written), indent=1).encode() + b"\n", "the ledger")
    return written


def write_atomically(path: Path, content: bytes, noun: str, mode: int = 0o644) -> None:
    """Write a file so that a reader sees the old or the new one, and a crash leaves one of the two."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink()
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as fault:
        raise FbplanError(
            f"{noun} cannot be written",
            str(path),
            fault.strerror or str(fault),
            "free some space or correct the permissions, then run the same command again",
        ) from fault


@contextlib.contextmanager
def locked(location: str, folder: Path) -> Iterator[None]:
    """Hold the right to apply. A second apply on the same ledger exits 6 and names the holder."""
    if location == "none":
        yield
        return
    path = (folder / location).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as fault:
        raise FbplanError(
            "the lock beside the ledger cannot be made",
            str(path),
            fault.strerror or str(fault),
            "apply needs to write there; nothing was changed",
        ) from fault
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            holder = os.read(handle, 200).decode(errors="replace").strip() or "an unknown process"
            raise LockHeld(
                "another apply is running",
                str(path),
                f"held by {holder}",
                "wait for it to end and run the same command again",
            ) from fault
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()}".encode())
        yield
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def require_workspace(ledger: Ledger, workspace_id: str, name: str) -> None:
    """The ledger pins its workspace: applying it to another one would delete by mistake."""
    if ledger.workspace_id is not None and ledger.workspace_id != workspace_id:
        raise Refused(
            f"the ledger belongs to another workspace than '{name}'",
            "",
            "the ids in it would not mean what they say",
            "use the ledger of this workspace, or name another `ledger:`; no flag opens this",
        )
