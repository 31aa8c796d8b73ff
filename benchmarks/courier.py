"""How long a thousand private messages take under Telegram's limits: `python -m benchmarks.courier`.

The real courier and engine on SQLite, a loopback Bot API that enforces the limits, at several latencies. The limit
itself allows 30 messages a second: 33 s for a thousand.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bot.delivery.courier import Courier
from bot.telegram.limited_bot import LimitedBot
from bot.telegram.session import make_bot
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import build
from reglament.day.clocks import load_clocks
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import LiveReadings
from reglament.day.members import learn_members
from reglament.gc_tuning import keep_what_is_loaded
from reglament.process import ProcessClock, open_process, store_teams
from reglament.service.engine import LocalEngine
from reglament.service.work import ServiceWork
from storage.messages import deliveries
from storage.people import invites, people
from tests.bot.botapi import TOKEN, BotApi

MESSAGES = 1000
LATENCIES = (0.0, 0.06)
AT = datetime(2026, 11, 19, 15, 0, 30, tzinfo=UTC)


def _settings(folder: Path, api_url: str) -> dict[str, object]:
    return {
        "database": {"url": f"sqlite:///{folder}/b.db"},
        "telegram": {"token": TOKEN, "api_url": api_url},
        "crm": {"main": {"kind": "demo", "managers": 40}},
        "teams": {"sales": {"crm": "main", "members": {"everyone": True}, "heads": list(range(1, MESSAGES - 39))}},
    }


async def measure(latency: float) -> tuple[float, int]:
    """Seconds from the first to the last message, and how many answers were 429."""
    with tempfile.TemporaryDirectory() as folder:
        async with BotApi(latency=latency) as api:
            settings = build(_settings(Path(folder), api.url))
            async with open_process(settings, clock=ProcessClock(AT)) as process:
                await store_teams(process)
                await learn_members(process, "sales")
                async with process.db.transaction() as session:
                    for number, member in enumerate(await people.unconnected(session, "sales")):
                        token = await invites.invite_manager(
                            session, "main", member.crm_user, author="benchmark", at=AT
                        )
                        await invites.accept(session, token, 100_000 + number, at=AT)
                        api.user(100_000 + number, started=True)
                for head in settings.teams["sales"].heads:
                    api.user(head, started=True)
                calendar = settings.teams["sales"].calendar()
                day = calendar.local_date(AT)
                await run_cutoff(process, DueCutoff("main", day, calendar.cutoff_of(day), ("sales",)))
                return await _send(process, api)


async def _send(process, api) -> tuple[float, int]:
    live = await LiveReadings.load(process)
    bot = make_bot(TOKEN, api.url)
    ctx = app_context(process, live, PeriodExporter(process))
    courier = Courier(LimitedBot(bot, process.db), ctx, "benchmark", process.now)
    work = ServiceWork(process, await load_clocks(process), live, courier.deliver)
    engine, stop = LocalEngine(work), asyncio.Event()
    keep_what_is_loaded()  # as the service does before it starts
    started = time.perf_counter()
    running = asyncio.ensure_future(engine.run(stop))
    while True:
        async with process.db.reading() as session:
            counts = await deliveries.count_by_state(session)
        if not counts.get("pending", 0) + counts.get("sending", 0):
            break
        await asyncio.sleep(0.2)
    seconds = time.perf_counter() - started
    stop.set()
    await running
    await bot.session.close()
    refused = sum("Too Many Requests" in text for text in api.refusals)
    return seconds, refused


async def main() -> None:
    """Print the table."""
    print(f"{MESSAGES} private messages, limit 30/s: at least {MESSAGES / 30:.0f} s")
    for latency in LATENCIES:
        seconds, refused = await measure(latency)
        print(f"latency {latency * 1000:3.0f} ms: {seconds:5.1f} s, {MESSAGES / seconds:4.1f}/s, 429: {refused}")


if __name__ == "__main__":
    asyncio.run(main())
