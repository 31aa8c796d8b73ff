"""Read the history of a group as Telegram Desktop exports it in JSON: the messages with digests.

A chat has `messages`; the text of a message is a string, or a list of strings and objects with `type`, `text` and, of a
link behind words, `href`. An export of a whole account lists its chats under `chats` and `left_chats`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reglament.errors import WorkFailed
from reglament.witnesses.message_texts import digests_in

_HEX_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\x([0-9A-Fa-f]{2})")
"""Control characters as Telegram Desktop writes them, which is no JSON."""


@dataclass(frozen=True, slots=True)
class ExportedMessage:
    """Describe a message with at least one digest."""

    chat: str
    id: str
    date: str
    """Local time of the machine that exported."""
    sender: str
    digests: tuple[str, ...]
    in_order: bool
    """Whether the message stands where it was written: neither forwarded nor edited since."""

    @property
    def place(self) -> str:
        """Name the message for people."""
        return f"message {self.id} of {self.date} by {self.sender or 'nobody'}"


def read_export(path: Path) -> list[ExportedMessage]:
    """Read the messages with digests, chat by chat, in the order of the export. Raises WorkFailed."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        content = json.loads(_HEX_ESCAPE.sub(r"\1\\u00\2", text))
    except OSError as error:
        raise WorkFailed(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise WorkFailed(f"{path}: not JSON: export the history in Telegram Desktop with the format JSON") from None
    chats = list(_chats(content))
    if not chats:
        raise WorkFailed(f"{path}: no export of Telegram Desktop: there is no list of messages")
    return [found for chat in chats for message in chat["messages"] if (found := _message(chat, message))]


def _chats(content: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(content, dict):
        return
    lists = [content.get(key) for key in ("chats", "left_chats")]
    several = [chat for part in lists if isinstance(part, dict) for chat in part.get("list") or ()]
    for chat in (content, *several):
        if isinstance(chat, dict) and isinstance(chat.get("messages"), list):
            yield chat


def _message(chat: dict[str, Any], message: Any) -> ExportedMessage | None:
    """Read a message; None for a message without any digest."""
    if not isinstance(message, dict):
        return None
    parts = [part for key in ("text", "text_entities") for part in _parts(message.get(key))]
    links = [str(part["href"]) for part in parts if isinstance(part, dict) and part.get("href")]
    text = "".join(map(_visible, _parts(message.get("text"))))
    digests = digests_in(text, links)
    if not digests:
        return None
    return ExportedMessage(
        chat=str(chat.get("name") or chat.get("id") or ""),
        id=str(message.get("id", "")),
        date=str(message.get("date", "")),
        sender=str(message.get("from") or message.get("from_id") or ""),
        digests=tuple(digests),
        in_order=not any(key in message for key in ("forwarded_from", "edited")),
    )


def _parts(text: Any) -> list[Any]:
    return text if isinstance(text, list) else [text]


def _visible(part: Any) -> str:
    if isinstance(part, dict):
        part = part.get("text")
    return part if isinstance(part, str) else ""
