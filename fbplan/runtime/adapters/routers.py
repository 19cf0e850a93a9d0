"""The routers of a wrapped client: one for each repository that is named where the SDK names a bucket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from typing import Any

from fbplan.runtime.faults import CredentialsRefused, NotFound, Refused, RoutingError, Unavailable
from fbplan.runtime.router import Router
from fbplan.runtime.transport import TransportFailure


class Routers:
    """Made when they are asked for the first time."""

    def __init__(self, made: Callable[[str], Router]) -> None:
        self._made = made
        self._lock = threading.Lock()
        self._held: dict[str, Router] = {}

    def of(self, name: str) -> Router:
        found = self._held.get(name)
        if found is None:
            with self._lock:
                found = self._held.get(name) or self._made(name)
                if found.repository != name:
                    raise RoutingError(
                        f"'{name}' is not the repository of this router, '{found.repository}': the bucket of a call "
                        "names a repository; for a bucket itself use the client that was wrapped"
                    )
                self._held[name] = found
        return found


@contextmanager
def refusals(error: Callable[[int, str, str], Exception], where: str) -> Iterator[None]:
    """What a store says of the request itself, as the SDK says it: `error` makes that of status, code and message."""
    try:
        yield
    except CredentialsRefused:
        raise
    except Refused as fault:
        last = fault.record["attempts"][-1]
        raise error(last["status"], last["code"], str(fault)) from fault
    except TransportFailure as fault:
        raise error(fault.status, fault.code, f"{where}: {fault}") from fault
    except NotFound as fault:
        raise error(404, "", str(fault)) from fault


def delete_everywhere(router: Router, where: str) -> None:
    """Raises Unavailable when a bucket did not answer."""
    deleted = router.delete(where)
    if not deleted.is_complete:
        told = ", ".join(sorted(deleted.failed))
        raise Unavailable(f"'{where}' may still be there: no answer from {told}", deleted.failed)


def ours_alone(how: Mapping[str, Any], ours: AbstractSet[str]) -> None:
    """For a call over several buckets: TypeError for more than what the policy says anyway, rather than not heeding it."""
    others = how.keys() - ours
    if others:
        raise TypeError(f"this call goes to several buckets and takes no {', '.join(sorted(others))}")
