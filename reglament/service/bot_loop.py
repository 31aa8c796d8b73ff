"""Answer people in Telegram by polling or as a webhook, and keep the menus up to date."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bot import dispatcher as bot_dispatcher
from bot.context import AppContext
from bot.telegram import listening, menus
from bot.telegram.face import show_face
from bot.telegram.limited_bot import LimitedBot
from bot.telegram.trouble import TelegramTrouble, in_plain_words
from reglament.errors import ReglamentError
from reglament.process import Process
from reglament.service import webhook
from storage.errors import StorageError

log = structlog.get_logger()

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds between two attempts to reach Telegram; each pause is twice as long as the pause before."""
MENU_SECONDS = 60.0
"""Seconds until the menu follows a change of roles."""


async def answer_people(process: Process, bot: LimitedBot, context: AppContext, stop: asyncio.Event) -> None:
    """Answer people until `stop`; while Telegram is out of reach, try again after growing pauses."""
    dispatcher = bot_dispatcher.build(context, process.now)
    pause = FIRST_WAIT
    while not stop.is_set():
        try:
            with in_plain_words():
                await show_face(bot.bot, process.settings.telegram.name, process.settings.language)
                if process.settings.telegram.mode == "webhook":
                    receiver = listening.WebhookReceiver(dispatcher, bot.bot)
                    async with webhook.listening(process.settings.telegram, receiver):
                        await stop.wait()
                else:
                    await listening.poll(bot.bot, dispatcher, stop)
                await bot_dispatcher.finish(dispatcher)
            return
        except TelegramTrouble as trouble:
            log.warning("telegram_unreachable", problem=str(trouble), seconds=pause)
        except ReglamentError:  # such as an address that cannot be listened on: a person must act
            raise
        except Exception:  # scores go on meanwhile
            log.exception("bot_failed", seconds=pause)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
        pause = min(pause * 2, LONGEST_WAIT)


async def keep_menus(process: Process, bot: LimitedBot, context: AppContext, stop: asyncio.Event) -> None:
    """Show each person the commands of the present roles until `stop`, however the roles were changed."""
    while not stop.is_set():
        try:
            await menus.refresh(bot.bot, context, at=process.now())
        except StorageError as error:
            log.warning("menus_not_refreshed", problem=str(error))
        except Exception:
            log.exception("menus_not_refreshed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), MENU_SECONDS)
