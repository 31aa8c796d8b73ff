"""Tell the admins, and the dead-man's switch outside, of troubles that the service finds in itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

import structlog

from bot.telegram.limited_bot import LimitedBot
from bot.telegram.trouble import TelegramTrouble, in_plain_words
from bot.telegram.updates import UpdatesHeard
from reglament.day import notifications
from reglament.day.audience import load_audience
from reglament.day.troubles import Trouble, find_troubles
from reglament.process import Process
from reglament.service import webhook
from reglament.service.watch import Step
from reglament.service.work import ServiceWork
from storage.days import heartbeats
from storage.errors import StorageError

log = structlog.get_logger()

LOOK_SECONDS = 30.0
"""Pause between two looks; the first look comes after the loops have beaten."""


class Monitor:
    """Look for troubles; `heard` is None where this process does not answer people."""

    def __init__(self, work: ServiceWork, bot: LimitedBot, heard: UpdatesHeard | None) -> None:
        self._work = work
        self._bot = bot
        self._heard = heard
        self._known: frozenset[str] = frozenset()

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
                return
            try:
                await self.look()
            except StorageError as error:
                log.error("database_trouble", what="monitor", problem=str(error))
            except Exception:
                log.exception("look_failed", loop="monitor")

    async def look(self) -> list[Trouble]:
        """Store when updates were last received, find the troubles, and tell of new troubles once."""
        process = self._work.process
        await self._note_updates(process)
        async with process.db.reading() as session:
            beats = await heartbeats.all_beats(session)
            found = await find_troubles(session, process.settings, beats, process.now())
        if self._work.clock_trouble is not None:
            found.append(self._work.clock_trouble)
        fresh = [trouble for trouble in found if trouble.event not in self._known]
        for trouble in fresh:
            log.error("trouble", kind=trouble.kind.value, problem=trouble.line)
        if fresh:
            await self._tell_admins(process, fresh)
            self._work.watch.ping(Step.FAIL, _lines(fresh))
        elif self._known and not found:
            self._work.watch.ping(Step.SUCCESS, "all troubles are over")
        self._known = frozenset(trouble.event for trouble in found)
        return found

    async def _note_updates(self, process: Process) -> None:
        if self._heard is None:
            return
        telegram = process.settings.telegram
        if telegram.mode == "webhook":
            with suppress(TelegramTrouble), in_plain_words():
                await self._heard.ask_webhook(self._bot.bot, webhook.address(telegram.webhook_url))
        await self._work.beat_at(heartbeats.UPDATES, self._heard.at)
        for name, at in self._heard.problems.items():
            await self._work.beat_at(name, at)

    async def _tell_admins(self, process: Process, troubles: Sequence[Trouble]) -> None:
        teams = process.settings.teams
        async with process.db.transaction() as session:
            for trouble in troubles:
                team = trouble.team or next(iter(teams), "")
                if team:
                    audience = await load_audience(process, session, team)
                    await notifications.enqueue(process, session, notifications.trouble(trouble, team, audience))


def _lines(troubles: Iterable[Trouble]) -> str:
    return "\n".join(trouble.line for trouble in troubles)
