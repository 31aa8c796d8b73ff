"""Judge addresses that carry a secret: only https keeps a secret on the way, or a way that never leaves the machine."""

from __future__ import annotations

from urllib.parse import urlsplit

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def keeps_secrets(url: str) -> bool:
    """Tell whether an address is https, or http to this machine itself."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:  # a broken address of IPv6
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))
