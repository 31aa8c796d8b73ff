"""Make foreign text fit for messages and logs."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote


def redact(text: str, secrets: Iterable[str]) -> str:
    """Remove the secrets from `text`, percent-encoded spellings included."""
    spellings = {spelling for secret in secrets for spelling in (secret, quote(secret, safe="")) if len(secret) > 3}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, "•••")
    return text


def one_line(text: object, limit: int = 300) -> str:
    """Shorten foreign text to a printable line for an error message."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"
