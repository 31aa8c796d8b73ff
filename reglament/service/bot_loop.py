"""Answer people in Telegram by polling or as a webhook, and keep the menus up to date."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError

from bot import dispatcher as bot_dispatcher
from bot.context import AppContext
from bot.telegram import menus
from bot.telegram import session as telegram_session
from reglament.errors import ReglamentError
from reglament.process import Process
from reglament.service import webhook
from storage.errors import StorageError

log = structlog.get_logger()

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between two attempts to reach Telegram; each pause is twice as long as the pause before."""
MENU_SECONDS = 60.0
"""Seconds until the menu follows a change of roles."""


async def answer_people(process: Process, bot: Bot, context: AppContext, stop: asyncio.Event) -> None:
    """Answer people until `stop`; while Telegram is out of reach, try again after growing pauses."""
    dispatcher = bot_dispatcher.build(context, process.now)
    pause = FIRST_WAIT
    while not stop.is_set():
        try:
            await menus.set_defaults(bot, process.settings.language)
            if process.settings.telegram.mode == "webhook":
                async with webhook.listening(process.settings.telegram, dispatcher, bot):
                    await stop.wait()
            else:
                await _poll(bot, dispatcher, stop)
            await bot_dispatcher.finish(dispatcher)
            return
        except TelegramAPIError as error:
            log.warning("telegram_unreachable", problem=telegram_session.trouble(error), seconds=pause)
        except ReglamentError:  # such as an address that cannot be listened on: a person must act
            raise
        except Exception:  # scores go on meanwhile
            log.exception("bot_failed", seconds=pause)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, LONGEST_WAIT)


async def _poll(bot: Bot, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    await bot.delete_webhook()
    polling = asyncio.ensure_future(
        dispatcher.start_polling(
            bot,
            handle_signals=False,
            close_bot_session=False,
            allowed_updates=dispatcher.resolve_used_update_types(),
        )
    )
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({polling, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not polling.done():
        await dispatcher.stop_polling()
    stopping.cancel()
    await polling


async def keep_menus(process: Process, bot: Bot, context: AppContext, stop: asyncio.Event) -> None:
    """Show each person the commands of the present roles until `stop`, however the roles were changed."""
    while not stop.is_set():
        try:
            await menus.refresh(bot, context, at=process.now())
        except StorageError as error:
            log.warning("menus_not_refreshed", problem=str(error))
        except Exception:
            log.exception("menus_not_refreshed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), MENU_SECONDS)
