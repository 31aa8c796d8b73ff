"""Decode tokens of amoCRM: claims and expiry of an access token, and the pair that the client's memory keeps."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from crm_clients.errors import CrmNonsense

EARLY = timedelta(seconds=30)
"""Time before the expiry at which a pair is renewed at the latest: a token that is still valid is used on."""


def claims(token: str) -> dict[str, Any]:
    """Decode the claims of a JSON Web Token, unverified; empty for any other form."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    with suppress(ValueError):
        decoded = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return decoded if isinstance(decoded, dict) else {}
    return {}


def expiry(token: str) -> datetime | None:
    """Return the instant at which a token ends; None if the token does not say."""
    with suppress(ValueError, TypeError, OverflowError, KeyError):
        return datetime.fromtimestamp(int(claims(token)["exp"]), UTC)
    return None


@dataclass(frozen=True, slots=True)
class TokenPair:
    """Hold a pair of tokens as the client's memory keeps it; field names are stored."""

    access: str
    refresh: str
    expires_at: float
    seed: str
    """Mark of the refresh token in the settings from which this pair descends."""
    configured: str
    """`base_url` of the settings when the pair was kept; a changed setting wins over `home`."""
    home: str
    previous: str = ""
    """Refresh token before this pair, for a crash between the answer and the first use."""

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the access token holds for at least `EARLY`."""
        return self.expires_at > (now + EARLY).timestamp()

    def dump(self) -> str:
        """Encode the pair for the client's memory."""
        return json.dumps(asdict(self))


def load_pair(text: str | None) -> TokenPair | None:
    """Decode a kept pair; None if there is none. Raises CrmNonsense for unreadable text."""
    if text is None:
        return None
    try:
        return TokenPair(**json.loads(text))
    except (ValueError, TypeError):
        raise CrmNonsense("the kept amoCRM tokens cannot be read: connect again") from None
