"""HTTP, once: one pool of connections, one throttle, one place that retries and one that logs in.

Only what is safe is repeated: reads, and writes that provably never left (no connection) or were turned away (429, 401).
A write whose answer was lost raises Ambiguous, and whoever planned it reads before doing anything else.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from fbplan.client.auth import Identity
from fbplan.client.backoff import backoff, wait_asked
from fbplan.client.budget import RetryBudget
from fbplan.client.deadline import Deadline
from fbplan.client.envelope import Answer, fault_of, quota_used_up
from fbplan.client.quota import is_full_of_buckets
from fbplan.client.redact import Redactor
from fbplan.client.settings import Settings
from fbplan.client.throttle import Throttle
from fbplan.client.tokens import Tokens, fresh_refused
from fbplan.client.transport import Asked, NotSent, Transport
from fbplan.client.trouble import TRIES, Trouble, not_answered, not_reached, turned_away, used_up
from fbplan.client.waiting import Waiting
from fbplan.errors import Ambiguous, FbplanError
from fbplan.secrets import Secret

QUOTA_TRIES = 3
"""Of a call whose 429 may mean the quota after all (API notes §8)."""
QUOTA_CALL = "POST /bucket"
FIRST_BACKOFF = 0.5
"""Seconds, the longest wait before the second try of one call; doubles with each."""
FIRST_PAUSE = 2.0
"""The same for a 429 that names no time, during which nobody starts anything."""
SLOW_DOWN = "the API asked to slow down"


class Session:
    """A connection to one API as one user. Safe across threads; close it, or use it as a context manager."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        *,
        app: Callable[..., Any] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        told: Callable[[str], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        """`app` is a WSGI application to call in process instead of the network; `told` hears what is waited for.

        `now` is the wall clock, for dates that the API names; `clock` never jumps, and measures. Once `stopped` says
        so, a call that would have to wait raises Interrupted; one that is on its way is left to finish.
        """
        self.settings = settings
        self._jitter, self._now, self._clock = jitter, now, clock
        self._waiting = Waiting(sleep, stopped, told, clock)
        self.throttle = Throttle(settings.concurrency, self._waiting)
        self._budget = RetryBudget()
        self._redactor = Redactor()
        self._tokens = Tokens(identity, self._send, self._redactor, self._waiting, now)
        self._run = Deadline.after("run", settings.timeouts.run, clock())
        self._transport = Transport(settings, app, clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def token(self) -> Secret | None:
        """The access token in use, after a login if one was needed."""
        return self._tokens.token

    @property
    def user(self) -> Mapping[str, Any]:
        """What the login said about the user; empty with a token from the environment."""
        return self._tokens.user

    def pause(self, seconds: float, why: str) -> None:
        """Wait for what only time can bring. Raises Interrupted on a stop."""
        self._waiting.sit_out(seconds, why, self._run, why)

    def read(self, path: str, params: Mapping[str, str] | None = None, *, method: str = "GET", body: Any = None) -> Any:
        """The JSON body of a read; repeated while that can help. Raises Unreachable, AuthenticationFailed, ApiFault."""
        asked = Asked(method, path, body, params, repeats_when_lost=True)
        answer = self._sent(asked)
        if answer.is_failure:
            raise self._fault(answer, asked)
        return answer.body

    def remove(self, path: str) -> bool:
        """DELETE; False when the API knows no such object, or no such user: only a listing can tell which."""
        asked = Asked("DELETE", path)
        answer = self._sent(asked)
        if answer.status == 404:
            return False
        if answer.is_failure or not (answer.is_json or answer.is_empty):
            raise self._fault(answer, asked)
        return True

    def write(self, method: str, path: str, body: Any = None, *, is_slow: bool = False) -> Any:
        """The JSON body of a write (None when empty). Raises Ambiguous when the outcome is unknown."""
        asked = Asked(method, path, body, is_slow=is_slow)
        answer = self._sent(asked)
        if answer.status < 400 and not answer.is_failure and (answer.is_json or answer.is_empty):
            return answer.body
        raise self._fault(answer, asked)

    def _fault(self, answer: Answer, asked: Asked) -> FbplanError:
        return fault_of(answer, asked.call, lambda text: self._redactor.masked(text, asked.body))

    def _sent(self, asked: Asked) -> Answer:
        action = Deadline.after("action", self.settings.timeouts.action, self._clock())
        return self._send(asked, action.or_sooner(self._run))

    def _send(self, asked: Asked, deadline: Deadline) -> Answer:
        """Ask until there is an answer that another try would not better, or tries, retries or time run out."""
        tries, has_renewed, so_far = 0, False, "nothing of it was sent yet"
        while True:
            token = None if asked.is_public else self._tokens.current(deadline)
            with self.throttle.slot(deadline, asked.call) as episode:
                if deadline.left(self._clock()) <= 0:
                    raise deadline.missed(asked.call, so_far)
                found = self._once(asked, token, deadline)
            if isinstance(found, Answer) and self._has_ended(found, asked):
                if has_renewed:
                    raise fresh_refused(asked.call)
                # A 401 was turned away: repeating it is safe, and no sign that the API is unwell.
                self._tokens.renew(token, deadline)
                has_renewed = True
                continue
            tries += 1
            trouble = self._trouble(asked, found, tries, episode, deadline)
            if not isinstance(trouble, Trouble):
                if trouble.status < 500:
                    self._budget.refill()
                self.throttle.went_well(episode)
                return trouble
            so_far = trouble.told
            if tries >= trouble.most:
                raise trouble.fault
            if trouble.is_news and not self._budget.spend():
                raise used_up(trouble.fault)
            if trouble.wait > deadline.left(self._clock()):
                raise deadline.missed(asked.call, so_far)
            self._waiting.sit_out(trouble.wait, trouble.why, deadline, asked.call)

    def _once(self, asked: Asked, token: Secret | None, deadline: Deadline) -> Answer | NotSent | Ambiguous:
        """One request. A lost answer is raised, and returned only where the call may be repeated."""
        try:
            found = self._transport.ask(asked, token, deadline)
        except Ambiguous as fault:
            if not asked.repeats_when_lost:
                raise
            return fault
        if isinstance(found, Answer) and found.status != 401 and not asked.is_public:
            self._tokens.accepted(token)
        return found

    def _has_ended(self, answer: Answer, asked: Asked) -> bool:
        """Whether the answer says that the token ran out, and there is a way to another."""
        return answer.status == 401 and not asked.is_public and not answer.asks_for_mfa and self._tokens.renews

    def _trouble(
        self, asked: Asked, found: Answer | NotSent | Ambiguous, tries: int, episode: int, deadline: Deadline
    ) -> Answer | Trouble:
        """What one try came to: an answer to go on with, or a reason to try again."""
        match found:
            case NotSent(why):
                url = self.settings.url
                return Trouble(not_reached(url, why), self._backoff(tries), f"{url} cannot be reached")
            case Ambiguous():
                return self._unanswered(asked, found, tries)
            case Answer(status=429) if not found.is_quota:
                return self._turned_away(asked, found, tries, episode, deadline)
            case Answer() if asked.repeats_when_lost and (found.is_failure or not found.is_json):
                fault = self._fault(found, asked)
                return self._unanswered(asked, fault, tries) if isinstance(fault, Ambiguous) else found
            case Answer():
                return found

    def _backoff(self, tries: int) -> float:
        return backoff(tries, FIRST_BACKOFF, self._jitter)

    def _unanswered(self, asked: Asked, fault: Ambiguous, tries: int) -> Trouble:
        last = not_answered(self.settings.url, asked.call, fault)
        return Trouble(last, self._backoff(tries), f"{asked.call}: {fault.what}")

    def _turned_away(self, asked: Asked, answer: Answer, tries: int, episode: int, deadline: Deadline) -> Trouble:
        """A 429. Everyone slows down, unless it turns out to be the quota: that is final."""
        may_be_quota = asked.call == QUOTA_CALL and answer.retry_after is None
        if may_be_quota and tries == 1 and self._is_quota_used_up(deadline):
            raise quota_used_up(asked.call, "`GET /user/quota` shows no room for another bucket")
        wait = wait_asked(answer.retry_after, answer.date, self._now())
        # what asks for no wait, or for one that is over, would use up every try at once
        wait = backoff(tries, FIRST_PAUSE, self._jitter) if wait is None else max(wait, self._backoff(tries))
        is_news = self.throttle.slow_down(episode, wait, SLOW_DOWN)
        most = QUOTA_TRIES if may_be_quota else TRIES
        return Trouble(turned_away(asked.call, tries), 0, SLOW_DOWN, most, is_news)

    def _is_quota_used_up(self, deadline: Deadline) -> bool:
        """Asked once; whatever keeps it from being known leaves the 429 a request to slow down."""
        asked = Asked("GET", "/user/quota", repeats_when_lost=True)
        with self.throttle.slot(deadline, asked.call):
            found = self._once(asked, self._tokens.token, deadline)
        return isinstance(found, Answer) and not found.is_failure and is_full_of_buckets(found.body)
