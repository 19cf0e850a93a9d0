"""Files that change while they are read: the last good pair stays, everything is counted."""

from __future__ import annotations

import os
from pathlib import Path

from runtime_world import policy_document, raw, usage_document

from fbplan.runtime.source import Source


class Desk:
    """A folder with the two files, a clock, and what was alarmed."""

    def __init__(self, folder: Path) -> None:
        self.policy, self.usage, self.kept = folder / "policy.json", folder / "usage.json", folder / "kept"
        self.now, self.alarms = 1_000_000, []

    def put(self, path: Path, content: bytes) -> None:
        temporary = path.with_suffix(".new")
        temporary.write_bytes(content)
        temporary.replace(path)
        self.now += 1_000

    def source(self, **options):
        return Source(
            self.policy, self.usage, clock_ms=lambda: self.now, alarm=lambda n, _: self.alarms.append(n), **options
        )


def used(n: int) -> dict:
    return {name: {"used": n} for name in "abc"}


def test_a_torn_or_altered_file_leaves_the_last_good_in_force_and_is_counted_once(tmp_path):
    desk = Desk(tmp_path)
    desk.put(desk.policy, raw(policy_document()))
    desk.put(desk.usage, raw(usage_document(used(1))))
    source = desk.source()
    good = source.pair

    desk.put(desk.policy, raw(policy_document(generation=8))[:-9])
    source.refresh()
    desk.now += 5_000
    source.refresh()
    assert (source.pair.policy, source.counts["policy.torn"]) == (good.policy, 1)

    desk.put(desk.usage, raw({**usage_document(used(2), seq=2), "seq": 3}))
    source.refresh()
    assert (source.pair.usage, desk.alarms) == (good.usage, ["policy.torn", "usage.digest"])


def test_a_newer_pair_is_swapped_in_and_an_older_one_refused(tmp_path):
    desk = Desk(tmp_path)
    desk.put(desk.policy, raw(policy_document()))
    desk.put(desk.usage, raw(usage_document(used(1), seq=4)))
    source = desk.source()
    first = source.pair
    desk.put(desk.usage, raw(usage_document(used(2), seq=5)))
    second = source.refresh()
    desk.put(desk.usage, raw(usage_document(used(1), seq=4)))
    third = source.refresh()

    assert (first.usage.seq, second.usage.seq, third.usage.seq) == (4, 5, 5)
    assert desk.alarms == ["usage.older"]


def test_files_are_looked_at_once_a_second_at_most(tmp_path):
    desk = Desk(tmp_path)
    desk.put(desk.policy, raw(policy_document()))
    source = desk.source()
    desk.put(desk.policy, raw(policy_document(generation=8)))
    desk.now -= 1
    assert source.refresh().policy.generation == 7
    desk.now += 1
    assert source.refresh().policy.generation == 8


def test_a_switched_link_is_a_change(tmp_path):
    desk = Desk(tmp_path)
    for generation in (7, 8):
        (tmp_path / f"v{generation}.json").write_bytes(raw(policy_document(generation=generation)))
        os.utime(tmp_path / f"v{generation}.json", ns=(0, 0))
    desk.policy.symlink_to("v7.json")
    source = desk.source()
    (tmp_path / "next").symlink_to("v8.json")
    (tmp_path / "next").replace(desk.policy)
    desk.now += 1_000

    assert source.refresh().policy.generation == 8


def test_what_was_good_is_there_again_after_a_start_without_the_files(tmp_path):
    desk = Desk(tmp_path)
    desk.put(desk.policy, raw(policy_document()))
    desk.put(desk.usage, raw(usage_document(used(1), seq=9)))
    before = desk.source(last_good=desk.kept).pair
    desk.policy.unlink()
    desk.put(desk.usage, raw(usage_document(used(0), seq=3)))
    desk.now += 60_000

    after = desk.source(last_good=desk.kept)
    assert (after.pair.policy, after.pair.usage) == (before.policy, before.usage)
    assert after.pair.confirmed_ms == before.confirmed_ms, "a policy is not younger for having been restored"
    assert (after.counts["policy.unreadable"], after.counts["usage.older"]) == (1, 1)


def test_a_policy_that_still_stands_is_confirmed_and_one_that_is_gone_is_not(tmp_path):
    desk = Desk(tmp_path)
    desk.put(desk.policy, raw(policy_document()))
    source = desk.source()
    desk.now += 50_000
    assert source.refresh().confirmed_ms == desk.now
    desk.policy.unlink()
    seen, desk.now = desk.now, desk.now + 50_000
    assert source.refresh().confirmed_ms == seen


def test_what_is_no_file_is_refused_and_does_not_block(tmp_path):
    desk = Desk(tmp_path)
    os.mkfifo(desk.policy)
    source = desk.source()
    assert (source.pair.policy, source.counts["policy.unreadable"]) == (None, 1)
