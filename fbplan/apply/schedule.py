"""Which step goes next: each after those it needs, several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from graphlib import TopologicalSorter
from queue import Empty, SimpleQueue

from fbplan.outcome import Outcome
from fbplan.plan import Step

LOOK = 0.2
"""Seconds between looks at whether to stop, while calls are in flight."""


def in_order(
    steps: Mapping[str, Step],
    most: int,
    begins: Callable[[Step], bool],
    carry_out: Callable[[Step], Outcome],
    ended: Callable[[Outcome], None],
    is_over: Callable[[], bool],
) -> tuple[Step, ...]:
    """Carry out every step for which `begins` says so, at most `most` at once. Returns what `is_over` cut short.

    A step comes up once everything it needs has ended, however it ended: whether it may begin then is for `begins`.
    """
    waiting: TopologicalSorter[str] = TopologicalSorter(
        {step.id: [needed for needed in step.needs if needed in steps] for step in steps.values()}
    )
    waiting.prepare()
    ready: deque[str] = deque()
    running: dict[Future[Outcome], Step] = {}
    over: SimpleQueue[Future[Outcome]] = SimpleQueue()
    left: tuple[Step, ...] = ()
    pool = ThreadPoolExecutor(max_workers=max(1, most))
    try:
        while waiting.is_active() and not left:
            ready.extend(waiting.get_ready())
            while ready and len(running) < max(1, most):
                step = steps[ready.popleft()]
                if begins(step):
                    future = pool.submit(carry_out, step)
                    running[future] = step
                    future.add_done_callback(over.put)
                else:
                    waiting.done(step.id)
            if running:
                for done in _next_of(over):
                    ended(done.result())
                    waiting.done(running.pop(done).id)
                if running and is_over():
                    left = tuple(running.values())
    finally:  # whatever happens here, what is in flight ends in the books
        pool.shutdown(wait=not left, cancel_futures=True)
    return left


def _next_of(over: SimpleQueue[Future[Outcome]]) -> tuple[Future[Outcome], ...]:
    """The next that has ended, or none when none did for a while."""
    try:
        return (over.get(timeout=LOOK),)
    except Empty:
        return ()
