"""Name the reasons for which a chat gets no message, as stored; most are ends of `channel-…` text keys."""

from __future__ import annotations

NO_RIGHTS = "no_rights"
"""The reason stored for a group where the bot may not write. Telegram never tells when the right returns, so the
group is tried again with every message."""
NOT_CONNECTED = "not connected"
NO_GROUP = "no group"
OFF = "off"
NOTHING_TO_SAY = "nothing to say any more"

OF_THE_CHAT = frozenset(
    {NO_RIGHTS, NOT_CONNECTED, NO_GROUP, OFF, NOTHING_TO_SAY}
    | {"blocked", "kicked", "deactivated", "never_started", "not_found"}
)
"""Reasons that lie with the chat and are told to its head: no trouble of the service."""
