"""What the methods of the Bot API do and refuse, over the chats of a made-up world."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from tests.bot.botapi_requests import Refused, keyboard_of, replied_to, text_of, too_many, utf16
from tests.bot.telegram_world import BOT, Chat, Happening, Message, State, Tap, counter, message_json

SECOND = 0.97
"""A sliding second, less what loopback may swallow between two sends a full second apart."""
MEGABYTE = 1024 * 1024
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


class BotMethods:
    """The methods, each as `_do_` and its name in small letters."""

    def __init__(
        self,
        *,
        limits: bool = True,
        on_message: Callable[[Message], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits, self.clock = limits, clock
        self.chats: dict[int, Chat] = {}
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        self.face: dict[tuple[str, str], str] = {}
        """Name and descriptions by language code."""
        self.webhook: str = ""
        self.taps: dict[str, Tap] = {}
        self.updates: list[dict[str, Any]] = []
        """Updates nobody has confirmed yet."""
        self._sent_at: list[float] = []
        self._ids, self._update_ids = counter(), counter()
        self._happening = Happening()
        self._closing = asyncio.Event()
        self._on_message = on_message

    def push(self, kind: str, body: dict[str, Any]) -> None:
        """An update for the bot."""
        self.updates.append({"update_id": next(self._update_ids), kind: body})
        self._happening.tell()

    def next_id(self) -> int:
        """A message id."""
        return next(self._ids)

    def now(self) -> int:
        """Unix time."""
        return int(time.time())

    async def _do_getme(self, _: dict[str, Any]) -> dict[str, Any]:
        return BOT | {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}

    async def _do_getupdates(self, p: dict[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            what = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
            raise Refused(409, f"Conflict: {what}")
        offset = int(p.get("offset", 0))
        if offset > 0:
            self.updates = [item for item in self.updates if item["update_id"] >= offset]
        wanted = p.get("allowed_updates")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(int(p.get("timeout", 0))):
                while not self._offered(wanted) and not self._closing.is_set():
                    await self._happening.wait()
        return self._offered(wanted)[: int(p.get("limit", 100))]

    def _offered(self, wanted: list[str] | None) -> list[dict[str, Any]]:
        return [item for item in self.updates if not wanted or any(kind in item for kind in wanted)]

    async def _do_sendmessage(self, p: dict[str, Any]) -> dict[str, Any]:
        chat = self._open_chat(p)
        html, text = text_of(p, "text", 4096, "message is too long")
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        return self._sent(chat, p, html, text)

    async def _do_sendphoto(self, p: dict[str, Any]) -> dict[str, Any]:
        chat = self._open_chat(p)
        html, text = text_of(p, "caption", 1024, "message caption is too long")
        photo = p.get("photo")
        if not isinstance(photo, bytes) or not photo.startswith((b"\x89PNG", b"\xff\xd8")):
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        if len(photo) > 10 * MEGABYTE:
            raise Refused(400, "Bad Request: file is too big for a photo")
        return self._sent(chat, p, html, text, photo=photo)

    async def _do_senddocument(self, p: dict[str, Any]) -> dict[str, Any]:
        chat = self._open_chat(p)
        html, text = text_of(p, "caption", 1024, "message caption is too long")
        document = p.get("document")
        if not isinstance(document, bytes) or not document:
            raise Refused(400, "Bad Request: file must be non-empty")
        if len(document) > 50 * MEGABYTE:
            raise Refused(413, "Request Entity Too Large")
        return self._sent(chat, p, html, text, document=document)

    async def _do_editmessagetext(self, p: dict[str, Any]) -> dict[str, Any]:
        message = self._message(p, "edit")
        if message.media:
            raise Refused(400, "Bad Request: there is no text in the message to edit")
        return self._edited(message, p, *text_of(p, "text", 4096, "message is too long"))

    async def _do_editmessagecaption(self, p: dict[str, Any]) -> dict[str, Any]:
        message = self._message(p, "edit")
        if not message.media:
            raise Refused(400, "Bad Request: there is no caption in the message to edit")
        return self._edited(message, p, *text_of(p, "caption", 1024, "message caption is too long"))

    async def _do_editmessagereplymarkup(self, p: dict[str, Any]) -> dict[str, Any]:
        message = self._message(p, "edit")
        return self._edited(message, p, message.html, message.text)

    async def _do_pinchatmessage(self, p: dict[str, Any]) -> bool:
        chat = self._open_chat(p)
        if not chat.may_pin:
            raise Refused(400, "Bad Request: not enough rights to manage pinned messages in the chat")
        message = self._message(p, "pin")
        chat.pinned = [each for each in chat.pinned if each != message.id] + [message.id]
        return True

    async def _do_deletemessage(self, p: dict[str, Any]) -> bool:
        self._message(p, "delete").deleted = True
        self._happening.tell()
        return True

    async def _do_answercallbackquery(self, p: dict[str, Any]) -> bool:
        tap = self.taps.get(str(p.get("callback_query_id")))
        if tap is None or tap.answered or tap.late:
            raise Refused(400, QUERY_TOO_OLD)
        if len(p.get("text", "")) > 200:
            raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
        tap.answered, tap.text, tap.alert = True, p.get("text", ""), p.get("show_alert") in {True, "true"}
        self._happening.tell()
        return True

    async def _do_setmycommands(self, p: dict[str, Any]) -> bool:
        for command in p["commands"]:
            if not 1 <= len(command["command"]) <= 32 or not command["command"].replace("_", "").isalnum():
                raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
            if not 1 <= len(command["description"]) <= 256:
                raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[self._scope(p)] = p["commands"]
        return True

    async def _do_deletemycommands(self, p: dict[str, Any]) -> bool:
        self.commands.pop(self._scope(p), None)
        return True

    async def _do_getmycommands(self, p: dict[str, Any]) -> list[dict[str, str]]:
        return self.commands.get(self._scope(p), [])

    async def _do_getmyname(self, p: dict[str, Any]) -> dict[str, str]:
        return {"name": self._said_of_itself("name", p) or str(BOT["first_name"])}

    async def _do_setmyname(self, p: dict[str, Any]) -> bool:
        return self._describe("name", p, 64, "bot name")

    async def _do_getmydescription(self, p: dict[str, Any]) -> dict[str, str]:
        return {"description": self._said_of_itself("description", p)}

    async def _do_setmydescription(self, p: dict[str, Any]) -> bool:
        return self._describe("description", p, 512, "bot description")

    async def _do_getmyshortdescription(self, p: dict[str, Any]) -> dict[str, str]:
        return {"short_description": self._said_of_itself("short_description", p)}

    async def _do_setmyshortdescription(self, p: dict[str, Any]) -> bool:
        return self._describe("short_description", p, 120, "bot short description")

    def _said_of_itself(self, what: str, p: dict[str, Any]) -> str:
        code = p.get("language_code", "")
        return self.face.get((what, code)) or self.face.get((what, ""), "")

    def _describe(self, what: str, p: dict[str, Any], limit: int, name: str) -> bool:
        if utf16(p.get(what, "")) > limit:
            raise Refused(400, f"Bad Request: {name} is too long")
        self.face[what, p.get("language_code", "")] = p.get(what, "")
        return True

    def _scope(self, p: dict[str, Any]) -> tuple[str, str]:
        scope = p.get("scope") or {"type": "default"}
        kind = scope["type"]
        if "chat_id" in scope:
            chat = self.chats.get(int(scope["chat_id"]))
            if chat is None or chat.state is State.NEVER_STARTED:
                raise Refused(400, "Bad Request: chat not found")
            kind = f"{kind}:{scope['chat_id']}"
        return kind, p.get("language_code", "")

    async def _do_setwebhook(self, p: dict[str, Any]) -> bool:
        if p.get("url") and not p["url"].startswith("https://"):
            raise Refused(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.webhook = p.get("url", "")
        return True

    async def _do_deletewebhook(self, _: dict[str, Any]) -> bool:
        self.webhook = ""
        return True

    async def _do_getwebhookinfo(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": len(self.updates)}

    async def _do_getchat(self, p: dict[str, Any]) -> dict[str, Any]:
        return self._known(p).json() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _GIFTS}

    async def _do_getchatmember(self, p: dict[str, Any]) -> dict[str, Any]:
        chat = self._known(p)
        if chat.state is State.KICKED:
            raise Refused(403, str(State.KICKED))
        user_id = int(p["user_id"])
        user = BOT if user_id == BOT["id"] else {"id": user_id, "is_bot": False, "first_name": "…"}
        inside = user is BOT or user_id in chat.members
        return {"user": user, "status": "member" if inside else "left"}

    async def _do_sendchataction(self, p: dict[str, Any]) -> bool:
        self._open_chat(p)
        return True

    # What they share

    def _known(self, p: dict[str, Any]) -> Chat:
        try:
            return self.chats[int(p["chat_id"])]
        except (KeyError, ValueError):
            raise Refused(400, "Bad Request: chat not found") from None

    def _open_chat(self, p: dict[str, Any]) -> Chat:
        chat = self._known(p)
        if chat.migrated_to is not None:
            what = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, what, migrate_to_chat_id=chat.migrated_to)
        if chat.state is not State.OPEN:
            raise Refused(chat.state.code, str(chat.state))
        thread = p.get("message_thread_id")
        if thread is not None and int(thread) not in chat.topics:
            raise Refused(400, "Bad Request: message thread not found")
        if thread is not None and int(thread) in chat.closed_topics:
            raise Refused(400, "Bad Request: TOPIC_CLOSED")
        return chat

    def _message(self, p: dict[str, Any], verb: str) -> Message:
        message = self._open_chat(p).find(int(p["message_id"]))
        if message is None:
            raise Refused(400, f"Bad Request: message to {verb} not found")
        return message

    def _sent(
        self,
        chat: Chat,
        p: dict[str, Any],
        html: str,
        text: str,
        *,
        photo: bytes | None = None,
        document: bytes | None = None,
    ) -> dict[str, Any]:
        rows = keyboard_of(p)
        self._count(chat)
        thread = p.get("message_thread_id")
        preview = not (p.get("link_preview_options") or {}).get("is_disabled", False)
        message = Message(
            id=self.next_id(), chat_id=chat.id, date=self.now(), html=html, text=text, rows=rows, photo=photo,
            thread_id=None if thread is None else int(thread), reply_to=replied_to(chat, p),
            document=document, file_name=p.get("_file_name", ""),
            silent=p.get("disable_notification") in {True, "true", "True"}, preview=preview,
            protected=p.get("protect_content") in {True, "true", "True"},
        )  # fmt: skip
        chat.messages.append(message)
        return self._said(chat, message)

    def _edited(self, message: Message, p: dict[str, Any], html: str, text: str) -> dict[str, Any]:
        rows = keyboard_of(p)
        if (html, rows) == (message.html, message.rows):
            raise Refused(400, NOT_MODIFIED)
        message.history.append(message.text)
        message.html, message.text, message.rows = html, text, rows
        return self._said(self.chats[message.chat_id], message)

    def _said(self, chat: Chat, message: Message) -> dict[str, Any]:
        chat.said.append(message)
        if self._on_message:
            self._on_message(message)
        self._happening.tell()
        return message_json(chat, message)

    def _count(self, chat: Chat) -> None:
        now = self.clock()
        self._sent_at = [at for at in self._sent_at if now - at < SECOND]
        chat.sent_at = [at for at in chat.sent_at if now - at < 60]
        if self.limits:
            if len(self._sent_at) >= 30:
                raise too_many(1)
            if chat.kind == "private" and any(now - at < SECOND for at in chat.sent_at):
                raise too_many(1)
            if chat.kind != "private" and len(chat.sent_at) >= 20:
                raise too_many(max(1, int(60 - (now - chat.sent_at[0])) + 1))
        self._sent_at.append(now)
        chat.sent_at.append(now)


_GIFTS = dict.fromkeys(
    (
        "unlimited_gifts",
        "limited_gifts",
        "unique_gifts",
        "premium_subscription",
        "gifts_from_channels",
    ),
    False,
)
