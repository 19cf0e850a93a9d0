"""What an apply remembers: each finished step becomes an entry of the ledger, or takes one out."""

from __future__ import annotations

import threading
from dataclasses import replace

from fbplan.calls import Done
from fbplan.ledger import Entry, KeyGeneration, Ledger
from fbplan.observe import Observation
from fbplan.plan import Action, Change, Plan, Step, Verb
from fbplan.state import generation_of

REPLACED = "@replaced"
"""Marks the address of an object that a replacement left behind; no map key can hold it."""


class _Owned(dict[str, Entry]):
    """Entries that belong to the running apply."""


class Recorder:
    """The ledger as it grows during one apply."""

    def __init__(self, plan: Plan, observation: Observation, ledger: Ledger) -> None:
        self._plan, self._world = plan, observation.world
        self._changes = {change.address: change for change in plan.changes}
        self._last = {step.address: step.id for step in plan.steps}
        self._before = {k.id for entry in ledger.entries.values() for k in entry.keys}
        self._ids = {step.id for step in plan.steps}
        self._turn = threading.Lock()
        self.ledger = replace(ledger, workspace_id=observation.workspace.id)

    def take(self, step: Step, done: Done) -> None:
        """One finished step; safe across threads."""
        with self._turn:
            self._take(step, done)

    def _take(self, step: Step, done: Done) -> None:
        address, change = step.address, self._changes[step.address]
        match step.verb:
            case Verb.DELETE if step.target == "old":
                self._drop(f"{address}{REPLACED}")
            case Verb.DELETE:
                self._drop(address)
            case Verb.UPDATE if step.target == "old":
                return  # until the new one exists, the old one is still what the address means
            case Verb.ISSUE:
                self._put(
                    address,
                    self._entry(
                        change,
                        done.id,
                        (*self._generations(address), KeyGeneration(done.id, done.key_id, step.generation)),
                    ),
                )
            case Verb.CREATE:
                if f"{address}:set-aside" in self._ids:
                    old = self._world.live[address]
                    self._put(f"{address}{REPLACED}", Entry(old.id, f"{old.name}{REPLACED}"))
                self._put(address, self._entry(change, done.id, ()))
            case Verb.UPDATE:
                if step.id == self._last[address]:
                    self._put(address, self._entry(change, done.id, self._generations(address)))

    def take_the_rest(self) -> None:
        """Adoptions, departures without a write, and changes that only the ledger knows."""
        stepped = {step.address for step in self._plan.steps}
        for change in self._plan.changes:
            if change.former is not None and change.address in self.ledger.entries:
                self._drop(change.former)
            if change.address in stepped:
                continue
            live = self._world.live.get(change.address)
            if change.action is Action.FORGET:
                self._drop(change.address)
            elif live is not None and change.record is not None:
                self._put(change.address, self._entry(change, live.id, self._generations(change.address)))
                if change.former is not None:
                    self._drop(change.former)

    def _generations(self, address: str) -> tuple[KeyGeneration, ...]:
        """Every generation of a key that still lives, oldest first."""
        entry, live = self.ledger.entries.get(address), self._world.live.get(address)
        if entry is not None and entry.keys and live is not None:
            there = {o.id for o in (*self._world.older.get(address, ()), live)}
            return tuple(k for k in entry.keys if k.id in there or k.id not in self._before)
        if live is None or live.key_id is None:
            return ()
        group = (*self._world.older.get(address, ()), live)
        return tuple(KeyGeneration(o.id, o.key_id or "", generation_of(o.name)) for o in group)

    def _entry(self, change: Change, remote: str, keys: tuple[KeyGeneration, ...]) -> Entry:
        record = change.record
        if record is None:
            return Entry(remote, change.address)
        digests = {name: self.ledger.digest(name, value) for name, value in record.fields.items()}
        return Entry(remote, record.name, record.protect, record.version, digests, keys, record.drain)

    def _put(self, address: str, entry: Entry) -> None:
        if self.ledger.is_kept:
            self._entries()[address] = entry

    def _drop(self, address: str) -> None:
        self._entries().pop(address, None)

    def _entries(self) -> dict[str, Entry]:
        """The entries as a mapping that this run owns; copied once, not per step."""
        if not isinstance(self.ledger.entries, _Owned):
            self.ledger = replace(self.ledger, entries=_Owned(self.ledger.entries))
        return self.ledger.entries  # type: ignore[return-value]  # the line above made it ours

    def key_id(self, address: str) -> str | None:
        """The access key id behind an address, as far as this run knows."""
        entry = self.ledger.entries.get(address)
        if entry is not None and entry.keys:
            return entry.keys[-1].key_id
        live = self._world.live.get(address)
        return live.key_id if live is not None else None
