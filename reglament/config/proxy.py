"""Check the address of a proxy."""

from __future__ import annotations

from urllib.parse import urlsplit

SCHEMES = frozenset({"http", "https", "socks5"})


def is_proxy(address: str) -> bool:
    """Tell whether an address names a proxy: scheme, host and port, perhaps user and password, no path."""
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname and parts.port)
    except ValueError:  # a port that is no number
        return False
    if not named or any(char.isspace() for char in address):
        return False
    return parts.scheme in SCHEMES and parts.path in ("", "/") and not (parts.query or parts.fragment)
