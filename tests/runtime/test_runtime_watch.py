"""The thread behind the URLs: when it begins, when it ends, and what a fork makes of it. No write waits for it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

from memory_store import AsyncMemoryStore, MemoryStore
from runtime_world import T0, raw, usage_document
from web_desk import POLICY, USAGE, Desk, used

from fbplan.runtime import AsyncRouter, Router
from fbplan.runtime.source import Source


def test_a_thread_follows_the_url_and_ends_with_its_router(web):
    desk = Desk(web, every_s=0.001)
    assert not desk.source._watch.is_running, "it starts when it is needed"
    desk.source.refresh()
    web.files[USAGE] = raw(usage_document(used(2), seq=5))
    web.wait_for(4)
    assert desk.source.pair.usage.seq == 5

    thread = desk.source._watch._thread
    desk.source.close()
    assert not thread.is_alive()
    assert not desk.source.is_due(), "and does not come back"


def test_a_thread_ends_when_nobody_has_its_router_any_more(web):
    source = Source(web.url + POLICY, None, clock_ms=lambda: T0, alarm=print, every_s=0.001)
    source.refresh()
    thread = source._watch._thread
    del source
    thread.join(20)
    assert not thread.is_alive()


def test_a_write_waits_for_no_server(web):
    store = MemoryStore()
    with Router.from_file(web.url + POLICY, store, usage=web.url + USAGE, clock_ms=lambda: T0) as router:
        web.bad |= {POLICY: "hang", USAGE: "hang"}
        asked = len(web.answers)
        placed = [router.put(f"k{n}", b"x").bucket for n in range(3)]
        assert (placed, router.choose(1).bucket) == (["a", "a", "a"], "a")
        assert len(web.answers) == asked
        web.let_go.set()


def test_a_process_that_begins_to_write_long_after_it_started_looks_once(web):
    now = [T0]
    with Router.from_file(web.url + POLICY, MemoryStore(), usage=web.url + USAGE, clock_ms=lambda: now[0]) as router:
        now[0] += 600_000
        web.files[USAGE] = raw(usage_document(used(1), seq=5, at_ms=now[0]))
        assert router.put("k", b"x").record["seq"] == 5


def test_an_event_loop_is_not_held_up(web):
    async def story():
        settings = {"usage": web.url + USAGE, "clock_ms": lambda: T0}
        async with AsyncRouter.from_file(web.url + POLICY, AsyncMemoryStore(MemoryStore()), **settings) as router:
            first = await router.put("k", b"x")
            assert not router._source.is_due(), "from here on a thread looks"
            return [first.bucket, (await router.put("l", b"x")).bucket]

    assert asyncio.run(story()) == ["a", "a"]


FORKED = """
import os, sys, threading
from fbplan.runtime.source import Source
told = []
source = Source(sys.argv[1], None, clock_ms=lambda: 0, alarm=lambda *a: told.append(a), every_s=0.001)
source.refresh()
with source._lock:                       # as if the thread were at it in this very moment
    child = os.fork()
if child == 0:
    assert not source._watch.is_running, "no thread outlives a fork"
    source.refresh()
    assert source._watch.is_running
    source.refresh(now=True)
    os._exit(0 if source.counts["policy.taken"] > 1 and not told else 1)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_after_a_fork_the_child_looks_by_itself(web):
    ended = run(FORKED, web.url + POLICY)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_end_of_the_interpreter_waits_for_no_server(web):
    web.bad["/hangs"] = "hang"
    script = """
import sys, threading
from fbplan.runtime.source import Source
source = Source(sys.argv[1], None, clock_ms=lambda: 0, alarm=lambda *_: None, every_s=0.001)
source._policy.origin._url = sys.argv[2]
source.refresh()
"""
    ended = run(script, web.url + POLICY, web.url + "/hangs")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_threads_that_begin_together_start_one_watch(web):
    before = set(threading.enumerate())
    desk = Desk(web)
    threads = [threading.Thread(target=desk.source.refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    started = [t for t in set(threading.enumerate()) - before if t.name == "fbplan-watch"]
    assert started == [desk.source._watch._thread]
    desk.source.close()
    assert not started[0].is_alive()
