"""How long views of a team of 300 take with years in the tables: `python -m benchmarks.ledger`.

    python -m benchmarks.ledger                                        30,000 and 1,000,000 rows, both databases
    python -m benchmarks.ledger --rows 10000000 --database sqlite      thirty years; fills for some ten minutes

Each view is loaded and written cold, with nothing shared from an earlier view. Beside each stands a query that groups
the rows of the same span by manager, rule and outcome over the same index, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from unittest import mock

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.made_up import RULES, databases, fastest, watched_loop
from bot.cache import Shared
from bot.context import AppContext
from bot.screens.finished_days import load_last_day
from bot.screens.leaderboard import board_view, load_last_board
from bot.screens.me import load_own_month, me_view
from bot.screens.periods import Shown, load_period, period_view
from bot.screens.team import team_view
from bot.screens.who import load_person, person_view
from bot.texts import texts
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import build
from reglament.day.live import LiveReadings
from reglament.process import ProcessClock, open_process
from scoring.entries import Month
from storage.db.database import Session
from storage.db.schema import upgrade
from tests.query_plans import years

TEAM, LAST = "sales", date(2026, 11, 27)
AT = datetime.fromisoformat("2026-11-27T20:00:00+00:00")
GROUPS = text(
    "SELECT manager_id, rule, outcome, count(*), sum(points) FROM ledger_entries"
    " WHERE team_id = (SELECT id FROM teams WHERE key = :team) AND day BETWEEN :first AND :last"
    " GROUP BY manager_id, rule, outcome"
)
View = Callable[[Session, AppContext], Awaitable[object]]


def fill(url: str, rows: int) -> None:
    """Make a migrated database with a ledger of the team of 300 and of nineteen small teams."""
    upgrade(url)
    driver = "sqlite" if url.startswith("sqlite") else "postgresql+psycopg"
    engine = create_engine(make_url(url).set(drivername=driver))
    days = max(rows // (years.LARGE * len(years.RULES)), 1)
    with mock.patch.object(years, "LARGE_DAYS", days), mock.patch.object(years, "SMALL_DAYS", min(days, 60)):
        years.fill(engine, TEAM, LAST)
    engine.dispose()


async def _month(session: Session, ctx: AppContext) -> object:
    data = await load_period(session, ctx, TEAM, LAST, monthly=True)
    return period_view(texts("ru"), ctx.teams[TEAM], data, Shown())


async def _week(session: Session, ctx: AppContext) -> object:
    data = await load_period(session, ctx, TEAM, LAST, monthly=False)
    return period_view(texts("ru"), ctx.teams[TEAM], data, Shown())


async def _who(session: Session, ctx: AppContext) -> object:
    return person_view(texts("ru"), ctx.teams[TEAM], await load_person(session, ctx, TEAM, "7"))


async def _me(session: Session, ctx: AppContext) -> object:
    data = await load_own_month(session, ctx, TEAM, "7", "Person 7", Month.of(LAST), AT)
    return me_view(texts("ru"), ctx.teams[TEAM], data)


async def _board(session: Session, ctx: AppContext) -> object:
    return board_view(texts("ru"), ctx.teams[TEAM], await load_last_board(session, ctx, TEAM))


async def _team(session: Session, ctx: AppContext) -> object:
    return team_view(texts("ru"), ctx.teams[TEAM], await load_last_day(session, ctx, TEAM))


VIEWS: dict[str, tuple[View, date]] = {
    "/month": (_month, date(2026, 9, 1)),
    "/week": (_week, LAST - timedelta(days=18)),
    "/who": (_who, date(2026, 9, 1)),
    "/me": (_me, date(2026, 11, 1)),
    "board": (_board, date(2026, 11, 1)),
    "/team": (_team, LAST),
}
"""Views with the first day of the rows that they come from."""


async def measure(name: str, url: str, rows: int) -> None:
    """Print a line for each view."""
    team = {"crm": "main", "members": {"everyone": True}, "rules": list(RULES)}
    settings = build({"database": {"url": url}, "crm": {"main": {"kind": "demo"}}, "teams": {TEAM: team}})
    async with open_process(settings, clock=ProcessClock(AT)) as process:
        ctx = app_context(process, await LiveReadings.load(process), PeriodExporter(process))
        for view, (load, first) in VIEWS.items():
            await _measure_view(f"{name} | {rows:,} | {view}", process.db, ctx, load, first)


async def _measure_view(head: str, db: Any, ctx: AppContext, load: View, first: date) -> None:
    async def cold() -> None:
        fresh = {each: Shared[Any]() for each in ("days", "boards", "summaries", "digests", "standings")}
        async with db.reading() as session:
            await load(session, replace(ctx, **fresh))

    async def plain() -> None:
        async with db.reading() as session:
            (await session.execute(GROUPS, {"team": TEAM, "first": first.isoformat(), "last": LAST.isoformat()})).all()

    await cold()  # compiles the statements
    async with watched_loop() as longest:
        seconds = await fastest(cold)
    bare = await fastest(plain)
    print(
        f"| {head} | {seconds * 1000:.0f} ms | {bare * 1000:.0f} ms | {seconds / bare:.1f}× "
        f"| {longest.seconds * 1000:.0f} ms |",
        flush=True,
    )


def main() -> None:
    """Fill and measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[30_000, 1_000_000])
    parser.add_argument("--database", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    asked = parser.parse_args()
    print("| database | rows of the team | view | cold | one aggregate | ratio | longest block |")
    print("|" + " --- |" * 7, flush=True)
    for rows in asked.rows:
        with databases(asked.database) as urls:
            for name, url in urls.items():
                fill(url, rows)
                asyncio.run(measure(name, url, rows))


if __name__ == "__main__":
    main()
