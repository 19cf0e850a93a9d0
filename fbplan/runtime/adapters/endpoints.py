"""Which of several Bridge Nodes is asked: the first that answers. For every adapter; it knows no SDK.

All nodes lead to the same buckets, so a node that is away is no fault of a bucket: the next node is asked within the same
try, and no rule of the chooser notices. A write goes on only while certainly nothing of it was sent.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from fbplan.runtime.transport import TransportFailure
from fbplan.runtime.tuning import LONGEST_REST_MS, REST_MS

_T = TypeVar("_T")
_LOG = logging.getLogger("fbplan.runtime")
_OF_THE_NODE = frozenset({"", "ServiceUnavailable"})
"""Codes of a 5xx that no store behind the node needs to have said: none at all, and what a node says of itself."""


class Limits(NamedTuple):
    """Milliseconds for one request, and how many of them to reach the node."""

    timeout_ms: int
    connect_ms: int


class _Rest(NamedTuple):
    """A node that does not answer."""

    failures: int
    until_ms: int
    probed_until_ms: int = 0


def monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def never() -> bool:
    return False


class Endpoints:
    """Nodes that do not answer rest, longer each time; then one request tries them again. Any thread may ask."""

    def __init__(self, clock_ms: Callable[[], int] = monotonic_ms) -> None:
        self._clock_ms = clock_ms
        self._lock = threading.Lock()
        self._rests: dict[str, _Rest] = {}

    def ask(
        self,
        listed: Sequence[str],
        timeout_ms: int,
        call: Callable[[str, Limits], _T],
        *,
        is_repeatable: bool,
        tells_code: bool = True,
        is_spent: Callable[[], bool] = never,
    ) -> _T:
        """The answer of the first node, in the order of `listed`. Raises TransportFailure.

        `is_repeatable`: asking twice does no harm, as for a read. `tells_code`: a refusal has a body with a code in it;
        that of a HEAD has none, so it says nothing of the node. `is_spent`: the SDK has read from a body that cannot be
        rewound, so no other node can have it.
        """
        if len(listed) == 1:
            return call(listed[0], Limits(timeout_ms, timeout_ms))
        began = self._clock_ms()
        failures: list[TransportFailure] = []
        order = self._order(listed, began, timeout_ms)
        for index, endpoint in enumerate(order):
            left = began + timeout_ms - self._clock_ms()
            if failures and left <= 0:
                break
            try:
                answer = call(endpoint, Limits(left, max(1, left // (len(order) - index))))
            except TransportFailure as failure:
                # a key that is refused before anything is sent is no fault of the node
                is_silent = not failure.was_sent and not 0 < failure.status < 500
                is_gateways = failure.status >= 500 and failure.code in _OF_THE_NODE
                if is_silent or (is_gateways and tells_code):
                    self._rest(endpoint, began, failure)
                elif failure.status:
                    self._answered(endpoint)
                goes_on = is_silent or (is_repeatable and (is_gateways or failure.status == 0))
                if not goes_on or is_spent():
                    raise
                failures.append(failure)
            else:
                self._answered(endpoint)
                return answer
        raise _everywhere(order, failures) from failures[-1]

    def _order(self, listed: Sequence[str], now_ms: int, timeout_ms: int) -> list[str]:
        """Those that do not rest, as listed; the others after them, rather than no answer at all."""
        with self._lock:
            rests = {endpoint: self._rests[endpoint] for endpoint in listed if endpoint in self._rests}
            first = [e for e in listed if e not in rests or max(rests[e].until_ms, rests[e].probed_until_ms) <= now_ms]
            last = sorted((e for e in listed if e not in first), key=lambda e: rests[e].until_ms)
            if first and first[0] in rests and len(listed) > 1:
                # one request finds out whether it is back; those that come meanwhile ask the next
                self._rests[first[0]] = rests[first[0]]._replace(probed_until_ms=now_ms + timeout_ms)
        return [*first, *last]

    def _rest(self, endpoint: str, began_ms: int, failure: TransportFailure) -> None:
        with self._lock:
            known = self._rests.get(endpoint)
            if known is not None and began_ms < known.until_ms:
                return  # no news: others found it out at the same time
            failures = 1 if known is None else known.failures + 1
            pause = min(REST_MS << min(failures - 1, 16), LONGEST_REST_MS)
            self._rests[endpoint] = _Rest(failures, self._clock_ms() + pause)
        _LOG.warning("%s gives no answer (%s): others are asked first for %s s", endpoint, failure, pause // 1000)

    def _answered(self, endpoint: str) -> None:
        if endpoint not in self._rests:
            return
        with self._lock:
            known = self._rests.pop(endpoint, None)
        if known is not None:
            _LOG.info("%s answers again", endpoint)


def _everywhere(order: Sequence[str], failures: Sequence[TransportFailure]) -> TransportFailure:
    """One failure for all nodes that were asked: nothing was sent only if that is so of each."""
    last = failures[-1]
    was_sent = any(failure.was_sent for failure in failures)
    told = TransportFailure(last.status, last.code, retry_after_ms=last.retry_after_ms, was_sent=was_sent)
    told.args = (f"{told} from {' and '.join(order[: len(failures)])}",)
    return told
