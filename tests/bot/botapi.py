"""A loopback Bot API that refuses what the real one refuses, in its words: `python -m tests.bot.botapi --port 8081`."""

from __future__ import annotations

import argparse
import asyncio
import collections
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Any

from aiohttp import web

from tests.bot.telegram_html import BadHtml, plain
from tests.bot.telegram_world import BOT, Chat, Group, Happening, Message, State, Tap, User, counter

TOKEN = "42:TEST-token_of_a_made_up_bot"
SECOND = 0.97
"""A sliding second, less what loopback may swallow between two sends a full second apart."""
MEGABYTE = 1024 * 1024
NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


class Fault(StrEnum):
    """What may go wrong on the way."""

    DROP_AFTER = "the message is accepted, then the connection dies"
    DROP_BEFORE = "the connection dies before anything happens"
    SERVER_ERROR = "500"
    GATEWAY = "502, in a page of HTML"
    GATEWAY_TIMEOUT = "the message is accepted, then a gateway answers 504 in a page of HTML"
    HANG = "no answer at all"
    TOO_MANY = "429"


class Refused(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class BotApi:
    """The server; also what tests drive: `async with BotApi() as api: api.user(1).says("/week")`."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        limits: bool = True,
        latency: float = 0.0,
        port: int = 0,
        on_message: Callable[[Message], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.token, self.limits, self.latency, self.port, self.clock = token, limits, latency, port, clock
        self.chats: dict[int, Chat] = {}
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Every method called, with its parameters, also the refused."""
        self.refusals: list[str] = []
        self.webhook: str = ""
        self.taps: dict[str, Tap] = {}
        self.updates: list[dict[str, Any]] = []
        """Updates nobody has confirmed yet."""
        self._members: dict[int, set[int]] = {}
        self._faults: dict[str, list[tuple[Fault, int]]] = collections.defaultdict(list)
        self._sent_at: list[float] = []
        self._ids, self._update_ids, self._tap_ids = counter(), counter(), counter()
        self._happening = Happening()
        self._closing = asyncio.Event()
        self._on_message = on_message
        self._runner: web.AppRunner | None = None

    # For tests: people, waiting, trouble

    def user(self, telegram_id: int, name: str = "Анна", language: str = "ru", *, started: bool = False) -> User:
        """A person; until he writes, the bot may not."""
        if telegram_id not in self.chats:
            state = State.OPEN if started else State.NEVER_STARTED
            self.chats[telegram_id] = Chat(telegram_id, "private", name, state)
        return User(self, telegram_id, name, language)

    def group(self, chat_id: int, title: str = "Отдел продаж", *, topics: tuple[int, ...] = ()) -> Group:
        """A group the bot is in."""
        kind = "supergroup" if topics or chat_id < -(10**12) else "group"
        self.chats.setdefault(chat_id, Chat(chat_id, kind, title, topics=set(topics)))
        return Group(self, chat_id, title)

    def chat(self, chat_id: int) -> Chat:
        """A chat by its id."""
        return self.chats[chat_id]

    async def message(self, chat_id: int, containing: str = "", *, timeout: float = 60) -> Message:
        """The next message or edit in a chat that contains a text; each is looked at once."""
        async with asyncio.timeout(timeout):
            while True:
                chat = self.chats[chat_id]
                while chat.seen < len(chat.said):
                    message = chat.said[chat.seen]
                    chat.seen += 1
                    if containing in message.text:
                        return message
                await self._happening.wait()

    async def answered(self, tap: Tap, *, timeout: float = 60) -> Tap:
        """The tap, once the bot has answered it."""
        async with asyncio.timeout(timeout):
            while not tap.answered:
                await self._happening.wait()
        return tap

    def fault(self, method: str, kind: Fault, *, times: int = 1, retry_after: int = 1) -> None:
        """The next calls of a method meet trouble."""
        self._faults[method] += [(kind, retry_after)] * times

    def block(self, user: User) -> None:
        """The user blocks the bot."""
        user.blocks()

    def deactivate(self, user: User) -> None:
        """The user deletes his account."""
        user.chat.state = State.DEACTIVATED

    def migrate(self, group: Group, new_id: int) -> Group:
        """The group becomes a supergroup."""
        group.chat.migrated_to = new_id
        new = self.group(new_id, group.title)
        service = {"message_id": self.next_id(), "date": self.now(), "from": BOT}
        self.push("message", service | {"chat": group.chat.json(), "migrate_to_chat_id": new_id})
        self.push("message", service | {"chat": new.chat.json(), "migrate_from_chat_id": group.id})
        return new

    def take_updates(self) -> list[dict[str, Any]]:
        """The unconfirmed updates, for tests that feed the dispatcher themselves."""
        taken, self.updates = self.updates, []
        return taken

    def sent(self, method: str) -> list[dict[str, Any]]:
        """Parameters of every call of a method."""
        return [parameters for name, parameters in self.calls if name == method]

    # What the people of the world need

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

    def tapped(self, data: str) -> Tap:
        """A new callback query."""
        tap = Tap(f"tap{next(self._tap_ids)}", data)
        self.taps[tap.id] = tap
        return tap

    # The server

    @property
    def url(self) -> str:
        """Its address, without the token."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> BotApi:
        app = web.Application(client_max_size=60 * MEGABYTE)
        app.router.add_route("*", "/bot{token}/{method}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        self._happening.tell()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"].lower()
        try:
            if request.match_info["token"] != self.token:
                raise Refused(401, "Unauthorized")
            parameters = await _parameters(request)
            await asyncio.sleep(self.latency)
            return await self._call(request, method, parameters)
        except Refused as refused:
            self.refusals.append(refused.description)
            body = {"ok": False, "error_code": refused.code, "description": refused.description}
            if refused.parameters:
                body["parameters"] = refused.parameters
            return web.json_response(body, status=refused.code)

    async def _call(self, request: web.Request, method: str, parameters: dict[str, Any]) -> web.Response:
        handler = getattr(self, f"_do_{method}", None)
        if handler is None:
            raise Refused(404, "Not Found")
        if method != "getupdates":
            self.calls.append((_NAMES.get(method, method), parameters))
        fault, retry_after = self._fault(method)
        if fault is Fault.TOO_MANY:
            raise _too_many(retry_after)
        if fault is Fault.SERVER_ERROR:
            raise Refused(500, "Internal Server Error")
        if fault is Fault.HANG:
            await self._closing.wait()
        if fault is Fault.GATEWAY:
            return _page(502)
        result = None
        if fault not in {Fault.DROP_BEFORE, Fault.HANG}:
            result = await handler(parameters)
        if fault in {Fault.DROP_BEFORE, Fault.DROP_AFTER}:
            assert request.transport is not None
            request.transport.abort()
        if fault is Fault.GATEWAY_TIMEOUT:
            return _page(504)
        return web.json_response({"ok": True, "result": result})

    def _fault(self, method: str) -> tuple[Fault | None, int]:
        for name, waiting in self._faults.items():
            if name.lower() == method and waiting:
                return waiting.pop(0)
        return None, 0

    # Methods

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
        html, text = _text(p, "text", 4096, "message is too long")
        if not text.strip():
            raise Refused(400, "Bad Request: message text is empty")
        return self._sent(chat, p, html, text)

    async def _do_sendphoto(self, p: dict[str, Any]) -> dict[str, Any]:
        chat = self._open_chat(p)
        html, text = _text(p, "caption", 1024, "message caption is too long")
        photo = p.get("photo")
        if not isinstance(photo, bytes) or not photo.startswith((b"\x89PNG", b"\xff\xd8")):
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        if len(photo) > 10 * MEGABYTE:
            raise Refused(400, "Bad Request: file is too big for a photo")
        return self._sent(chat, p, html, text, photo=photo)

    async def _do_senddocument(self, p: dict[str, Any]) -> dict[str, Any]:
        chat = self._open_chat(p)
        html, text = _text(p, "caption", 1024, "message caption is too long")
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
        return self._edited(message, p, *_text(p, "text", 4096, "message is too long"))

    async def _do_editmessagecaption(self, p: dict[str, Any]) -> dict[str, Any]:
        message = self._message(p, "edit")
        if not message.media:
            raise Refused(400, "Bad Request: there is no caption in the message to edit")
        return self._edited(message, p, *_text(p, "caption", 1024, "message caption is too long"))

    async def _do_editmessagereplymarkup(self, p: dict[str, Any]) -> dict[str, Any]:
        message = self._message(p, "edit")
        return self._edited(message, p, message.html, message.text)

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
        return {"user": user, "status": "member"}

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
        rows = _keyboard(p)
        self._count(chat)
        thread = p.get("message_thread_id")
        preview = not (p.get("link_preview_options") or {}).get("is_disabled", False)
        message = Message(
            id=self.next_id(), chat_id=chat.id, date=self.now(), html=html, text=text, rows=rows, photo=photo,
            thread_id=None if thread is None else int(thread), reply_to=_reply_to(chat, p),
            document=document, file_name=p.get("_file_name", ""),
            silent=p.get("disable_notification") in {True, "true", "True"}, preview=preview,
        )  # fmt: skip
        chat.messages.append(message)
        return self._said(chat, message)

    def _edited(self, message: Message, p: dict[str, Any], html: str, text: str) -> dict[str, Any]:
        rows = _keyboard(p)
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
        return _message_json(chat, message)

    def _count(self, chat: Chat) -> None:
        now = self.clock()
        self._sent_at = [at for at in self._sent_at if now - at < SECOND]
        chat.sent_at = [at for at in chat.sent_at if now - at < 60]
        if self.limits:
            if len(self._sent_at) >= 30:
                raise _too_many(1)
            if chat.kind == "private" and any(now - at < SECOND for at in chat.sent_at):
                raise _too_many(1)
            if chat.kind != "private" and len(chat.sent_at) >= 20:
                raise _too_many(max(1, int(60 - (now - chat.sent_at[0])) + 1))
        self._sent_at.append(now)
        chat.sent_at.append(now)


_NAMES = {
    name.lower(): name
    for name in (
        "getMe",
        "getUpdates",
        "sendMessage",
        "editMessageText",
        "editMessageCaption",
        "editMessageReplyMarkup",
        "sendPhoto",
        "sendDocument",
        "deleteMessage",
        "answerCallbackQuery",
        "setMyCommands",
        "deleteMyCommands",
        "getMyCommands",
        "setWebhook",
        "deleteWebhook",
        "getWebhookInfo",
        "getChat",
        "getChatMember",
        "sendChatAction",
    )
}
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
_STRUCTURES = {"reply_markup", "commands", "scope", "link_preview_options", "allowed_updates", "reply_parameters"}


def _reply_to(chat: Chat, p: dict[str, Any]) -> int | None:
    reply = p.get("reply_parameters")
    if not reply:
        return None
    if chat.find(int(reply["message_id"])) is None:
        if not reply.get("allow_sending_without_reply"):
            raise Refused(400, "Bad Request: message to be replied not found")
        return None
    return int(reply["message_id"])


def _page(status: int) -> web.Response:
    return web.Response(status=status, text="<html><body>Bad Gateway</body></html>", content_type="text/html")


def _too_many(seconds: int) -> Refused:
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


async def _parameters(request: web.Request) -> dict[str, Any]:
    """Query, form, multipart or JSON, with files as bytes."""
    values: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        return values | await request.json()
    files: dict[str, web.FileField] = {}
    for key, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[key] = value
        else:
            values[key] = json.loads(value) if key in _STRUCTURES and isinstance(value, str) else value
    for key in ("photo", "document"):
        reference = values.get(key)
        name = reference.removeprefix("attach://") if isinstance(reference, str) else key
        if name in files:
            values[key], values["_file_name"] = files[name].file.read(), files[name].filename
    return values


def _text(p: dict[str, Any], key: str, limit: int, too_long: str) -> tuple[str, str]:
    html = str(p.get(key) or "")
    try:
        text = plain(html) if p.get("parse_mode", "").upper() == "HTML" else html
    except BadHtml as error:
        raise Refused(400, f"Bad Request: can't parse entities: {error}") from error
    if utf16(text) > limit:
        raise Refused(400, f"Bad Request: {too_long}")
    return html, text


def utf16(text: str) -> int:
    """Characters as the real one counts them."""
    return len(text.encode("utf-16-le")) // 2


def _keyboard(p: dict[str, Any]) -> list[list[dict[str, Any]]]:
    rows = (p.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if len(buttons) > 100:
        raise Refused(400, "Bad Request: reply markup is too long")
    if any(len(row) > 8 for row in rows):
        raise Refused(400, "Bad Request: too many buttons in a row")
    for button in buttons:
        if not button.get("text"):
            raise Refused(400, "Bad Request: can't parse inline keyboard button: Text must be non-empty")
        if not button.get("url") and not button.get("callback_data"):
            what = "Text buttons are unallowed in the inline keyboard"
            raise Refused(400, f"Bad Request: can't parse inline keyboard button: {what}")
        if len(button.get("callback_data", "").encode()) > 64:
            raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
        if button.get("url") and not button["url"].startswith(("http://", "https://", "tg://")):
            raise Refused(400, "Bad Request: BUTTON_URL_INVALID")
    return [row for row in rows if row]


def _message_json(chat: Chat, message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {"message_id": message.id, "date": message.date, "chat": chat.json(), "from": BOT}
    if message.thread_id is not None:
        body["message_thread_id"] = message.thread_id
    body["caption" if message.media else "text"] = message.text
    file = {"file_id": f"file{message.id}", "file_unique_id": f"unique{message.id}"}
    if message.photo is not None:
        body["photo"] = [file | {"width": 800, "height": 800, "file_size": len(message.photo)}]
    if message.document is not None:
        body["document"] = file | {"file_name": message.file_name, "file_size": len(message.document)}
    if message.rows:
        body["reply_markup"] = {"inline_keyboard": message.rows}
    return body


@contextlib.asynccontextmanager
async def serving(**settings: Any) -> AsyncIterator[BotApi]:
    """The server for the time of a block."""
    async with BotApi(**settings) as api:
        yield api


def _shown(message: Message) -> None:
    what = "edited" if message.history else "sent"
    extra = " [photo]" if message.photo else f" [{message.file_name}]" if message.document else ""
    keys = f"\n    {' | '.join(message.buttons)}" if message.rows else ""
    sys.stdout.write(f"--- {what} to {message.chat_id}, message {message.id}{extra}\n{message.text}{keys}\n")
    sys.stdout.flush()


async def _main(port: int, token: str, people: list[int], groups: list[int], *, limits: bool) -> None:
    async with BotApi(token=token, port=port, limits=limits, on_message=_shown) as api:
        for telegram_id in people:
            api.user(telegram_id, f"user {telegram_id}", started=True)
        for chat_id in groups:
            api.group(chat_id, f"group {chat_id}")
        sys.stdout.write(f"Bot API on {api.url}, token {api.token}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted, printing what the bot says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--user", type=int, action="append", default=[], help="a person who has pressed Start")
    parser.add_argument("--group", type=int, action="append", default=[], help="a group the bot is in")
    parser.add_argument("--no-limits", action="store_true")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(given.port, given.token, given.user, given.group, limits=not given.no_limits))


if __name__ == "__main__":
    main()
