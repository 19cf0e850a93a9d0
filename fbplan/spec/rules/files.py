"""Each file has one use: what one part of an apply writes, no other part may write over, or read as something else."""

from __future__ import annotations

import os
from collections.abc import Iterator

from fbplan.errors import Code, Diagnostic
from fbplan.secrets import FileSink, FileSource
from fbplan.secrets.base import placed
from fbplan.spec.document import Document, TreePath
from fbplan.spec.model import PolicySettings, Spec
from fbplan.spec.rules.scope import Scope
from fbplan.spec.wording import quoted
from fbplan.storage.base import JOURNAL, LOCK, RECEIPTS
from fbplan.storage.location import is_url

_SINK_OF = "is the sink of"


def file_rules(spec: Spec, doc: Document, scope: Scope) -> Iterator[Diagnostic]:
    del scope
    files = _Files(doc)
    files.uses[files.real(doc.path.name)] = "is the spec itself"
    for is_declared in (False, True):  # what is written down is what can be corrected
        if ("ledger" in spec.model_fields_set) is is_declared and spec.ledger != "none" and not is_url(spec.ledger):
            yield from files.take(spec.ledger, "is the ledger", ("ledger",))
            files.keep_beside(spec.ledger)
        policy = spec.policy or PolicySettings()
        if (spec.policy is not None) is is_declared and not is_url(policy.path):
            yield from files.take(policy.path, "is the routing policy", ("policy", "path"))
    for name, repository in spec.repositories.items():
        for key, declared in (repository.api_keys or {}).items():
            if isinstance(declared.sink, FileSink):
                at = f"api_key.{name}.{key}"
                place = ("repositories", name, "api_keys", key, "sink")
                yield from files.take(declared.sink.file, f"{_SINK_OF} {at}", place, at)
    for kind, section, resources in (
        ("credential", "credentials", spec.credentials),
        ("bucket", "buckets", spec.buckets),
    ):
        for name, resource in resources.items():
            for field, source in (("key", resource.key), ("secret", resource.secret)):
                if isinstance(source, FileSource):
                    yield from files.read(source.file, (section, name, field), f"{kind}.{name}")


class _Files:
    """What each file is for, by the path that its links lead to."""

    def __init__(self, doc: Document) -> None:
        self._doc, self._folder = doc, doc.path.parent
        self._folders: dict[str, str] = {}
        self._beside = ""
        self.uses: dict[str, str] = {}

    def take(self, path: str, use: str, at: TreePath, address: str | None = None) -> Iterator[Diagnostic]:
        """A file that is written."""
        real = self.real(path)
        taken = self._use_of(real)
        if taken.startswith(_SINK_OF):
            message = f"{taken.removeprefix(_SINK_OF).lstrip()} has the same sink"
            yield self._doc.problem(Code.CONFLICTING_INTENT, message, "give each key its own file", at, address=address)
        elif taken:
            yield self._told(path, taken, at, address)
        self.uses.setdefault(real, use)

    def read(self, path: str, at: TreePath, address: str) -> Iterator[Diagnostic]:
        """A file that holds a secret of the provider: nothing else may be written there."""
        taken = self._use_of(self.real(path))
        if taken:
            yield self._told(path, taken, at, address)

    def keep_beside(self, ledger: str) -> None:
        """The journal, the lock and the receipts of a ledger."""
        self._beside = self.real(ledger).removesuffix(".json") + "."

    def real(self, path: str) -> str:
        """One spelling for every way to name a file. The folders of a large spec are looked up once."""
        whole = str(placed(path, self._folder)) if path.startswith("~") else os.path.join(self._folder, path)  # noqa: PTH118 -- 10,000 sinks
        folder, name = os.path.split(os.path.normpath(whole))
        try:
            if folder not in self._folders:
                self._folders[folder] = os.path.realpath(folder)
            found = os.path.join(self._folders[folder], name)  # noqa: PTH118 -- as above
            return os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114 -- as above
        except (OSError, ValueError):  # whoever opens it says why
            return whole

    def _use_of(self, real: str) -> str:
        rest = real.removeprefix(self._beside) if self._beside and real.startswith(self._beside) else ""
        if rest in {LOCK, RECEIPTS} or rest.startswith(JOURNAL):
            return "stands beside the ledger and belongs to it"
        return self.uses.get(real, "")

    def _told(self, path: str, taken: str, at: TreePath, address: str | None) -> Diagnostic:
        return self._doc.problem(
            Code.CONFLICTING_INTENT, f"{quoted(path)} {taken}", "name another path", at, address=address
        )
