"""Make the bot, and send requests to Telegram; the token never reaches a log."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import structlog
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
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageCaption,
    EditMessageText,
    GetUpdates,
    Response,
    SendDocument,
    SendMessage,
    SendPhoto,
    TelegramMethod,
)
from aiogram.types import Chat, LinkPreviewOptions, Message
from aiogram.utils.token import TokenValidationError
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout, ConnectionTimeoutError, TraceConfig
from aiohttp_socks import ProxyConnector

from bot.telegram.pacing.rate_limiter import MustWait, Permit, RateLimiter
from bot.telegram.pacing.retry import Retry
from bot.telegram.proxy import PROXY_ERRORS, proxy_options
from bot.telegram.updates import readable_updates

log = structlog.get_logger()

SECONDS = 30
"""Seconds after which a request to Telegram counts as unanswered."""
CONNECT_SECONDS = 10.0
"""Seconds to make a connection; after that nothing was sent."""
UNANSWERED = frozenset({HTTPStatus.OK, HTTPStatus.GATEWAY_TIMEOUT})
"""Statuses of a gateway after which Telegram may have taken the request all the same."""


LIMITED: tuple[type[TelegramMethod[Any]], ...] = (
    SendMessage,
    SendPhoto,
    SendDocument,
    EditMessageText,
    EditMessageCaption,
)
"""Requests that put a message into a chat, and so count against Telegram's limits."""
REPEATABLE: tuple[type[TelegramMethod[Any]], ...] = (EditMessageText, EditMessageCaption, AnswerCallbackQuery)
"""Requests that change nothing when Telegram receives them twice."""
AWAITED: tuple[type[TelegramMethod[Any]], ...] = (*LIMITED, AnswerCallbackQuery)
"""Requests that a person waits for."""
_ANSWER_MODELS: dict[type[TelegramMethod[Any]], type[Response[Any]]] = {}
"""Models of answers. Pydantic forgets a model without a reference, and building one takes as long as a request."""


class Session(AiohttpSession):
    """Send requests to the Bot API, messages within the limits of `limiter`.

    Tells a connection never made from a lost answer, and a gateway's page from Telegram's answer.
    """

    limiter: RateLimiter | None = None
    protects_lists: bool = True
    """Lists of deals can be neither forwarded nor saved."""

    def __init__(self, proxy: str = "", **options: Any) -> None:
        super().__init__(**options)
        if proxy:
            direct = self._connector_init
            self._connector_type = ProxyConnector
            self._connector_init = direct | proxy_options(proxy, direct["ssl"])

    async def create_session(self) -> ClientSession:
        """Open aiohttp's session, with hooks that tell the permit of each request about the wire."""
        session = await super().create_session()
        if not session.trace_configs:
            session.trace_configs.append(_permit_hooks())
        return session

    async def send(
        self, bot: Bot, method: TelegramMethod[Any], permit: Permit | None, *, seconds: int | None = None
    ) -> Any:
        """Send a request once, with a permit of the caller; `seconds` to wait for the answer.

        Raises TelegramAPIError; TelegramRetryAfter also where the permit says to wait.
        """
        once: Any = partial(self._request, permit=permit, timeout=seconds)
        try:
            return await self.middleware.wrap_middlewares(once)(bot, method)
        finally:
            if permit is not None:
                await permit.answered()

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:
        """Send a request within the limits, again for ANSWER_SECONDS while Telegram asks for short waits.

        What people wait for is also sent again after a failure that certainly kept the request from Telegram, and where
        a second request changes nothing after any failure of the network.
        """
        retry = Retry(self.limiter)
        while True:
            try:
                return await self._attempt(bot, method, timeout)
            except TelegramRetryAfter as error:
                await retry.after_told_to_wait(error, chat_of(method))
            except (TelegramServerError, TelegramNetworkError) as error:
                if not isinstance(method, AWAITED) or not (is_certain(error) or isinstance(method, REPEATABLE)):
                    raise
                await retry.after_pause(error)

    async def _attempt(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None) -> Any:
        chat_id = chat_of(method)
        if self.limiter is None or chat_id is None:
            return await self._request(bot, method, None, timeout)
        permit = await self.limiter.acquire(chat_id)
        try:
            return await self._request(bot, method, permit, timeout)
        finally:
            await permit.answered()

    async def _request(
        self, bot: Bot, method: TelegramMethod[Any], permit: Permit | None, timeout: int | None = None
    ) -> Any:
        try:
            return await self._post(bot, method, permit, self.timeout if timeout is None else timeout)
        except MustWait as wait:
            seconds = math.ceil(wait.seconds)
            raise TelegramRetryAfter(method=method, message="asked before", retry_after=seconds) from None

    async def _post(self, bot: Bot, method: TelegramMethod[Any], permit: Permit | None, seconds: float) -> Any:
        """Do as aiogram's `make_request`, with a time limit for the connection alone, and with the permit."""
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        limits = ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        try:
            async with session.post(url, data=form, timeout=limits, trace_request_ctx=permit) as answer:
                content = await answer.text()
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="Request timeout error") from error
        except PROXY_ERRORS as error:
            raise TelegramNetworkError(method=method, message="the proxy opened no tunnel") from error
        except ClientError as error:
            raise TelegramNetworkError(method=method, message=f"{type(error).__name__}: {error}") from error
        return self.check_response(bot, method, answer.status, content).result

    def check_response(self, bot: Bot, method: TelegramMethod[Any], status_code: int, content: str) -> Response[Any]:
        """Return Telegram's result, of an unreadable message the id.

        Raises TelegramServerError or TelegramNetworkError for a gateway's page.
        """
        _ANSWER_MODELS.setdefault(type(method), Response[method.__returning__])  # type: ignore[name-defined]
        try:
            return super().check_response(bot, method, status_code, content)
        except ClientDecodeError:
            result = readable_updates(content, bot) if isinstance(method, GetUpdates) else _taken(bot, method, content)
            if result is not None:
                return Response[Any].model_construct(ok=True, result=result)
            text = f"HTTP {status_code} without a word of Telegram"
            if status_code in UNANSWERED:
                raise TelegramNetworkError(method=method, message=text) from None
            raise TelegramServerError(method=method, message=text) from None


