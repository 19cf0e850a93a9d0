"""The connections to one API: its address, the proxy of the environment, and how many there may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.request import getproxies, proxy_bypass

from fbplan.client.http import httpx
from fbplan.client.settings import Settings
from fbplan.errors import FbplanError


def address_of(settings: Settings) -> httpx.URL:
    """The base of every call, without a slash at its end. Raises FbplanError for what is no address."""
    try:
        address = httpx.URL(settings.url.rstrip("/"))
    except (httpx.InvalidURL, ValueError) as fault:
        raise no_address(settings, str(fault)) from fault
    if address.scheme not in {"http", "https"}:
        raise no_address(settings, "it needs http:// or https://")
    if not address.host or " " in address.host or "%20" in address.host:
        raise no_address(settings, "it names no host")
    if address.query or address.fragment:
        raise no_address(settings, "it ends with the path; a ? or # has no meaning here")
    return address


def no_address(settings: Settings, why: str) -> FbplanError:
    return FbplanError(
        "the API address is not a URL", settings.url, why, "set FB_API_URL like https://backend.flashback.tech"
    )


def connections(settings: Settings, address: httpx.URL, proxy: str | None) -> httpx.HTTPTransport:
    """A pool of them. Raises FbplanError when the proxy cannot be one."""
    most = settings.concurrency + 1  # one more: a login goes out while every worker has a call in flight
    try:
        return httpx.HTTPTransport(
            verify=address.scheme != "http",  # loading the trust store costs 20 ms
            limits=httpx.Limits(max_connections=most, max_keepalive_connections=most),
            proxy=proxy,
        )
    except (httpx.InvalidURL, ValueError) as fault:  # its text hides the password
        raise _no_proxy(str(fault)) from fault
    except ImportError as fault:
        raise _no_proxy("for SOCKS a package is missing: pip install 'httpx[socks]'") from fault


def _no_proxy(why: str) -> FbplanError:
    return FbplanError(
        "the proxy of the environment cannot be used",
        "HTTP_PROXY, HTTPS_PROXY or ALL_PROXY",
        why,
        "set it like http://proxy.example:3128, or name the API's host in NO_PROXY",
    )


def in_process(app: Callable[..., Any]) -> httpx.WSGITransport:
    return httpx.WSGITransport(app=app)


def proxy_for(address: httpx.URL) -> str | None:
    """HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, read as the standard library reads them."""
    proxies = getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    # with its port too: NO_PROXY may name it as HOST:PORT
    if not proxy or proxy_bypass(address.host) or proxy_bypass(address.netloc.decode("ascii")):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
