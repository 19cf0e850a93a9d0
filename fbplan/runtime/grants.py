"""Expiring grants: how the poller shares out what is left of a cap, and how a writer checks its share.

                 as_of          now            expiry    + M
    ──────────────┼──── L ───────┼──── TTL ──────┼────────┤──→  (each clock is off by S at most)
     counted in U   not yet known   bytes start    and end

Bytes under a grant start before its expiry and end M later at most; so a grant with `expiry + S + M <= as_of` is wholly
in U. The others are `out`: they may be in U or not, and are taken off in full. Whatever happens, use stays at
U + out + grant <= cap. Nothing is reserved, so nothing leaks: what is not used comes back with the next U.

It holds if the statistics lag by L at most, no more than `writers` write, clocks differ by S at most, uploads end
within M, and nobody else writes. (For those there is `reserve_ppm`.)
"""

from collections.abc import Iterable
from typing import NamedTuple

from fbplan.runtime.policy import Policy

TIERS = ("soft", "hard")


class Terms(NamedTuple):
    """What is assumed about the statistics and the writers of one bucket."""

    poll_ms: int
    lag_ms: int
    ttl_ms: int
    skew_ms: int
    upload_ms: int

    @property
    def rounds(self) -> int:
        """K: grants that may be out at the same time, the new one included."""
        span = self.lag_ms + self.ttl_ms + self.upload_ms + 2 * self.skew_ms
        return -(-span // self.poll_ms) + 1


class Grant(NamedTuple):
    """Bytes that all writers of a bucket together may start before the expiry."""

    id: str
    tier: str
    size: int
    expires_ms: int


class Round(NamedTuple):
    """The grants of one poll, and the earlier ones that the next poll has to know of."""

    grants: tuple[Grant, ...]
    earlier: tuple[Grant, ...]
    expires_ms: int

    @property
    def memory(self) -> tuple[Grant, ...]:
        """What the next round takes as its `earlier`."""
        return (*self.earlier, *self.grants)


def terms_of(policy: Policy, bucket: str, poll_ms: int, lag_ms: int) -> Terms:
    """The terms of a bucket: of all repositories that route to it, the longest uploads, lives and skews."""
    routed = [found for found in policy.repositories.values() if bucket in found.order]
    return Terms(
        poll_ms=poll_ms,
        lag_ms=lag_ms,
        ttl_ms=max((found.grant_ttl_ms for found in routed), default=0),
        skew_ms=max((found.skew_ms for found in routed), default=0),
        upload_ms=max((found.max_upload_ms for found in routed), default=0),
    )


def outstanding(earlier: Iterable[Grant], tier: str, as_of_ms: int, terms: Terms) -> int:
    """Bytes of earlier grants of a tier that U may not know of."""
    return sum(g.size for g in earlier if g.tier == tier and not _is_settled(g, as_of_ms, terms))


def grant(cap: int, used: int, out: int, rounds: int) -> int:
    """Bytes to grant now: a K-th of what is left, and never more than what is certainly left."""
    left = max(0, cap - used)
    return max(0, min(left // rounds, left - out))


def share_out(
    caps: tuple[int, int],
    used: int,
    earlier: Iterable[Grant],
    *,
    name: str,
    now_ms: int,
    as_of_ms: int,
    terms: Terms,
) -> Round:
    """The grants of one poll for one meter: `caps` are its soft and hard cap in bytes, `name` makes the ids.

    `used` must not be less than at the poll before, unless a new period began. After a loss of its memory a poller
    gives `blind_ms` of zero rounds first.
    """
    kept = tuple(g for g in earlier if not _is_settled(g, as_of_ms, terms))
    expires_ms = now_ms + terms.ttl_ms
    grants = tuple(
        Grant(
            f"{name}.{tier}", tier, grant(cap, used, outstanding(kept, tier, as_of_ms, terms), terms.rounds), expires_ms
        )
        for tier, cap in zip(TIERS, caps, strict=True)
    )
    return Round(grants, kept, expires_ms)


def blind_ms(terms: Terms) -> int:
    """How long a poller that does not know the earlier grants must grant nothing, counted from the last of them."""
    return terms.ttl_ms + terms.skew_ms + terms.upload_ms + terms.lag_ms


def is_live(now_ms: int, expires_ms: int, skew_ms: int) -> bool:
    """Whether a writer may start bytes under a grant, by its own clock."""
    return now_ms < expires_ms - skew_ms


def covers(room: int, own: int, size: int) -> bool:
    """Whether a writer's share has room for a write; one that is used up has none for an empty object either."""
    return own < room and own + size <= room


def _is_settled(found: Grant, as_of_ms: int, terms: Terms) -> bool:
    return found.expires_ms + terms.skew_ms + terms.upload_ms <= as_of_ms
