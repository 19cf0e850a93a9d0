"""Who runs this, where, in which CI run, from which commit: for the lock and for the receipts."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fbplan.storage import Holder

# One row a CI service: the variables that it sets by itself.
_ACTORS = (
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILDKITE_BUILD_CREATOR",
    "CIRCLE_USERNAME",
    "BUILD_REQUESTEDFOR",  # Azure Pipelines
    "BUILD_USER_ID",  # Jenkins, with the build user plug-in
    "DRONE_COMMIT_AUTHOR",
    "USER",
    "LOGNAME",
)
_COMMITS = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "BUILD_SOURCEVERSION",
    "GIT_COMMIT",
    "BITBUCKET_COMMIT",
    "DRONE_COMMIT_SHA",
)
_RUNS = (
    "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
    "{CI_JOB_URL}",
    "{BUILDKITE_BUILD_URL}",
    "{CIRCLE_BUILD_URL}",
    "{SYSTEM_COLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",
    "{BITBUCKET_GIT_HTTP_ORIGIN}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
    "{DRONE_BUILD_LINK}",
    "{BUILD_URL}",
)


@dataclass(frozen=True, slots=True)
class Whence:
    """Empty texts where nothing tells."""

    who: str
    host: str
    run_url: str = ""
    commit: str = ""
    is_dirty: bool = False
    """Whether files that git tracks beside the spec differ from the commit."""


def whence(environ: Mapping[str, str], user: str = "", host: str = "") -> Whence:
    """What the environment tells. `user` and `host` are what the machine says, for where no CI says it better."""
    return Whence(
        who=_first(environ, _ACTORS) or _clean(user) or "somebody",
        host=_clean(host),
        run_url=next((url for form in _RUNS if (url := _filled(form, environ))), ""),
        commit=_commit(_first(environ, _COMMITS)),
    )


def with_commit(found: Whence, folder: Path, git: str = "git") -> Whence:
    """The same, with the commit of the folder where the environment names none. Asks git, shortly; never raises."""
    head = found.commit or _commit(_asked(folder, git, "rev-parse", "HEAD"))
    changed = bool(head) and bool(_asked(folder, git, "status", "--porcelain", "--untracked-files=no", "--", "."))
    return Whence(found.who, found.host, found.run_url, head, changed)


def from_here(environ: Mapping[str, str]) -> Whence:
    """What the environment and this machine tell."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        user = ""
    return whence(environ, user, socket.gethostname())


def new_holder(found: Whence, command: str, now: datetime) -> Holder:
    """Who will hold the lock: a new lease, whose id nobody else has."""
    lease = f"{now:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
    return Holder(
        lease, found.who, found.host, os.getpid(), f"{now:%Y-%m-%dT%H:%M:%SZ}", _clean(command)[:200], found.run_url
    )


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := _clean(environ.get(name) or ""))), "")


def _filled(form: str, environ: Mapping[str, str]) -> str:
    names = re.findall(r"\{(\w+)\}", form)
    if not all(environ.get(name) for name in names):
        return ""
    # a URL may carry a password; nobody needs it to find the run
    url = without_userinfo(_clean(re.sub(r"\{(\w+)\}", lambda found: environ[found[1]], form)), "")
    return url if re.match(r"https?://[^\s]+$", url) else ""


def without_userinfo(text: str, instead: str = "***@") -> str:
    """The text without the name and the password that an address in it carries."""
    return re.sub(r"([A-Za-z][A-Za-z0-9+.-]*://)\S*@", rf"\1{instead}", text)


def _commit(text: str) -> str:
    return text if re.fullmatch(r"[0-9a-f]{7,64}", text) else ""


def _clean(text: str) -> str:
    """One line of bounded length, without what moves a terminal's cursor."""
    return "".join(c for c in text if c.isprintable()).strip()[:500]


def _asked(folder: Path, git: str, *words: str) -> str:
    try:
        ran = subprocess.run(
            [git, "--no-optional-locks", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=2,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""
