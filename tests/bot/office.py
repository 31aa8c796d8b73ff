"""An office for scenarios: a demo company, a strict Bot API on loopback, real handlers and the real courier."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiogram import Dispatcher
from aiogram.types import Update
from sqlalchemy import delete

from bot import dispatcher as bot_dispatcher
from bot.context import AppContext
from bot.delivery.courier import Courier
from bot.telegram.limited_bot import LimitedBot
from bot.telegram.session import make_bot
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import build
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import LiveReadings
from reglament.day.members import learn_members
from reglament.process import Process, open_process, store_teams
from storage.days import runs
from storage.db.models import RateSlotRecord
from storage.messages import deliveries
from storage.messages.notices import run_event
from storage.people import channels, invites, people
from storage.values import Delivery, DeliveryState, Run
from tests.bot.botapi import TOKEN, BotApi
from tests.bot.telegram_world import Message, Tap, User
from tests.reglament.scripted import TestClock
from tests.storage.told import told

HEAD, HR, ADMIN, STRANGER, GROUP = 222, 333, 999, 555, -1001
ANNA = 1000
CUTOFF = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
SALES: dict[str, Any] = {
    "title": "Отдел продаж",
    "crm": "main",
    "members": {"everyone": True},
    "heads": [HEAD],
    "hr": [HR],
    "chat_id": GROUP,
    "money": {},
}


@dataclass
class Office:
    """Everything a scenario needs."""

    api: BotApi
    process: Process
    ctx: AppContext
    courier: Courier
    clock: TestClock
    dispatcher: Dispatcher

    async def evening(self) -> None:
        """The cutoff comes, and its messages go out."""
        await self.cutoff()
        await self.send()

    async def cutoff(self, days: int = 0) -> None:
        """The cutoff comes (of a later day); its messages are ordered."""
        self.clock.at = at = CUTOFF + timedelta(days=days)
        await run_cutoff(self.process, DueCutoff("main", at.date(), at, tuple(self.ctx.teams)))

    async def rest(self) -> None:
        """As if nothing had been sent for a while: no chat is busy."""
        async with self.process.db.transaction() as session:
            await session.execute(delete(RateSlotRecord))

    async def later(self, seconds: float = 60) -> None:
        """Time passes, also by the database's clock; what may go out then goes out."""
        self.clock.pass_(seconds=seconds)
        await self.rest()
        await self.send()

    async def send(self) -> None:
        """Everything that may go out now."""
        for delivery in await deliveries.due(self.process.db, at=self.clock(), limit=1000):
            await self.courier.deliver(delivery.id)

    async def delivery(self, recipient: str) -> Delivery:
        """The message of the last day to somebody."""
        async with self.process.db.reading() as session:
            run = await self.last_run()
            found = await told(session, run_event(run.id))
        return next(item for item in found if item.recipient == recipient)

    async def state(self, recipient: str) -> DeliveryState:
        """What became of it."""
        return (await self.delivery(recipient)).state

    async def last_run(self) -> Run:
        """The last finished day."""
        async with self.process.db.reading() as session:
            run = await runs.last_finished(session, "sales")
        assert run is not None
        return run

    async def invite(self, name: str = "Анна") -> str:
        """A link's token for somebody of the team."""
        async with self.process.db.transaction() as session:
            member = next(m for m in await people.members(session, "sales") if m.name.startswith(name))
            return await invites.invite_manager(session, "main", member.crm_user, author="test", at=self.clock())

    async def join_anna(self) -> int:
        """Anna opens her link and says that it is she; her person."""
        token = await self.invite()
        async with self.process.db.transaction() as session:
            person = await invites.accept(session, token, ANNA, at=self.clock())
        self.api.user(ANNA, "Анна", started=True)
        return person.id

    async def tap(self, user: User, message: Message, button: dict[str, Any]) -> Tap:
        """Somebody taps a button, and the bot has done all that the button says."""
        tap = await self.api.answered(user.taps_data(message, button["callback_data"]))
        await bot_dispatcher.finish(self.dispatcher)
        return tap

    async def is_off(self, chat_id: int) -> None:
        """Wait until the bot has learnt that a chat takes no messages, from a refusal or from Telegram's word."""
        async with asyncio.timeout(60):
            while True:
                async with self.process.db.reading() as session:
                    if not (await channels.find(session, chat_id)).active:
                        return
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def opened_office(url: str, teams: dict[str, Any] | None = None) -> AsyncIterator[Office]:
    """An office two hours before the cutoff."""
    clock = TestClock(CUTOFF - timedelta(hours=2))
    async with BotApi(limits=False) as api:
        settings = build(
            {
                "database": {"url": url},
                "telegram": {"token": TOKEN, "api_url": api.url, "admins": [ADMIN]},
                "crm": {"main": {"kind": "demo"}},
                "teams": teams or {"sales": SALES},
            }
        )
        for person in (HEAD, HR, ADMIN):
            api.user(person, started=True)
        api.group(GROUP)
        shifted: Any = _Shifted(clock)
        async with open_process(settings, clock=shifted, options={"demo": {"now": clock}}) as process:
            await store_teams(process)
            await learn_members(process, "sales")
            live = await LiveReadings.load(process)
            ctx = app_context(process, live, PeriodExporter(process))
            bot = make_bot(TOKEN, api.url)
            courier = Courier(
                LimitedBot(bot, process.db, no_sleep), ctx, "test", clock, monotonic=lambda: clock().timestamp()
            )
            dispatcher = bot_dispatcher.build(ctx, clock)
            async with _answering(dispatcher, bot):
                yield Office(api, process, ctx, courier, clock, dispatcher)
            await bot.session.close()
            Update.event_type.fget.cache_clear()  # type: ignore[attr-defined]  # aiogram keeps updates, which keep us


class _Shifted:
    """The test's clock in the shape the process wants."""

    def __init__(self, clock: TestClock) -> None:
        self._clock = clock
        self.shift = timedelta(0)

    def __call__(self) -> datetime:
        return self._clock()


async def no_sleep(_seconds: float) -> None:
    """Time does not pass."""
    await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def _answering(dispatcher, bot):
    polling = asyncio.ensure_future(dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False))
    try:
        yield
    finally:
        async with asyncio.timeout(60):
            while not polling.done():
                with contextlib.suppress(RuntimeError):
                    await dispatcher.stop_polling()
                await asyncio.sleep(0.01)
        await polling
        await bot_dispatcher.finish(dispatcher)
