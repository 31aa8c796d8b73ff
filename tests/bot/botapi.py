"""A loopback Bot API that refuses what the real one refuses, in its words."""

from __future__ import annotations

import asyncio
import collections
from enum import StrEnum
from typing import Any

from aiohttp import web

from tests.bot.botapi_methods import MEGABYTE, BotMethods
from tests.bot.botapi_requests import Refused, parameters_of, too_many
from tests.bot.telegram_world import BOT, Chat, Group, Message, State, Tap, User, counter

TOKEN = "42:TEST-token_of_a_made_up_bot"


class Fault(StrEnum):
    """What may go wrong on the way."""

    DROP_AFTER = "the message is accepted, then the connection dies"
    DROP_BEFORE = "the connection dies before anything happens"
    SERVER_ERROR = "500"
    GATEWAY = "502, in a page of HTML"
    GATEWAY_TIMEOUT = "the message is accepted, then a gateway answers 504 in a page of HTML"
    HANG = "no answer at all"
    TOO_MANY = "429"


class BotApi(BotMethods):
    """The server; also what tests drive: `async with BotApi() as api: api.user(1).says("/week")`."""

    def __init__(self, *, token: str = TOKEN, latency: float = 0.0, port: int = 0, **world: Any) -> None:
        super().__init__(**world)
        self.token, self.latency, self.port = token, latency, port
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """Every method called, with its parameters, also the refused."""
        self.refusals: list[str] = []
        self._faults: dict[str, list[tuple[Fault, int]]] = collections.defaultdict(list)
        self._tap_ids = counter()
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

    def clear_faults(self) -> None:
        """The trouble is over."""
        self._faults.clear()

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
            parameters = await parameters_of(request)
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
            raise too_many(retry_after)
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
        "getMyName",
        "setMyName",
        "getMyDescription",
        "setMyDescription",
        "getMyShortDescription",
        "setMyShortDescription",
    )
}


def _page(status: int) -> web.Response:
    return web.Response(status=status, text="<html><body>Bad Gateway</body></html>", content_type="text/html")