def _taken(bot: Bot, method: TelegramMethod[Any], content: str) -> Message | None:
    """Return the message that Telegram took, although the rest of the answer cannot be read; None without an id.

    The message must not be sent again. Raises TelegramAPIError where Telegram answered anything else.
    """
    try:
        answer = json.loads(content)
        if answer["ok"] is not True:
            return None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    chat_id, result = chat_of(method), answer.get("result")
    number = result.get("message_id") if isinstance(result, dict) else None
    if chat_id is None or not isinstance(number, int):
        raise TelegramAPIError(method=method, message="an answer that this version cannot read")
    log.warning("answer_not_read", method=method.__api_method__)
    chat = Chat(id=chat_id, type="private" if chat_id > 0 else "supergroup")
    return Message(message_id=number, date=datetime.fromtimestamp(0, UTC), chat=chat).as_(bot)


def _permit_hooks() -> TraceConfig:
    """Call the permit that a request carries: before its bytes are written, and whenever some are."""

    async def ready(_session: ClientSession, request: SimpleNamespace, _params: object) -> None:
        if request.trace_request_ctx is not None:
            await request.trace_request_ctx.ready()

    async def sent(_session: ClientSession, request: SimpleNamespace, _params: object) -> None:
        if request.trace_request_ctx is not None:
            request.trace_request_ctx.sent()

    hooks = TraceConfig()
    hooks.on_connection_create_end.append(ready)
    hooks.on_connection_reuseconn.append(ready)
    hooks.on_request_chunk_sent.append(sent)
    hooks.freeze()
    return hooks


def chat_of(method: TelegramMethod[Any]) -> int | None:
    """Return the chat that a request puts a message into; None for other requests."""
    chat_id = getattr(method, "chat_id", None) if isinstance(method, LIMITED) else None
    return chat_id if isinstance(chat_id, int) else None


def session_of(bot: Bot) -> Session:
    """Return the session of a bot made by `make_bot`. Raises TypeError for any other."""
    if not isinstance(bot.session, Session):
        raise TypeError("the bot was not made by make_bot")
    return bot.session


def take_slots_from_memory(bot: Bot) -> None:
    """Send the next answers without the database, which is in trouble."""
    limiter = session_of(bot).limiter
    if limiter is not None:
        limiter.rest_database()


class LateAnswers(BaseRequestMiddleware):
    """Return False for a tap too old to be accepted, so that the handler goes on."""

    async def __call__(
        self, make_request: NextRequestMiddlewareType[Any], bot: Bot, method: TelegramMethod[Any]
    ) -> Any:
        """Send the request."""
        try:
            return await make_request(bot, method)
        except TelegramBadRequest as error:
            if isinstance(method, AnswerCallbackQuery) and "query" in error.message.lower():
                return False
            raise


def make_bot(token: str, api_url: str, proxy: str = "") -> Bot:
    """Make a bot with HTML texts and without link previews. Raises ValueError for a malformed token."""
    session = Session(proxy, api=TelegramAPIServer.from_base(api_url), timeout=SECONDS)
    defaults = DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview=LinkPreviewOptions(is_disabled=True))
    session.middleware(LateAnswers())
    try:
        return Bot(token, session=session, default=defaults)
    except TokenValidationError:
        raise ValueError("telegram.token does not look like a token from @BotFather (123456:ABC…)") from None


def trouble(error: TelegramAPIError) -> str:
    """Describe an error of Telegram for an operator, without the token."""
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        return "Telegram does not accept telegram.token: put the one from @BotFather there"
    if isinstance(error, TelegramConflictError):
        return "another process polls with this token: stop it, or use the webhook"
    if isinstance(error.__cause__, PROXY_ERRORS):
        return "the proxy (telegram.proxy) does not let us through: check its address, user and password"
    if isinstance(error, TelegramNetworkError):
        return "Telegram (telegram.api_url) does not answer: check the network"
    return f"Telegram answered: {error.message}"


def is_certain(error: TelegramServerError | TelegramNetworkError) -> bool:
    """Return whether a request certainly failed: Telegram said so, or was never reached."""
    return isinstance(error, TelegramServerError) or refused(error)


def refused(error: TelegramNetworkError) -> bool:
    """Return whether a request certainly did not reach Telegram: no connection was made."""
    return isinstance(error.__cause__, (ClientConnectorError, ConnectionTimeoutError, *PROXY_ERRORS))
