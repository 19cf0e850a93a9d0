"""Lists that lag behind writes, or come up empty, while something is still open from an apply that was killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from kill_rig import KillRig
from killing import killed_everywhere, opened
from rig import Rig
from seams import Seams
from truths import held_by, look

from fbplan.errors import ExitCode
from fbplan.render.human import plan_text

NOW, LAG = 1_790_000_000, 5
BUCKET = "buckets:\n  a: {bucket: acme-a, storage_type: S3, region: r, key: {env: K}, secret: {env: S}, soft_cap: {limit: 1GB}}\n"


def spec(*keys: str) -> str:
    issued = ", ".join(f"{key}: {{access: WRITE, sink: {{file: {key}.env}}}}" for key in keys)
    return f"{BUCKET}repositories:\n  app: {{storage_type: S3, buckets: [{{bucket: a, folder: a}}], api_keys: {{{issued}}}}}\n"


def base_of(folder: Path, *keys: str) -> Path:
    with opened(folder, NOW, spec(*keys), list_delay=LAG) as rig:
        assert rig.run()[0] is ExitCode.OK
        rig.app.store.move_clock(60)
    return folder


def nothing_is_left_behind(rig: KillRig, *keys: str) -> None:
    """Once the lists have caught up: one live key for each that is declared, and its secret in its sink."""
    rig.app.store.move_clock(60)
    code, told = rig.run()
    assert code is ExitCode.OK, told
    assert not rig.plan().has_changes, plan_text(rig.plan())
    live = look(rig).keys_of("app")
    assert sorted(row["name"].partition(".g")[0] for row in live) == sorted(keys), f"{live}\n{told}"
    for row in live:
        assert held_by(rig.folder / f"{row['name'].partition('.g')[0]}.env").get(row["key"]), told


def test_L4_a_key_that_no_list_shows_yet_is_found_by_the_run_after_the_kill(tmp_path: Path) -> None:
    def look_again(folder: Path, _: Seams, __: bytes) -> None:
        with opened(folder, NOW, spec("w", "q"), list_delay=LAG) as rig:
            code, told = rig.run()
            assert code is ExitCode.OK, told
            nothing_is_left_behind(rig, "q", "w")

    base = base_of(tmp_path / "base", "w")
    assert killed_everywhere(base, NOW, spec("w", "q"), then=look_again, list_delay=LAG) >= 12


@pytest.mark.parametrize("path", ["/repo/*/apikey", "/repo"])
def test_L4_one_empty_list_makes_nobody_forget_a_key_that_was_issued(tmp_path: Path, path: str) -> None:
    def look_again(folder: Path, _: Seams, __: bytes) -> None:
        with opened(folder, NOW + 3600, spec("w", "q")) as rig:
            rig.http("POST", "/_emulator/faults", {"faults": [{"method": "GET", "path": path, "fault": "empty-list"}]})
            rig.run()
            rig.http("DELETE", "/_emulator/faults")
            assert rig.run()[0] is ExitCode.OK
            nothing_is_left_behind(rig, "q", "w")

    base = base_of(tmp_path / "base", "w")
    assert killed_everywhere(base, NOW, spec("w", "q"), then=look_again) >= 12


def test_a_new_repository_that_no_list_shows_yet_gets_its_keys(tmp_path: Path) -> None:
    with opened(tmp_path, NOW, spec("w"), list_delay=LAG) as rig:
        rig.http(
            "POST",
            "/_emulator/faults",
            {"faults": [{"method": "POST", "path": "/repo/*/apikey", "fault": "cut-after"}]},
        )
        code, told = rig.run()
        assert code is ExitCode.OK, told
        nothing_is_left_behind(rig, "w")


def test_a_repository_whose_keys_are_suddenly_not_listed_stops_the_apply(rig: Rig) -> None:
    rig.spec(spec("w", "q"))
    assert rig.apply().exit_code is ExitCode.OK
    before = {row["id"] for row in rig.keys("app").values()}
    rig.fault(method="GET", path="/repo/*/apikey", fault="empty-list")
    assert not rig.plan().has_changes, "moments after an apply one such list is looked at again"
    rig.fault(method="GET", path="/repo/*/apikey", fault="empty-list", times=9)
    (refused,) = rig.plan().refusals
    assert (refused.guard, refused.allow) == ("short-listing", "short-listing:api_keys")
    assert "repository.app" in refused.what
    rig.http("DELETE", "/_emulator/faults")
    assert {row["id"] for row in rig.keys("app").values()} == before
    for row in rig.keys("app").values():
        rig.http("DELETE", f"/repo/{rig.ids('repository')['app']}/apikey/{row['id']}")
    assert rig.plan().refusals
    assert rig.apply(refused.allow).exit_code is ExitCode.OK
    assert not rig.plan().has_changes


def test_L4_a_delete_that_was_on_the_way_is_no_short_list(tmp_path: Path) -> None:
    """Killed after the last key or bucket went, and before that was written down: the empty list is what was asked for."""

    def look_again(folder: Path, _: Seams, __: bytes) -> None:
        with opened(folder, NOW + 3600, "") as rig:
            code, told = rig.run()
            assert code is ExitCode.OK, told
            assert not rig.plan().has_changes, plan_text(rig.plan())

    base = base_of(tmp_path / "base", "w", "q")
    assert killed_everywhere(base, NOW, "", then=look_again) >= 20
