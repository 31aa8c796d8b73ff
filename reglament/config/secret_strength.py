"""Judge secrets that a person makes up, and propose random ones."""

from __future__ import annotations

import re
import secrets

SHORTEST = 32
"""Characters of the shortest secret that guessing does not find."""
_WEBHOOK = re.compile(rf"[A-Za-z0-9_-]{{{SHORTEST},256}}")
_KEY = re.compile(rf"[!-~]{{{SHORTEST},}}")


def webhook_secret_problem(secret: str) -> str:
    """Describe why a webhook secret is refused (Telegram takes these characters only); empty for a good secret."""
    if _WEBHOOK.fullmatch(secret):
        return ""
    return f"must be {SHORTEST} to 256 of A-Z, a-z, 0-9, _ and -, for example {_proposal()}"


def secret_key_problem(key: str) -> str:
    """Describe why a secret key is refused; empty for a good key."""
    if _KEY.fullmatch(key):
        return ""
    return f"must be at least {SHORTEST} letters, digits and signs without spaces, for example {_proposal()}"


def _proposal() -> str:
    return secrets.token_urlsafe(SHORTEST)
