"""Whether a file that was read takes the place of the one in force. A refusal keeps the last good one."""

from typing import NamedTuple

from fbplan.runtime.form import Unusable
from fbplan.runtime.policy import Policy, read_policy
from fbplan.runtime.usage import Usage, missing_meter, read_usage


class Pair(NamedTuple):
    """What a request runs by from its beginning to its end."""

    policy: Policy | None = None
    usage: Usage | None = None
    confirmed_ms: int = 0
    """When the policy was last seen to stand at its place."""


def with_policy(pair: Pair, raw: bytes) -> Pair:
    """The pair with the policy in `raw`. Raises Unusable."""
    return pair._replace(policy=next_policy(pair.policy, raw))


def with_usage(pair: Pair, raw: bytes) -> Pair:
    """The pair with the usage in `raw`. Raises Unusable."""
    return pair._replace(usage=next_usage(pair.usage, pair.policy, raw))


def next_policy(held: Policy | None, raw: bytes) -> Policy:
    """The policy in `raw`, which is not older than the one held. Raises Unusable."""
    found = read_policy(raw)
    if held is not None:
        _not_older("generation", (held.generation, held.digest), (found.generation, found.digest))
    return found


def next_usage(held: Usage | None, policy: Policy | None, raw: bytes) -> Usage:
    """The usage in `raw`, which is not older than the one held and speaks of every cap. Raises Unusable."""
    found = read_usage(raw)
    if held is not None:
        _not_older("seq", (held.seq, held.digest), (found.seq, found.digest))
    # made for another policy, it may know other caps: then the decision looks bucket by bucket
    if policy is not None and found.policy_generation == policy.generation:
        missing = missing_meter(policy, found)
        if missing is not None:
            raise Unusable("meter", f"it says nothing of {missing}, which the policy caps")
    return found


def _not_older(word: str, held: tuple[int, str], found: tuple[int, str]) -> None:
    if found[0] < held[0]:
        raise Unusable("older", f"its {word} is {found[0]}, after {held[0]} was seen")
    if found[0] == held[0] and found[1] != held[1]:
        raise Unusable("conflict", f"{word} {found[0]} was seen with another content: two publishers")
