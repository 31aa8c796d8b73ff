"""Make what a person can share or copy with a tap."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from bot.telegram.splitting import size

LONGEST_COPY = 256
"""Longest text that a button copies."""


def share_address(link: str, text: str) -> str:
    """Return the address that lets the user choose a chat, with link and text ready to be sent there."""
    return f"https://t.me/share/url?{urlencode({'url': link, 'text': text}, quote_via=quote)}"


def copyable(text: str, link: str) -> str:
    """Return the text with the link, or the link alone where both are too long for a button."""
    both = f"{text}\n{link}"
    return both if size(both) <= LONGEST_COPY else link
