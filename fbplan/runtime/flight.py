"""One write under way: what is asked of whoever drives it, what came of each try, and how far it is."""

from typing import NamedTuple

from fbplan.runtime.decision import Decision
from fbplan.runtime.view import Request, View


class Action(NamedTuple):
    """What to do next: `try`, `head`, `wait`, `reload`; or the end: `stored`, `exists`, `read_only`, `refused`, `failed`.

    `ms` is the timeout of a try or a head, and the length of a wait.
    """

    do: str
    bucket: str | None = None
    ms: int = 0

    @property
    def is_end(self) -> bool:
        return self.do in {"stored", "exists", "read_only", "refused", "failed"}


class Answer(NamedTuple):
    """What came of a try. Status 2xx is success, 0 is no answer."""

    status: int
    code: str = ""
    retry_after_ms: int | None = None
    was_sent: bool = True
    """Whether bytes of the body may have reached the server."""
    dice: int = 0
    """A random number below 2^32, for the jitter of a pause."""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Attempt(NamedTuple):
    """One try, and what was made of it."""

    decision: int
    bucket: str
    at_ms: int
    charge: int
    end_ms: int = 0
    status: int = 0
    code: str = ""
    kind: str | None = None
    """The class of the answer; None is success."""
    rule: str = "7.charge"
    settled: str | None = None
    """What a HEAD found after an outcome that was not known: `equal`, `absent`, `different` or `unknown`."""
    then: str = ""


class Flight(NamedTuple):
    """One write under way. It keeps the pair of files that it began with."""

    view: View
    request: Request
    began_ms: int
    decisions: tuple[Decision, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    alarms: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    hops: int = 0
    reloads: int = 0
    answer: Answer | None = None
    """The answer that a HEAD is to settle."""
    action: Action = Action("try")
    rule: str = ""
    """The rule that ended it."""

    def left_ms(self, now_ms: int) -> int:
        return self.began_ms + self.view.repository.deadline_ms - now_ms

    def ended(self, attempt: Attempt, action: Action, rule: str) -> "Flight":
        return self._replace(attempts=(*self.attempts[:-1], attempt), action=action, rule=rule)
