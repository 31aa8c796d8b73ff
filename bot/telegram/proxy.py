"""Build the way to Telegram through a proxy: http, https or socks5 (docs/configuration.md)."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType

PROXY_ERRORS = (ProxyError, ProxyConnectionError, ProxyTimeoutError)
"""Errors of a tunnel that was not opened: nothing of the request went out. Their texts may hold the address."""


def proxy_options(proxy: str, context: ssl.SSLContext) -> dict[str, Any]:
    """Return the options of `ProxyConnector` for a checked address. The proxy resolves names, not this machine.

    With https the connection to the proxy itself is encrypted, verified by `context`.
    """
    parts = urlsplit(proxy)
    return {
        "proxy_type": ProxyType.SOCKS5 if parts.scheme == "socks5" else ProxyType.HTTP,
        "host": parts.hostname,
        "port": parts.port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "rdns": True,
        "proxy_ssl": context if parts.scheme == "https" else None,
    }
