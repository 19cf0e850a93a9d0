"""What one decision looks at besides the state: the pair of files a request began with, and who is asking."""

from typing import NamedTuple

from fbplan.runtime import tuning
from fbplan.runtime.policy import Bucket, Policy, Repository
from fbplan.runtime.usage import BucketUse, Usage


class View(NamedTuple):
    policy: Policy
    repository: Repository
    usage: Usage | None
    confirmed_ms: int
    """When the policy was last seen in force."""
    writer: str
    simple: bool
    """One process that counts its own bytes, instead of a fleet that lives on grants."""
    expects_usage: bool
    """A process that counts for itself may do without a usage file, but not lose one."""
    born_ms: int | None = None
    """When this process started, if it leaves alone the grants that a process before it may have used."""
    off: frozenset[str] = frozenset()
    """Rules that are left out. For the tests: a vector that does not notice proves nothing."""

    @property
    def seq(self) -> int:
        return 0 if self.usage is None else self.usage.seq

    def has_expired(self, now_ms: int) -> bool:
        """Whether nobody has confirmed the policy for so long that it must not be written by."""
        found = self.repository
        return found.on_expired == "read_only" and now_ms >= self.confirmed_ms + found.expires_after_ms

    def bucket(self, name: str) -> Bucket:
        return self.policy.buckets[name]

    def use(self, name: str) -> BucketUse | None:
        return None if self.usage is None else self.usage.buckets.get(name)

    def writers(self, name: str) -> int:
        """How many share what is left of a bucket."""
        if "2.share" in self.off:
            return 1
        use = self.use(name)
        return max(1, self.bucket(name).writers, 1 if use is None else use.writers)

    def is_too_young(self, published_ms: int) -> bool:
        """Whether a process of the same name may have written under these grants before this one started."""
        if self.born_ms is None or "2.born" in self.off:
            return False
        return published_ms <= self.born_ms + self.repository.skew_ms

    def next_poll_ms(self, now_ms: int) -> int:
        """When the next usage may be there."""
        if self.usage is None:
            return now_ms + tuning.POLL_MS
        due = self.usage.published_ms + self.usage.poll_ms
        return due if due > now_ms else now_ms + self.usage.poll_ms


class Request(NamedTuple):
    """One write. `size` is in bytes."""

    size: int
    is_repeatable: bool = True
    """Whether the body can be sent again from its beginning."""
    only: str | None = None
    """The bucket that holds the key, when it is overwritten."""
