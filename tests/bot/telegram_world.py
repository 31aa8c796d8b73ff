"""What stands behind the loopback Bot API: chats with their messages, and people who write and tap."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

BOT_ID = 42
BOT = {"id": BOT_ID, "is_bot": True, "first_name": "Reglament", "username": "reglament_bot"}


class State(StrEnum):
    """Why a chat takes no messages; the value is Telegram's sentence."""

    OPEN = ""
    NEVER_STARTED = "Forbidden: bot can't initiate conversation with a user"
    BLOCKED = "Forbidden: bot was blocked by the user"
    DEACTIVATED = "Forbidden: user is deactivated"
    KICKED = "Forbidden: bot was kicked from the group chat"
    SILENCED = "Bad Request: not enough rights to send text messages to the chat"

    @property
    def code(self) -> int:
        """The number before the sentence."""
        return 400 if self.value.startswith("Bad Request") else 403


@dataclass
class Message:
    """A message of the bot as it stands now, with what it said before."""

    id: int
    chat_id: int
    date: int
    html: str
    text: str
    rows: list[list[dict[str, Any]]] = field(default_factory=list)
    thread_id: int | None = None
    reply_to: int | None = None
    photo: bytes | None = None
    document: bytes | None = None
    file_name: str = ""
    silent: bool = False
    protected: bool = False
    preview: bool = True
    history: list[str] = field(default_factory=list)
    """Texts before each edit, oldest first."""
    deleted: bool = False

    @property
    def buttons(self) -> list[str]:
        """Texts of the buttons, row by row."""
        return [button["text"] for row in self.rows for button in row]

    def button(self, text: str) -> dict[str, Any] | None:
        """The button whose text contains `text`."""
        return next((item for row in self.rows for item in row if text in item["text"]), None)

    @property
    def media(self) -> bool:
        """Whether it is a picture or a file with a caption."""
        return self.photo is not None or self.document is not None


@dataclass
class Tap:
    """A tap on a button, and how the bot answered it."""

    id: str
    data: str
    answered: bool = False
    late: bool = False
    """Too late for Telegram to show an answer."""
    text: str = ""
    alert: bool = False


