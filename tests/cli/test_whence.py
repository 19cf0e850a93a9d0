"""Who and where, told by the environment alone."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fbplan.cli.whence import Whence, new_holder, whence, with_commit

SHA = "4f2c1ab" + "0" * 33


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {
                "GITHUB_ACTOR": "ada",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "acme/infra",
                "GITHUB_RUN_ID": "42",
                "GITHUB_SHA": SHA,
                "USER": "runner",
            },
            Whence("ada", "h", "https://github.com/acme/infra/actions/runs/42", SHA),
        ),
        (
            {"GITLAB_USER_LOGIN": "ada", "CI_JOB_URL": "https://gitlab.com/j/1", "CI_COMMIT_SHA": SHA},
            Whence("ada", "h", "https://gitlab.com/j/1", SHA),
        ),
        (
            {
                "BUILDKITE_BUILD_CREATOR": "Ada L.",
                "BUILDKITE_BUILD_URL": "https://buildkite.com/b/1",
                "BUILDKITE_COMMIT": "HEAD",
            },
            Whence("Ada L.", "h", "https://buildkite.com/b/1"),
        ),
        (
            {"CIRCLE_USERNAME": "ada", "CIRCLE_BUILD_URL": "https://circleci.com/1", "CIRCLE_SHA1": SHA},
            Whence("ada", "h", "https://circleci.com/1", SHA),
        ),
        (
            {
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme/",
                "SYSTEM_TEAMPROJECT": "infra",
                "BUILD_BUILDID": "7",
                "BUILD_REQUESTEDFOR": "Ada",
                "BUILD_SOURCEVERSION": SHA,
            },
            Whence("Ada", "h", "https://dev.azure.com/acme/infra/_build/results?buildId=7", SHA),
        ),
        (
            {"BUILD_USER_ID": "ada", "BUILD_URL": "https://jenkins.example/job/1/", "GIT_COMMIT": SHA},
            Whence("ada", "h", "https://jenkins.example/job/1/", SHA),
        ),
        ({"USER": "ada"}, Whence("ada", "h")),
        ({}, Whence("me", "h")),
    ],
    ids=["github", "gitlab", "buildkite", "circle", "azure", "jenkins", "a terminal", "nothing"],
)
def test_each_ci_says_who_and_where(environ: dict[str, str], expected: Whence) -> None:
    assert whence(environ, "me", "h") == expected


def test_a_password_in_the_url_of_a_run_is_left_out() -> None:
    found = whence({"BUILD_URL": "https://ada:canary@jenkins.example/job/1/"})
    assert found.run_url == "https://jenkins.example/job/1/"


def test_what_is_no_url_and_what_moves_the_cursor_is_left_out() -> None:
    found = whence({"CI_JOB_URL": "javascript:alert(1)", "GITHUB_ACTOR": "ada\x1b[2J\n"}, host="h\r")
    assert found == Whence("ada[2J", "h")


def test_each_lease_has_an_id_of_its_own() -> None:
    now = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    one, two = (new_holder(Whence("ada", "h", "https://ci/1"), "fbplan apply", now) for _ in range(2))
    assert one.id != two.id
    assert (one.since, one.run_url, one.id[:17]) == ("2026-03-01T10:00:00Z", "https://ci/1", "20260301T100000Z-")


def test_git_tells_the_commit_and_whether_files_differ_from_it(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        named = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ["git", *named, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "fbplan.yaml").write_text("version: 1\n")
    git("add", ".")
    git("commit", "-qm", "x")
    nobody = Whence("ada", "h")
    clean = with_commit(nobody, tmp_path)
    assert (clean.commit, clean.is_dirty) == (git("rev-parse", "HEAD"), False)
    (tmp_path / "fbplan.yaml").write_text("version: 1 # x\n")
    assert with_commit(nobody, tmp_path).is_dirty


def test_without_git_there_is_no_commit_and_no_fault(tmp_path: Path) -> None:
    assert with_commit(Whence("ada", "h"), tmp_path, git="no-such-git") == Whence("ada", "h")
    assert with_commit(Whence("ada", "h"), tmp_path / "gone") == Whence("ada", "h")
