"""The bot object: where the token goes and what never reaches a log."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import AnswerCallbackQuery, Response, TelegramMethod
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions
from aiogram.utils.token import TokenValidationError
from aiohttp import ClientSession, ClientTimeout, TraceConfig

from bot.screens.view import Rows
from bot.telegram import rate_limiter

SECONDS = 30
"""A request to Telegram that takes longer has no answer."""
CONNECT_SECONDS = 10.0
"""A connection that is not made by then was never made: nothing went out."""
UNANSWERED = frozenset({HTTPStatus.OK, HTTPStatus.GATEWAY_TIMEOUT})
"""What a gateway says when Telegram may have taken the request all the same."""


_KEPT: dict[type[TelegramMethod[Any]], type[Response[Any]]] = {}
"""Shapes of answers: pydantic forgets a shape that nobody holds, and making one takes as long as sending a message."""


class Session(AiohttpSession):
    """Tells a connection never made from an answer that was lost, and a gateway's page from Telegram's word.

    A message that has its connection waits until it keeps Telegram's limit: what a busy process or the making of
    connections has held back must not arrive in a heap.
    """

    async def create_session(self) -> ClientSession:
        """aiohttp's session, which asks before anything goes out, and tells when it does."""
        session = await super().create_session()
        if not session.trace_configs:
            session.trace_configs.append(_asking_before_writing())
        return session

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        """Send; connecting has its own limit."""
        seconds = self.timeout if timeout is None else timeout
        limits: Any = ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        return await super().make_request(bot, method, timeout=limits)

    def check_response(self, bot: Bot, method: TelegramMethod[Any], status_code: int, content: str) -> Response[Any]:
        """The result; TelegramServerError or TelegramNetworkError for what is not Telegram's."""
        _KEPT.setdefault(type(method), Response[method.__returning__])  # type: ignore[name-defined]
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError:
            text = f"HTTP {status_code} without a word of Telegram"
            if status_code in UNANSWERED:
                raise TelegramNetworkError(method=method, message=text) from None
            raise TelegramServerError(method=method, message=text) from None


def _asking_before_writing() -> TraceConfig:
    async def ask(*_: object) -> None:
        wait = rate_limiter.before_wire.get()
        if wait is not None:
            await wait()

    async def tell(*_: object) -> None:
        written = rate_limiter.on_wire.get()
        if written is not None:
            written()

    trace = TraceConfig()
    trace.on_connection_create_end.append(ask)
    trace.on_connection_reuseconn.append(ask)
    trace.on_request_chunk_sent.append(tell)
    trace.freeze()
    return trace


class LateAnswers(BaseRequestMiddleware):
    """A tap that can no longer be answered is no failure: False instead, so that what was asked for is still shown."""

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        """Send."""
        try:
            return await make_request(bot, method)
        except TelegramBadRequest as error:
            if isinstance(method, AnswerCallbackQuery) and "query" in error.message.lower():
                return False
            raise


def make_bot(token: str, api_url: str) -> Bot:
    """A bot that speaks HTML and shows no link previews. Raises ValueError for a token that cannot be one."""
    session = Session(api=TelegramAPIServer.from_base(api_url), timeout=SECONDS)
    defaults = DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview=LinkPreviewOptions(is_disabled=True))
    session.middleware(LateAnswers())
    try:
        return Bot(token, session=session, default=defaults)
    except TokenValidationError:
        raise ValueError("telegram.token does not look like a token from @BotFather (123456:ABC…)") from None


def keyboard(rows: Rows) -> InlineKeyboardMarkup | None:
    """Buttons as Telegram wants them."""
    if not rows:
        return None
    lines = [
        [
            InlineKeyboardButton(text=button.text, url=button.url)
            if button.url
            else InlineKeyboardButton(text=button.text, callback_data=button.data)
            for button in row
        ]
        for row in rows
    ]
    return InlineKeyboardMarkup(inline_keyboard=lines)


def trouble(error: TelegramAPIError) -> str:
    """What is wrong with Telegram, for an operator; never the token."""
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        return "Telegram does not accept telegram.token: put the one from @BotFather there"
    if isinstance(error, TelegramConflictError):
        return "another process polls with this token: stop it, or use the webhook"
    if isinstance(error, TelegramNetworkError):
        return "Telegram (telegram.api_url) does not answer: check the network"
    return f"Telegram answered: {error.message}"


def refused(error: TelegramNetworkError) -> bool:
    """Whether the request certainly did not reach Telegram: the connection could not be made."""
    cause = error.__cause__
    return type(cause).__name__ in {
        "ClientConnectorError",
        "ClientConnectorDNSError",
        "ClientConnectorCertificateError",
        "ClientConnectorSSLError",
        "ClientProxyConnectionError",
        "ConnectionTimeoutError",
    }