@dataclass
class Chat:
    """One chat: private or a group."""

    id: int
    kind: str
    title: str
    state: State = State.OPEN
    migrated_to: int | None = None
    topics: set[int] = field(default_factory=set)
    closed_topics: set[int] = field(default_factory=set)
    messages: list[Message] = field(default_factory=list)
    said: list[Message] = field(default_factory=list)
    """Every sending and edit in order of arrival."""
    members: set[int] = field(default_factory=set)
    """People in a group, for who asks."""
    seen: int = 0
    may_pin: bool = True
    pinned: list[int] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)

    def json(self) -> dict[str, Any]:
        """As the Bot API shows it."""
        name = {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        return {"id": self.id, "type": self.kind, **name}

    def find(self, message_id: int) -> Message | None:
        """A message that was not deleted."""
        return next((item for item in self.messages if item.id == message_id and not item.deleted), None)

    @property
    def texts(self) -> list[str]:
        """What the chat shows now."""
        return [message.text for message in self.messages if not message.deleted]


def message_json(chat: Chat, message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"message_id": message.id, "date": message.date, "chat": chat.json(), "from": BOT}
    if message.thread_id is not None:
        body["message_thread_id"] = message.thread_id
    body["caption" if message.media else "text"] = message.text
    file = {"file_id": f"file{message.id}", "file_unique_id": f"unique{message.id}"}
    if message.photo is not None:
        body["photo"] = [file | {"width": 800, "height": 800, "file_size": len(message.photo)}]
    if message.document is not None:
        body["document"] = file | {"file_name": message.file_name, "file_size": len(message.document)}
    if message.protected:
        body["has_protected_content"] = True
    if message.rows:
        body["reply_markup"] = {"inline_keyboard": message.rows}
    return body


class Api(Protocol):
    """What people need of the server."""

    chats: dict[int, Chat]

    def push(self, kind: str, body: dict[str, Any]) -> None: ...
    def next_id(self) -> int: ...
    def now(self) -> int: ...
    def tapped(self, data: str) -> Tap: ...


@dataclass
class User:
    """A person with a private chat."""

    api: Api
    id: int
    name: str
    language: str = "ru"
    username: str = ""

    @property
    def chat(self) -> Chat:
        """His private chat with the bot."""
        return self.api.chats[self.id]

    def json(self) -> dict[str, Any]:
        """As the Bot API shows it."""
        named = {"username": self.username} if self.username else {}
        return {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": self.language, **named}

    def says(self, text: str, chat: Chat | None = None, thread_id: int | None = None) -> None:
        """He writes, in private or in a group."""
        where = chat or self.chat
        if where is self.chat and where.state is State.NEVER_STARTED:
            where.state = State.OPEN
        body = {
            "message_id": self.api.next_id(), "date": self.api.now(), "chat": where.json(), "from": self.json(),
            "text": text,
        }  # fmt: skip
        if thread_id is not None:
            body |= {"message_thread_id": thread_id, "is_topic_message": True}
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            body["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        self.api.push("message", body)

    def starts(self, token: str = "") -> None:
        """He presses Start, perhaps of an invitation link."""
        self.says(f"/start {token}".strip())

    def taps(self, text: str, chat: Chat | None = None) -> Tap:
        """He taps the newest button whose text contains `text`."""
        where = chat or self.chat
        for message in reversed(where.messages):
            if not message.deleted and (button := message.button(text)):
                return self.taps_data(message, button["callback_data"])
        raise AssertionError(f"no button {text!r} in chat {where.id}; there are {[m.buttons for m in where.messages]}")

    def taps_data(
        self, message: Message, data: str, *, late: bool = False, inaccessible: bool = False, chat: Chat | None = None
    ) -> Tap:
        """He sends what a button says, also one that he never saw, or in another chat."""
        chat = chat or self.api.chats[message.chat_id]
        tap = self.api.tapped(data)
        tap.late = late
        shown = {"caption": message.text} if message.media else {"text": message.text}
        body = {"message_id": message.id, "date": message.date, "chat": chat.json(), "from": BOT, **shown}
        body |= {"has_protected_content": True} if message.protected else {}
        if inaccessible:
            body = {"message_id": message.id, "date": 0, "chat": chat.json()}
        query = {"id": tap.id, "from": self.json(), "chat_instance": str(chat.id), "data": data, "message": body}
        self.api.push("callback_query", query)
        return tap

    def blocks(self) -> None:
        """He blocks the bot."""
        self._becomes(State.BLOCKED, "member", "kicked")

    def unblocks(self) -> None:
        """He lets the bot write again."""
        self._becomes(State.OPEN, "kicked", "member")

    def _becomes(self, state: State, old: str, new: str) -> None:
        self.chat.state = state
        self.api.push("my_chat_member", membership(self.chat, self.json(), old, new, self.api.now()))


@dataclass
class Group:
    """A group chat with the bot in it."""

    api: Api
    id: int
    title: str

    @property
    def chat(self) -> Chat:
        """The chat."""
        return self.api.chats[self.id]

    def says(self, by: User, text: str, thread_id: int | None = None) -> None:
        """A member writes."""
        by.says(text, self.chat, thread_id)

    def adds(self, by: User) -> None:
        """A member adds the bot."""
        self.chat.state = State.OPEN
        self.api.push("my_chat_member", membership(self.chat, by.json(), "left", "member", self.api.now()))

    def kicks(self, by: User) -> None:
        """A member removes the bot."""
        self.chat.state = State.KICKED
        self.api.push("my_chat_member", membership(self.chat, by.json(), "member", "kicked", self.api.now()))


def membership(chat: Chat, by: dict[str, Any], old: str, new: str, date: int) -> dict[str, Any]:
    """A my_chat_member update."""

    def member(status: str) -> dict[str, Any]:
        return {"user": BOT, "status": status} | ({"until_date": 0} if status == "kicked" else {})

    return {
        "chat": chat.json(), "from": by, "date": date,
        "old_chat_member": member(old), "new_chat_member": member(new),
    }  # fmt: skip


class Happening:
    """Lets a test wait for events instead of time."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def tell(self) -> None:
        """Something happened."""
        for waiter in list(self._waiters):
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Until something happens."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)


def counter(start: int = 1) -> Iterator[int]:
    """Numbers for ids."""
    return itertools.count(start)
