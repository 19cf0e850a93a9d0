"""What an apply remembers: each finished step becomes an entry of the ledger, or takes one out."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from fbplan.apply.contract import Done
from fbplan.kinds import KINDS
from fbplan.kinds.base import split_address
from fbplan.ledger import REPLACED, Ledger
from fbplan.ledger.entry import Delta, Entry, KeyGeneration
from fbplan.ledger.pending import Pending
from fbplan.observe import Observation
from fbplan.plan import Action, Change, Plan, Step, Verb
from fbplan.state import generation_of


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
        self._turn, self._is_over = threading.Lock(), False
        self._drains = dict(ledger.drains)
        self._children_before: dict[str, list[str]] = defaultdict(list)
        for address in ledger.entries:
            kind, names = split_address(address)
            if kind in KINDS and KINDS[kind].parent is not None:
                self._children_before[f"{KINDS[kind].parent}.{names[0]}"].append(address)
        ends: dict[str, list[str]] = defaultdict(list)
        for due in plan.due:
            ends[due.step].append(due.item)
        self._ends = {step: tuple(items) for step, items in ends.items()}
        self.ledger = replace(ledger, workspace_id=observation.workspace.id, drains=self._drains)

    def take(self, delta: Delta) -> None:
        """What a finished step changes; safe across threads."""
        with self._turn:
            if self._is_over:
                return
            for address in delta.drop:
                self._drop(address)
            for address, entry in delta.put.items():
                self._put(address, entry)

    def leave(self, pending: Pending) -> None:
        """A create that nobody can tell of stays on the books."""
        with self._turn:
            if not self._is_over:
                self.ledger = replace(self.ledger, pending=(*self.ledger.pending, pending))

    def published(self, generation: int) -> None:
        with self._turn:
            if not self._is_over:
                self.ledger = replace(self.ledger, policy_generation=generation)

    def drains_over(self, items: Iterable[str]) -> None:
        with self._turn:
            for item in () if self._is_over else items:
                self._drains.pop(item, None)

    def drains_begun(self, items: Iterable[str], at: int) -> None:
        with self._turn:
            if not self._is_over:
                self._drains |= dict.fromkeys(items, at)

    def drains_ended_by(self, step: Step) -> tuple[str, ...]:
        """The drains that are over once a step is done."""
        return self._ends.get(step.id, ())

    def delta(self, step: Step, done: Done) -> Delta:
        """What a step changes in the ledger once it is done."""
        address, change = step.address, self._changes[step.address]
        match step.verb:
            case Verb.DELETE if step.target == "old":
                return Delta(drop=(f"{address}{REPLACED}",))
            case Verb.DELETE:
                return Delta(drop=(address,))
            case Verb.ISSUE:
                new = KeyGeneration(done.id, done.key_id, step.generation)
                return self._becoming(change, done.id, (*self._generations(address), new))
            case Verb.CREATE:
                aside: dict[str, Entry] = {}
                if f"{address}:set-aside" in self._ids:
                    old = self._world.live[address]
                    aside = {f"{address}{REPLACED}": Entry(old.id, f"{old.name}{REPLACED}")}
                made = self._becoming(change, done.id, ())
                return Delta({**aside, **made.put}, (*made.drop, *self._children(address)))
            case Verb.UPDATE if step.target != "old" and step.id == self._last[address]:
                return self._becoming(change, done.id, self._generations(address))
            case Verb.UPDATE:
                return Delta()  # until the new one exists, the old one is still what the address means

    def _children(self, address: str) -> tuple[str, ...]:
        """What stood in the object that was there before, and ended with it."""
        return tuple(self._children_before.get(address, ()))

    def _becoming(self, change: Change, remote: str, keys: tuple[KeyGeneration, ...]) -> Delta:
        """The entry of a change that is done; the address that it had before a rename goes with it."""
        former = (change.former,) if change.former is not None else ()
        return Delta({change.address: self._entry(change, remote, keys)}, former)

    def take_the_rest(self) -> None:
        """Adoptions, departures without a write, and changes that only the ledger knows.

        Then it stays as it is: a call that was given up and ends after all must not change it while it is written.
        """
        stepped = {step.address for step in self._plan.steps}
        with self._turn:
            for change in self._plan.changes:
                if change.address not in stepped:
                    self._take_without_a_step(change)
            self._is_over = True

    def _take_without_a_step(self, change: Change) -> None:
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
        known = entry.keys if entry is not None else ()
        if live is None:
            return ()
        group = (*self._world.older.get(address, ()), live)
        there = {o.id for o in group}
        kept = tuple(k for k in known if k.id in there or k.id not in self._before)
        met = {o.id for o in group if o.key_id is not None} - {k.id for k in known}
        return (*(KeyGeneration(o.id, o.key_id or "", generation_of(o.name)) for o in group if o.id in met), *kept)

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
