"""What can go wrong, and how it is told: exit codes, diagnostics, the exception tree.

FbplanError                 1   anything else, said plainly
├── SpecInvalid            65   the YAML is wrong; carries every diagnostic at once
├── UsageFault             64   the command line is wrong
├── Refused                 4   a guard said no
├── Stale                   5   what was reviewed is not what is there
├── LockHeld                6   another apply is running
├── AuthenticationFailed    7   no token, a bad one, or one that ran out
├── Unreachable             8   the API did not answer
├── SinkFailed              9   a shown-once secret could not be stored
├── ApiFault                1   the API answered, and said no
├── Ambiguous               1   a write whose outcome is unknown
├── Lost                    1   a write without an answer, which a fresh listing does not show
├── PartlyApplied           3   something was written, not all is done
└── Interrupted       130/143   SIGINT or SIGTERM
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of every command. They are part of the interface."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    PARTIAL = 3
    REFUSED = 4
    STALE = 5
    LOCKED = 6
    AUTH = 7
    UNREACHABLE = 8
    SINK = 9
    USAGE = 64
    INVALID = 65
    SIGINT = 130
    SIGTERM = 143

    @property
    def label(self) -> str:
        """The name that JSON output carries."""
        return self.name.lower()

    @property
    def is_retryable(self) -> bool:
        """Whether running the same command again can help without an edit."""
        return self in {
            ExitCode.PARTIAL,
            ExitCode.STALE,
            ExitCode.LOCKED,
            ExitCode.UNREACHABLE,
            ExitCode.SIGINT,
            ExitCode.SIGTERM,
        }


class Code(Enum):
    """Stable codes of everything that can be wrong in a spec; the value is (code, what it means)."""

    UNREADABLE = ("FB001", "the spec file cannot be read")
    SYNTAX = ("FB002", "not valid YAML 1.2")
    DUPLICATE_KEY = ("FB003", "the same key twice in one mapping")
    FORBIDDEN_YAML = ("FB004", "a YAML feature that a spec may not use (merge keys, tags, several documents)")
    TOO_LARGE = ("FB005", "the file is too large, too deep, or repeats itself too often")
    NOT_A_MAPPING = ("FB006", "the spec, or a section of it, is not a mapping")
    UNKNOWN_KEY = ("FB101", "a key that fbplan does not know")
    MISSING_KEY = ("FB102", "a required key is missing")
    WRONG_TYPE = ("FB103", "a value of the wrong type")
    NULL_VALUE = ("FB104", "null where a value belongs; leave the key out instead")
    BAD_VALUE = ("FB105", "a value outside what is allowed")
    BAD_NAME = ("FB106", "a map key that cannot be an address")
    RESERVED = ("FB107", "a word that is reserved or replaced by another")
    LITERAL_SECRET = ("FB108", "a secret written into the spec")
    BAD_SIZE = ("FB109", "a size that cannot be read exactly")
    BAD_DURATION = ("FB110", "a duration that cannot be read")
    DANGLING = ("FB201", "a reference to something the spec does not declare")
    CREDENTIAL_FORM = ("FB202", "a bucket needs exactly one form of credentials")
    MIRROR_MASTER = ("FB203", "a MIRROR repository needs exactly one master")
    ATTACHED_TWICE = ("FB204", "one bucket stands twice in a repository")
    SAME_IDENTIFIER = ("FB205", "two buckets of a repository have the same provider bucket")
    MIRROR_SHARED = ("FB206", "a bucket of a MIRROR repository is used elsewhere")
    FOLDER_TAKEN = ("FB207", "two repositories use the same folder of a bucket")
    ORDER = ("FB208", "the routing order names a bucket that is not attached")
    CAP = ("FB209", "a soft cap that contradicts itself")
    SAME_NAME = ("FB210", "two resources would have the same live name")
    CONFLICTING_INTENT = ("FB211", "the spec asks for two things at once")
    NO_CAP = ("FB301", "warning: a routed bucket has no soft cap")
    SMALL_CAP = ("FB302", "warning: a soft cap under 1 MB, written without a unit")

    @property
    def id(self) -> str:
        return self.value[0]

    @property
    def meaning(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file, counted from 1."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing that is wrong in a spec: where, what, and how to put it right."""

    code: Code
    message: str
    fix: str
    address: str | None = None
    location: Location | None = None
    frame: str = ""
    is_warning: bool = False


@dataclass(slots=True, eq=False)
class FbplanError(Exception):
    """What happened, where, why, and the next command. Every error that a user sees is one of these."""

    what: str
    where: str = ""
    why: str = ""
    next: str = ""
    exit_code: ClassVar[ExitCode] = ExitCode.ERROR

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}: {self.why}" if self.why else head


@dataclass(slots=True, eq=False)
class SpecInvalid(FbplanError):
    """The spec is wrong; `diagnostics` holds every problem of the run, in file order."""

    diagnostics: tuple[Diagnostic, ...] = field(default=())
    exit_code: ClassVar[ExitCode] = ExitCode.INVALID


class UsageFault(FbplanError):
    """The command was called in a way that cannot work."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


class Refused(FbplanError):
    """A guard refused before anything was written."""

    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED


class Stale(FbplanError):
    """The live state moved since the plan was made."""

    exit_code: ClassVar[ExitCode] = ExitCode.STALE


class LockHeld(FbplanError):
    """Another apply holds the lock."""

    exit_code: ClassVar[ExitCode] = ExitCode.LOCKED


class AuthenticationFailed(FbplanError):
    """No token, or one that the API does not accept."""

    exit_code: ClassVar[ExitCode] = ExitCode.AUTH


class Unreachable(FbplanError):
    """The API could not be reached, or did not answer in time."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNREACHABLE


@dataclass(slots=True, eq=False)
class SinkFailed(FbplanError):
    """A secret that is shown once could not be stored; its key was taken back, or could not be."""

    is_taken_back: bool = True
    exit_code: ClassVar[ExitCode] = ExitCode.SINK


class ApiFault(FbplanError):
    """The API answered and refused; nothing was changed by that call."""


class Missing(ApiFault):
    """The API knows no such object (404), or no such user."""


class Ambiguous(FbplanError):
    """A write was sent and its answer lost: it may or may not have happened."""


class Lost(FbplanError):
    """A write was sent, its answer lost, and a fresh listing does not show it: it most likely did not happen."""


class PartlyApplied(FbplanError):
    """Something was written and not everything is done."""

    exit_code: ClassVar[ExitCode] = ExitCode.PARTIAL


class Interrupted(FbplanError):
    """SIGINT or SIGTERM stopped the run after what was in flight was recorded."""

    exit_code: ClassVar[ExitCode] = ExitCode.SIGINT
