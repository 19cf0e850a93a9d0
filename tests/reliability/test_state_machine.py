"""The laws over whole lives: specs that change, hands that meddle, faults, kills, rivals, restarts, in any order.

FBPLAN_LIVES=N tries N lives instead of the few that fit into CI (`make kill-matrix`).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kill_rig import KillRig
from seams import Crash, Seams
from test_laws import allowed, edit_by_hand, foreign, write
from truths import held_by, look, secrets_seen
from worlds import hand_edits, specs, trimmed

from fbplan.apply import Run
from fbplan.emulator.faults import KINDS
from fbplan.errors import ExitCode, FbplanError, LockHeld
from fbplan.journal.recovery import in_force
from fbplan.kinds.base import split_address
from fbplan.ledger import Ledger
from fbplan.render.human import plan_text

DAY = 86_400
FAULTS = st.lists(
    st.fixed_dictionaries(
        {
            "fault": st.sampled_from(sorted(KINDS)),
            "method": st.sampled_from(["GET", "POST", "POST", "PUT", "DELETE"]),
            "nth": st.integers(1, 4),
            "times": st.integers(1, 2),
            "seconds": st.just(0),
        }
    ),
    min_size=1,
    max_size=3,
)


class Lives(RuleBasedStateMachine):
    """One organisation, one folder, and everything that happens to them."""

    executor = Run

    def __init__(self) -> None:
        super().__init__()
        self._room = Path(tempfile.mkdtemp())
        self._skew = 0.0
        self._spec: dict[str, Any] = {}
        self._lost: list[tuple[str, str, bytes]] = []
        """Creates that were on their way at a kill, and may still come."""
        self.rig = self._open()

    def _open(self) -> KillRig:
        rig = KillRig(self._room, Seams())
        rig.wall = lambda: time.time() + self._skew
        rig.executor = self.executor
        rig.watch()
        return rig

    def _seams(
        self, at: int | None = None, strike: Callable[[str], None] = lambda _: None, *, loses: bool = False
    ) -> Seams:
        """The seams of the next run, and of nothing after it."""
        self.rig.count_with(Seams(at, strike), loses=loses)
        return self.rig.seams

    def _run(self, *allow: str, is_locked: bool = True) -> str:
        """One apply that may end in any way but a traceback."""
        try:
            code, _ = self.rig.run(*allow, is_locked=is_locked)
        except FbplanError as fault:
            return type(fault).__name__
        finally:
            self.rig.count_with(Seams())
        return code.name

    @initialize(spec=specs())
    def begin(self, spec: dict[str, Any]) -> None:
        self.edit_the_spec(spec)

    @rule(spec=specs())
    def edit_the_spec(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        write(self.rig, spec)

    @rule(data=st.data())
    def declare_less(self, data: st.DataObject) -> None:
        self.edit_the_spec(data.draw(trimmed(self._spec)))

    @rule(edits=hand_edits())
    def meddle_by_hand(self, edits: list[tuple[str, int]]) -> None:
        found = in_force(self.rig.storage)
        if found.journals or found.ledger.pending:  # renamed before it was ever found, a lost bucket is anybody's
            edits = [edit for edit in edits if edit[0] != "rename"]
        edit_by_hand(self.rig, edits)

    @rule()
    def restart(self) -> None:
        self.nothing_is_taken_from_under_the_policy()  # the watch ends with its emulator
        self.rig.close()
        self.rig = self._open()

    @rule(hours=st.sampled_from([-30, -1, 1, 25]))
    def move_the_clock(self, hours: int) -> None:
        self._skew += hours * 3600
        self._lost = self._lost if abs(self._skew) < DAY else []

    @rule()
    def apply(self) -> None:
        event(f"apply: {self._run(*allowed(self.rig))}")

    @rule(script=FAULTS)
    def apply_under_faults(self, script: list[dict[str, Any]]) -> None:
        allow = allowed(self.rig)
        self.rig.http("POST", "/_emulator/faults", {"faults": script})
        event(f"faults: {self._run(*allow)}")
        self.rig.http("DELETE", "/_emulator/faults")

    @rule(at=st.integers(1, 120), loses=st.booleans())
    def kill_an_apply(self, at: int, loses: bool) -> None:
        def strike(_: str) -> None:
            raise Crash

        allow = allowed(self.rig)
        seams = self._seams(at, strike, loses=loses)
        try:
            event(f"not killed: {self._run(*allow)}")
        except Crash:
            event("killed at " + seams.names[-1].split(" ")[0])
            if seams.flight is not None and seams.flight[0] == "POST":
                self._lost.append(seams.flight)
        self.restart()

    @precondition(lambda self: self._lost)
    @rule()
    def a_lost_create_comes_after_all(self) -> None:
        method, path, content = self._lost.pop()
        body = json.loads(content)
        names = {p.name for p in in_force(self.rig.storage).ledger.pending}
        if body.get("name") in names:  # what somebody took over or deleted meanwhile would be anybody's
            self.rig._raw.request(method, path, json=body)

    @rule(at=st.integers(1, 120), is_locked=st.booleans())
    def two_apply_at_once(self, at: int, is_locked: bool) -> None:
        """A rival begins in the middle of our apply; where the lock works it is turned away, and where it does not both
        run to their end."""
        allow, rival = allowed(self.rig), self.rig.rival()
        met: list[str] = []

        def strike(_: str) -> None:
            try:
                code = rival.run(*allow, is_locked=is_locked)[0].name
            except FbplanError as fault:
                code = type(fault).__name__
            met.append(code)

        self._seams(at, strike)
        event(f"beside a rival: {self._run(*allow, is_locked=is_locked)}")
        rival.session.close()
        event(f"the rival, {'locked out' if is_locked else 'not locked out'}: {met}")
        assert not is_locked or met in ([], [LockHeld.__name__]), met

    @rule()
    def everything_settles(self) -> None:
        """L1, L4, L7: once nothing interferes, one apply brings everything to what is declared."""
        allow, theirs = allowed(self.rig), foreign(self.rig)
        code, told = self.rig.run(*allow)
        event(f"settles: {code.name}")
        if code is ExitCode.REFUSED:
            return
        assert code is ExitCode.OK, told
        again = self.rig.plan(*allow)
        assert not again.has_changes, f"L1: {plan_text(again)}\n{told}"
        ledger = in_force(self.rig.storage).ledger
        owned = {remote for entry in ledger.entries.values() for remote in entry.ids}
        strangers = sorted(
            f"{name} {remote}" for remote, name in look(self.rig).labelled().items() if remote not in owned
        )
        assert all(name.startswith(("foreign", "theirs")) for name in strangers), f"L4: nobody's: {strangers}\n{told}"
        wrong = self._empty_sinks(ledger)
        assert not wrong, f"L4: {wrong}\n{told}"
        kept = {row["id"] for row in foreign(self.rig)}
        rows = {row["id"]: row for row in theirs}
        assert all(rows[row["id"]] == row for row in foreign(self.rig)), "L7: a foreign object changed"
        gone = [row for row in theirs if row["id"] not in kept]
        assert not any("bucket" in row for row in gone), f"L7: a foreign bucket is gone: {gone}"

    def _empty_sinks(self, ledger: Ledger) -> list[str]:
        """The sinks that do not hold the newest generation of their key."""
        keys = {a: e.keys[-1].key_id for a, e in ledger.entries.items() if e.keys}
        files = {a: self._room / "secrets" / f"{'-'.join(split_address(a)[1])}.env" for a in keys}
        return sorted(a for a, key in keys.items() if not held_by(files[a]).get(key))

    @invariant()
    def what_was_written_can_be_read_and_holds_no_secret(self) -> None:
        in_force(self.rig.storage)
        assert list(secrets_seen(self.rig)) == []

    @invariant()
    def nothing_is_taken_from_under_the_policy(self) -> None:
        """L6: what the published policy sends clients to is there, and fbplan takes nothing of it away."""
        assert self.rig.own_violations() == [], "L6"

    def teardown(self) -> None:
        try:
            if self.rig.path.exists():
                self.everything_settles()
                self.nothing_is_taken_from_under_the_policy()
        finally:
            self.rig.close()
            shutil.rmtree(self._room)


Lives.TestCase.settings = settings(
    max_examples=int(os.environ.get("FBPLAN_LIVES", "25")),
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    derandomize="CI" in os.environ and "FBPLAN_LIVES" not in os.environ,
)
TestLives = Lives.TestCase
