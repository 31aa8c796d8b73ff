"""Describe a messenger as deliveries use one: chats and messages are texts that the messenger understands.

Telegram is the messenger (bot/telegram/limited_bot.py); another one needs the same methods and failures.
"""

from __future__ import annotations

from typing import Protocol

from bot.screens.view import Rows


class ChatWriter(Protocol):
    """Write to one chat; every method raises SendFailure."""

    def split(self, text: str) -> list[str]:
        """Split a text into parts that fit into a message each."""

    def fits_caption(self, text: str) -> bool:
        """Tell whether a text may stand under a picture."""

    async def send_text(
        self,
        text: str,
        rows: Rows = (),
        *,
        silent: bool = False,
        protected: bool = False,
        reply_to: str | None = None,
    ) -> str:
        """Send a text and return the message; the reply goes without `reply_to` if that message is gone."""

    async def send_photo(
        self, content: bytes, name: str, caption: str = "", rows: Rows = (), *, silent: bool = False
    ) -> str:
        """Send a picture, perhaps with the text under the picture, and return the message."""

    async def edit_text(self, message: str, text: str, rows: Rows = ()) -> bool:
        """Edit a message; False if the messenger refuses the edit. A text that stands there already is success."""

    async def pin(self, message: str) -> None:
        """Keep a message pinned in the chat, without a sound."""

    async def close(self) -> None:
        """Give the chat free."""


class Messenger(Protocol):
    """Open chats within the limits of the messenger."""

    async def open_chat(self, chat: str, thread: str | None, *, within: float) -> ChatWriter | None:
        """Wait until a message may go to the chat; None if the chat is busy for longer than `within` seconds."""

    async def answers(self) -> bool:
        """Ask a question that changes nothing; tell whether the messenger answered."""

    async def common_wait(self) -> float:
        """Return the seconds until any chat may be written to."""

    async def hold_back(self, chat: str, seconds: float) -> None:
        """Leave a chat, and for a while all chats, alone, as the messenger asked."""

    async def username(self) -> str:
        """Return the bot's name in links; empty if the messenger does not tell."""


class SendFailure(Exception):
    """Tell why a message was not sent; the text is for operators and never holds the token.

    SendFailure
    ├── AskedToWait    the messenger asked to wait
    ├── GroupMoved     the group is another chat now
    ├── TopicGone      the topic was deleted
    ├── ChatOff        the chat takes no messages
    ├── NoAnswer       the message may have arrived
    ├── NotSent        the message certainly did not arrive; a later attempt may succeed
    └── Rejected       the messenger does not accept the content
    """


class AskedToWait(SendFailure):
    """Tell that the messenger asked to wait for `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__("asked to wait")
        self.seconds = seconds


class GroupMoved(SendFailure):
    """Tell the chat that a group became."""

    def __init__(self, chat: str) -> None:
        super().__init__("the group moved")
        self.chat = chat


class TopicGone(SendFailure):
    """Tell that the topic was deleted."""


class ChatOff(SendFailure):
    """Tell that a chat takes no messages; the text is the end of a `channel-…` key."""


class NoAnswer(SendFailure):
    """Tell that a request went out and nobody answered."""


class NotSent(SendFailure):
    """Tell that the message certainly did not arrive."""


class Rejected(SendFailure):
    """Tell that the messenger does not accept the content."""
