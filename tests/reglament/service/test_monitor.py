"""Silence is the alarm: what the service finds in itself reaches admins, `health` and the switch outside."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from aiogram.exceptions import TelegramConflictError, TelegramUnauthorizedError
from aiogram.methods import GetUpdates

from bot.telegram.updates import UpdatesHeard
from reglament.commands import health as health_command
from reglament.config.settings import build
from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from reglament.day.troubles import Trouble, TroubleKind
from reglament.process import store_teams
from reglament.service.monitor import Monitor
from reglament.service.watch import Watch
from reglament.service.work import ServiceWork
from scoring.workdays import WindowKind
from storage.days import claims, heartbeats
from storage.messages import deliveries
from storage.messages.notices import TroubleNotice, to_telegram
from tests.reglament.scripted import ScriptedCrm, TestClock, process, tables


class Station:
    """A service at work, with its monitor and its switch."""

    def __init__(self, work: ServiceWork, clock: TestClock) -> None:
        self.work, self.clock = work, clock
        self.pings: list[tuple[str, str]] = []
        work.watch = Watch("https://hc.example/x", httpx.MockTransport(self._pinged))
        self.heard = UpdatesHeard(clock)
        self.monitor = Monitor(work, None, self.heard)

    def _pinged(self, request: httpx.Request) -> httpx.Response:
        self.pings.append((request.url.path, request.content.decode()))
        return httpx.Response(200)

    async def look(self) -> list[Trouble]:
        """The loops beat, updates come in, and the monitor looks."""
        for name in ("service", "runs"):
            await self.work.beat(name)
        return await self.monitor.look()

    async def told(self) -> list[str]:
        """What admins were told of troubles."""
        due = await deliveries.due(self.work.process.db, at=self.clock(), limit=100)
        mine = [row.notice for row in due if row.recipient == to_telegram(999)]
        return [notice.trouble for notice in mine if isinstance(notice, TroubleNotice)]


@pytest.fixture
async def station(database):
    clock = TestClock()
    ready = process(database, ScriptedCrm(clock), clock)
    await store_teams(ready)

    async def send(_delivery_id: int) -> None:
        return None

    work = ServiceWork(ready, await load_clocks(ready), await LiveReadings.load(ready), send)
    await work.beat(heartbeats.START)
    made = Station(work, clock)
    yield made
    await work.watch.aclose()


async def test_a_cutoff_that_found_no_run_is_told_once_and_its_end_reaches_the_switch(station):
    assert await station.look() == []
    station.clock.pass_(minutes=11)
    station.heard.at = station.clock()
    [found] = await station.look()
    assert found.kind is TroubleKind.NO_RUN
    assert "nobody began the day 2026-11-19 of team sales" in found.line
    await station.look()
    assert await station.told() == ["no_run"]
    cutoffs, _ = await station.work.due()
    await station.work.cutoff(cutoffs[0])
    assert await station.look() == []
    await station.work.watch.aclose()
    assert [path for path, _ in station.pings] == ["/x/fail", "/x/start", "/x", "/x"]


async def test_a_day_past_its_deadline_is_told(station):
    [due], _ = await station.work.due()
    ready = station.work.process
    window = station.work.teams["sales"].calendar.window(due.day, WindowKind.CUTOFF_TO_CUTOFF)
    await claims.claim(ready.db, "sales", due.day, "dead", window=window, at=station.clock())
    station.clock.pass_(minutes=134)
    station.heard.at = station.clock()
    assert await station.look() == []
    station.clock.pass_(minutes=2)
    station.heard.at = station.clock()
    [found] = await station.look()
    assert (found.kind, found.team, found.day) == (TroubleKind.DAY_OVERDUE, "sales", due.day)
    assert await station.told() == ["day_overdue"]


async def test_updates_that_do_not_come_in_are_told_although_scores_go_on(station):
    cutoffs, _ = await station.work.due()
    await station.work.cutoff(cutoffs[0])
    station.clock.pass_(minutes=6)
    [found] = await station.look()
    assert found.kind is TroubleKind.DEAF
    assert "no updates come in from Telegram since 2026-11-19 15:00 UTC" in found.line
    assert await station.told() == ["deaf"]
    station.heard.at = station.clock()
    assert await station.look() == []


async def test_messages_that_wait_are_told_once_however_many_more_come(station):
    cutoffs, _ = await station.work.due()
    await station.work.cutoff(cutoffs[0])
    station.clock.pass_(minutes=31)
    station.heard.at = station.clock()
    [found] = await station.look()
    assert found.kind is TroubleKind.MESSAGES_WAIT
    [later] = await station.look()
    assert int(later.detail) > int(found.detail)  # the message to the admin waits too
    assert await station.told() == ["messages_wait"]


async def test_messages_given_up_are_told_but_not_those_that_a_chat_does_not_want(station):
    cutoffs, _ = await station.work.due()
    await station.work.cutoff(cutoffs[0])
    db = station.work.process.db
    unwanted, lost = (await deliveries.due(db, at=station.clock(), limit=2))[:2]
    for delivery, reason in ((unwanted, "blocked"), (lost, "5 times: no answer from Telegram")):
        started = await deliveries.start(db, delivery.id, "test", at=station.clock())
        await deliveries.mark_failed(db, started, reason, at=station.clock())
    [found] = await station.look()
    assert found.kind is TroubleKind.MESSAGES_FAIL
    assert (
        found.line == "messages were given up since 2026-11-19 15:00 UTC: 1, the last: 5 times: no answer from Telegram"
    )
    station.clock.pass_(hours=25)
    station.heard.at = station.clock()
    assert TroubleKind.MESSAGES_FAIL not in [trouble.kind for trouble in await station.look()]


@pytest.mark.parametrize(
    ("error", "kind"),
    [(TelegramUnauthorizedError, TroubleKind.TOKEN_REFUSED), (TelegramConflictError, TroubleKind.RIVAL)],
)
async def test_a_refused_token_and_a_rival_are_told_until_telegram_answers(station, error, kind):
    async def refuse(_bot, method):
        raise error(method=method, message="made up")

    async def answer(_bot, _method):
        return []

    with pytest.raises(error):
        await station.heard(refuse, None, GetUpdates())
    [found] = await station.look()
    assert found.kind is kind
    assert await station.told() == [kind.value]
    await station.heard(answer, None, GetUpdates())
    station.clock.pass_(minutes=4)
    station.heard.at = station.clock()
    assert kind not in [trouble.kind for trouble in await station.look()]


async def test_health_says_stopped_after_a_clean_stop_and_dead_after_a_kill(station, database_url, monkeypatch):
    monkeypatch.setattr(health_command, "clock_now", station.clock)
    wanted = build(tables() | {"database": {"url": database_url}})
    await station.look()
    report = await health_command.health(wanted)
    assert report.healthy
    assert report.text.startswith("alive: runs, service")
    station.clock.pass_(minutes=2)
    report = await health_command.health(wanted)
    assert not report.healthy
    assert "the service is dead, last alive at 2026-11-19 15:00:00 UTC" in report.text
    await station.work.forget_beats()
    report = await health_command.health(wanted)
    assert not report.healthy
    assert report.text == "the service is stopped, or never ran: start `reglament run`"


async def test_a_clean_stop_leaves_the_beats_of_another_replica(station):
    await station.work.beat("service")
    async with station.work.process.db.transaction() as session:
        await heartbeats.beat(session, "service", at=station.clock() + timedelta(seconds=5))
    await station.work.forget_beats()
    async with station.work.process.db.reading() as session:
        assert set(await heartbeats.all_beats(session)) == {"service"}
