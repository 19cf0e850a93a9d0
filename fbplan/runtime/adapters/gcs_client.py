"""A google-cloud-storage client that asks once, with the key of a repository."""

from __future__ import annotations

from typing import Any

from fbplan.runtime.adapters.credentials import Key
from fbplan.runtime.adapters.retry_after import retry_after_ms
from fbplan.runtime.faults import RoutingError
from fbplan.runtime.transport import Place, TransportFailure

_PROJECT = "flashback"
"""Whatever: a Bridge Node knows no projects, but the SDK wants one."""


def gcs_client(place: Place, endpoint: str, key: Key) -> Any:
    """A client whose key is a service account's: key id and secret are its e-mail and its private key, and the node
    changes a signature of that key for a token, at /token. Raises RoutingError for a secret that cannot sign.
    """
    from google.auth.transport.requests import AuthorizedSession, Request
    from google.cloud import storage
    from google.oauth2 import service_account

    account = {
        "client_email": key.key_id,
        # one line in an env file
        "private_key": key.secret.replace("\\n", "\n"),
        "token_uri": f"{endpoint.rstrip('/')}/token",
    }
    try:
        credentials = service_account.Credentials.from_service_account_info(account, scopes=storage.Client.SCOPE)
    except ValueError:
        # what the SDK says may quote the secret
        raise RoutingError(
            f"the secret of repository '{place.repository}' is no private key in PEM, and the GCS protocol signs with "
            "one: make the client yourself, GcsTransport(connect=...), or offer the repository over S3"
        ) from None
    # a 401 would send the body again, and a token that is refused is asked for three times in three seconds
    session = AuthorizedSession(
        credentials, refresh_status_codes=(), max_refresh_attempts=0, auth_request=OneTry(Request())
    )
    client = storage.Client(
        project=_PROJECT, credentials=credentials, _http=session, client_options={"api_endpoint": endpoint}
    )
    # for traces that nobody may be keeping it would ask for every bucket's metadata, from a thread of its own
    client._bucket_metadata_cache = None  # noqa: SLF001 -- the public switch is an environment variable
    return client


class OneTry:
    """Asks for a token once. A refusal is of the key: 400 is what a token endpoint says to a key it does not know."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def __call__(self, *asked: Any, **stated: Any) -> Any:
        from google.auth.exceptions import TransportError

        try:
            answer = self._request(*asked, **stated)
        except TransportError as fault:
            raise TransportFailure(0, type(fault).__name__, was_sent=False) from fault
        if answer.status == 200:
            return answer
        # a 404 of this endpoint would read as that of an object
        is_passing = answer.status in {408, 429} or answer.status >= 500
        status = answer.status if is_passing else 401
        raise TransportFailure(status, "token", retry_after_ms=retry_after_ms(answer.headers), was_sent=False)
