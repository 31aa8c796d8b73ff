"""How the bot makes the answers to a crowd after a cutoff: `python -m benchmarks.evening [sqlite postgresql]`.

A team of 300 has lived a day. Within the second after the cutoff 300 people ask: two hundred for `/me`, sixty for the
leaderboard, ten each for `/month`, `/week`, `/team` and `/who`. Each answer is loaded from the database and written as
the handlers do, with the shared values of one process that begins cold; sending is left out, because Telegram's limit
of 30 a second alone makes 300 answers take ten. Then the evening's messages go out at the pace of the limit, on the
first day alone, on the second day with the crowd asking in the first second.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.made_up import databases, made_up_crowd, settings_of, watched_loop
from bot.cache import Shared
from bot.context import AppContext
from bot.delivery.courier import Courier
from bot.screens.finished_days import load_last_day
from bot.screens.leaderboard import board_view, load_last_board
from bot.screens.me import load_own_month, me_view
from bot.screens.periods import Shown, load_period, period_view
from bot.screens.team import team_view
from bot.screens.who import load_person, person_view
from bot.telegram.limited_bot import LimitedBot
from bot.telegram.session import make_bot
from bot.texts import texts
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import LiveReadings
from reglament.day.members import learn_members
from reglament.gc_tuning import keep_what_is_loaded
from reglament.process import Process, ProcessClock, open_process, store_teams
from scoring.entries import Month
from storage.db.database import Session
from storage.db.schema import upgrade
from storage.messages import deliveries
from storage.people import invites, people
from tests.bot.botapi import TOKEN, BotApi

PEOPLE, SENDERS, TEAM = 300, 8, "team1"
CUTOFF = datetime(2026, 11, 19, 15, tzinfo=UTC)


async def _me(session: Session, ctx: AppContext, user: int) -> object:
    name = f"Manager {user}"
    data = await load_own_month(session, ctx, TEAM, str(user), name, Month.of(CUTOFF.date()), CUTOFF)
    return me_view(texts("ru"), ctx.teams[TEAM], data)


async def _board(session: Session, ctx: AppContext, user: int) -> object:
    return board_view(texts("ru"), ctx.teams[TEAM], await load_last_board(session, ctx, TEAM), own=str(user))


async def _month(session: Session, ctx: AppContext, _user: int) -> object:
    data = await load_period(session, ctx, TEAM, CUTOFF.date(), monthly=True)
    return period_view(texts("ru"), ctx.teams[TEAM], data, Shown())


async def _week(session: Session, ctx: AppContext, _user: int) -> object:
    data = await load_period(session, ctx, TEAM, CUTOFF.date(), monthly=False)
    return period_view(texts("ru"), ctx.teams[TEAM], data, Shown())


async def _team(session: Session, ctx: AppContext, _user: int) -> object:
    return team_view(texts("ru"), ctx.teams[TEAM], await load_last_day(session, ctx, TEAM))


async def _who(session: Session, ctx: AppContext, user: int) -> object:
    return person_view(texts("ru"), ctx.teams[TEAM], await load_person(session, ctx, TEAM, str(user)))


ASKED = [_me] * 20 + [_board] * 6 + [_month, _week, _team, _who]


async def _crowd(ctx: AppContext) -> list[float]:
    """Let 300 people ask within a second, and return how long each waited."""

    async def ask(user: int) -> float:
        await asyncio.sleep(user / PEOPLE)
        begun = time.perf_counter()
        async with ctx.db.reading() as session:
            await ASKED[user % len(ASKED)](session, ctx, user)
        return time.perf_counter() - begun

    return list(await asyncio.gather(*(ask(user) for user in range(1, PEOPLE + 1))))


async def measure(name: str, url: str) -> None:
    """Print the figures of a database."""
    upgrade(url)
    async with BotApi() as api:
        settings = settings_of(url, 1, token=TOKEN, api_url=api.url)
        async with open_process(settings, clock=ProcessClock(CUTOFF + timedelta(seconds=1))) as process:
            await store_teams(process)
            await learn_members(process, TEAM)
            await _join(process, api)
            ctx = app_context(process, await LiveReadings.load(process), PeriodExporter(process))
            alone, _ = await _evening(process, ctx, api, 0)
            fresh = {each: Shared[Any]() for each in ("days", "boards", "summaries", "digests", "standings")}
            async with watched_loop() as longest:
                waits = sorted(await _crowd(replace(ctx, **fresh)))
        async with open_process(settings, clock=ProcessClock(CUTOFF + timedelta(days=1, seconds=1))) as process:
            ctx = app_context(process, await LiveReadings.load(process), PeriodExporter(process))
            together, _ = await _evening(process, ctx, api, 1, with_crowd=True)
    print(
        f"| {name} | {waits[len(waits) // 2]:.2f} s | {waits[int(len(waits) * 0.95)]:.2f} s | {waits[-1]:.2f} s "
        f"| {longest.seconds * 1000:.0f} ms | {alone:.1f} s | {together:.1f} s | {together / alone:.2f}× |",
        flush=True,
    )


async def _join(process: Process, api: BotApi) -> None:
    """Connect everybody's chat."""
    async with process.db.transaction() as session:
        for member in await people.unconnected(session, TEAM):
            token = await invites.invite_manager(session, "crm0", member.crm_user, author="bench", at=CUTOFF)
            await invites.accept(session, token, 100_000 + int(member.crm_user), at=CUTOFF)
    for number in (1, *range(100_001, 100_001 + PEOPLE)):
        api.user(number, started=True)


async def _evening(
    process: Process, ctx: AppContext, api: BotApi, day: int, *, with_crowd: bool = False
) -> tuple[float, list[float]]:
    """Run a cutoff, and return the seconds in which its messages went out, with the waits of a crowd."""
    cutoff = CUTOFF + timedelta(days=day)
    await run_cutoff(process, DueCutoff("crm0", cutoff.date(), cutoff, (TEAM,)))
    waiting = [each.id for each in await deliveries.due(process.db, at=process.now(), limit=1000)]
    bot = make_bot(TOKEN, api.url)
    courier = Courier(LimitedBot(bot, process.db), ctx, "benchmark", process.now)
    keep_what_is_loaded()
    crowd = asyncio.ensure_future(_crowd(ctx)) if with_crowd else None
    begun = time.perf_counter()

    async def send() -> None:
        while waiting:
            await courier.deliver(waiting.pop(0))

    await asyncio.gather(*(send() for _ in range(SENDERS)))
    seconds = time.perf_counter() - begun
    await bot.session.close()
    return seconds, await crowd if crowd else []


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database", nargs="*", default=["sqlite", "postgresql"])
    asked = parser.parse_args()
    made_up_crowd(PEOPLE, PEOPLE)
    print("| database | median | p95 | longest | block | evening alone | with the crowd | slower |")
    print("|" + " --- |" * 8, flush=True)
    with databases(asked.database) as urls:
        for name, url in urls.items():
            asyncio.run(measure(name, url))


if __name__ == "__main__":
    main()
