"""Run the service for `reglament run`: open everything in order, work until told to stop, close in reverse."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.context import AppContext
from bot.delivery.courier import Courier
from bot.telegram import connection
from bot.telegram.limited_bot import LimitedBot
from bot.telegram.trouble import TelegramTrouble, TokenRefused
from bot.telegram.updates import UpdatesHeard
from reglament import telegram
from reglament.appeals.overdue import settle_overdue
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.commands.safety import find_open_files
from reglament.config.settings import Settings
from reglament.day.clocks import load_clocks
from reglament.day.keys import renew_keys
from reglament.day.live import LiveReadings
from reglament.day.members import learn_members
from reglament.day.unread_days import settle_unread_days
from reglament.errors import SettingsError, WorkFailed
from reglament.gc_tuning import keep_what_is_loaded
from reglament.process import Process, open_process, pooler_problem, store_teams
from reglament.service.bot_loop import answer_people, keep_menus
from reglament.service.engine import Engine, LocalEngine
from reglament.service.first_day import first_days
from reglament.service.health import StateFile, judge
from reglament.service.http_server import CannotListen
from reglament.service.metrics import Metrics
from reglament.service.monitor import Monitor
from reglament.service.scheduler import Scheduler
from reglament.service.watch import Watch
from reglament.service.work import ServiceWork
from reglament.witnesses.anchoring import Anchoring
from reglament.witnesses.start import compare_with_anchors
from storage.days import heartbeats, instants, retention, runs
from storage.db.locks import SingleRun
from storage.errors import StorageError
from storage.messages import deliveries, rate_slots

log = structlog.get_logger()

LOCAL_OWNER = "run"
"""Name in leases of the only service of a SQLite file: the claims of a dead predecessor are free at the next start."""
WAIT_KEPT = 600.0
"""Longest wait for a chat that a start keeps; a longer wait may come from a clock that was wrong."""
ABANDONED = timedelta(days=1)
"""Age of a heartbeat whose loop no replica has any more."""
STOP_SECONDS = 4.0
"""Time that the loops have to finish what is in hand after SIGTERM; the whole stop takes 5 seconds."""
MEASURE_SECONDS = 15.0
"""Pause between two heartbeats of the service, and between two writings of the state for `health`."""


@dataclass(frozen=True, slots=True)
class _Service:
    """Hold the parts of the running service."""

    process: Process
    bot: LimitedBot
    context: AppContext
    work: ServiceWork
    engine: Engine
    scheduler: Scheduler
    metrics: Metrics
    monitor: Monitor
    anchoring: Anchoring
    state_file: StateFile


async def serve(
    settings: Settings, *, only: str | None = None, accept_clock: bool = False, accept_anchors: bool = False
) -> None:
    """Run until SIGTERM or SIGINT, then finish the work in hand. Raises ReglamentError or StorageError.

    `accept_clock` passes instants of the future that were stored by mistake; `accept_anchors` goes on without days
    that the anchors name and the database lacks.
    """
    token = telegram.require_token(settings)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with SingleRun(settings.database.url):
        async with open_process(settings, service=True) as opened:
            if problem := await pooler_problem(settings):
                raise SettingsError(problem)
            await compare_with_anchors(opened, accept=accept_anchors)
            if accept_clock:
                await _accept_clock(opened)
            process = await _start(opened)
            bot = _connect(token, process)
            try:
                await _check_token(bot)
                await _work(await _assemble(process, bot, only), stop, only)
            finally:
                await bot.close()
    log.info("stopped")


async def _start(process: Process) -> Process:
    """Store the teams of the settings and free the claims of a dead predecessor."""
    if process.db.is_sqlite:
        process = replace(process, owner=LOCAL_OWNER)
        await runs.end_leases(process.db, LOCAL_OWNER)
        await deliveries.end_leases(process.db, LOCAL_OWNER)
        await rate_slots.forget(process.db, ahead=WAIT_KEPT)
    for file in find_open_files(process.settings):
        log.warning("file_open_to_others", file=file, hint="other users of this machine may read it: chmod 600")
    changes = await store_teams(process)
    await settle_unread_days(process)
    for team in changes.archived:
        log.warning("team_archived", team=team, hint="it has history but is missing in the settings")
    async with process.db.transaction() as session:
        await heartbeats.forget_before(session, process.now() - (timedelta(0) if process.db.is_sqlite else ABANDONED))
    for team, cutoff, hint in await first_days(process):
        log.warning("first_day_is_scored", team=team, cutoff=cutoff.isoformat(), hint=hint)
    log.info("started", teams=sorted(process.settings.teams), new=list(changes.added), owner=process.owner)
    return process


async def _accept_clock(process: Process) -> None:
    """Note in the audit log that the clock is right despite a stored instant of the future."""
    async with process.db.transaction() as session:
        passed = await instants.accept_clock(session, author="reglament run", at=process.now())
    if passed is not None:
        log.warning("clock_accepted", stored=passed.isoformat())


def _connect(token: str, process: Process) -> LimitedBot:
    try:
        protects = process.settings.telegram.protect_content
        return connection.connect(token, *telegram.way(process.settings), process.db, protects_lists=protects)
    except TokenRefused as error:
        raise SettingsError(str(error)) from None


async def _check_token(bot: LimitedBot) -> None:
    """Stop the start for a wrong token, but not for a network that is down: days are scored without Telegram."""
    try:
        log.info("telegram", bot=await connection.own_username(bot))
    except TokenRefused as error:
        raise SettingsError(str(error)) from None
    except TelegramTrouble as error:
        log.warning("telegram_unreachable", problem=str(error))


async def _assemble(process: Process, bot: LimitedBot, only: str | None) -> _Service:
    teams = await load_clocks(process)
    live = LiveReadings(process, teams)
    context = app_context(process, live, PeriodExporter(process))
    courier = Courier(bot, context, process.owner, process.now)
    metrics = Metrics()
    watch = Watch(process.settings.watch.url.get_secret_value())
    anchoring = Anchoring(process)
    work = ServiceWork(process, teams, live, courier.deliver, metrics, watch, anchoring.wake)
    heard = UpdatesHeard(process.now) if only in (None, "bot") else None
    if heard is not None:
        heard.listen_to(bot.bot)
    scheduling, working = only in (None, "scheduler"), only in (None, "worker")
    engine: Engine
    if process.db.is_sqlite:
        engine = LocalEngine(work, worker=scheduling or working)
    else:
        engine = _postgres_engine(process, work, scheduling=scheduling, working=working)
    # The work is handed a process that knows its engine: deliveries are queued where they are written.
    work.process = replace(process, enqueue=engine.enqueue)
    return _Service(
        process=work.process,
        bot=bot,
        context=context,
        work=work,
        engine=engine,
        scheduler=Scheduler(teams.values(), engine.wake, process.now),
        metrics=metrics,
        monitor=Monitor(work, bot, heard),
        anchoring=anchoring,
        state_file=StateFile(process.settings),
    )


def _postgres_engine(process: Process, work: ServiceWork, *, scheduling: bool, working: bool) -> Engine:
    try:
        from reglament.service.engine_postgres import PostgresEngine  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise SettingsError("PostgreSQL needs the extra: pip install 'reglament[postgres]'") from None
    settings = process.settings
    at_once = len(settings.crm) + len(settings.teams)  # a cutoff of each connection, a reminder of each team
    url = settings.database.engine_url
    return PostgresEngine(work, url, max(1, at_once), scheduler=scheduling, worker=working)


async def _work(service: _Service, stop: asyncio.Event, only: str | None) -> None:
    """Run engine, scheduler, bot and metrics side by side until `stop`."""
    settings = service.process.settings
    async with AsyncExitStack() as stack:
        if settings.metrics_listen:
            await _serve_metrics(stack, service.metrics, settings.metrics_listen)
        if only != "bot":
            await service.work.look_at_clocks()
            service.scheduler.often(service.work.look_at_clocks)
        await service.work.beat(heartbeats.START)
        service.scheduler.daily(partial(_blank_old_evidence, service.process))
        if only != "bot":
            service.scheduler.daily(partial(settle_unread_days, service.process))
            service.scheduler.often(partial(settle_overdue, service.process))
            service.scheduler.hourly(partial(renew_keys, service.process, service.work.teams))
        service.scheduler.start()
        stack.callback(service.scheduler.stop)
        keep_what_is_loaded()
        loops = [_measure(service, stop), service.monitor.run(stop), _learn_all_members(service.process)]
        if only != "bot":
            loops.append(service.engine.run(stop))
            loops.append(service.anchoring.run(stop, service.work.beat))
        if only in (None, "bot"):
            loops.append(answer_people(service.process, service.bot, service.context, stop))
            loops.append(keep_menus(service.process, service.bot, service.context, stop))
        stack.callback(service.state_file.remove)
        if not await run_until_stopped(loops, stop):
            await _give_back(service.process)
    await service.work.watch.aclose()
    await service.work.forget_beats()


async def run_until_stopped(loops: Iterable[Coroutine[Any, Any, None]], stop: asyncio.Event) -> bool:
    """Run loops side by side until `stop`; cancel the loops that do not end in time, and tell whether all did."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(loop) for loop in loops]
        await stop.wait()
        _, slow = await asyncio.wait(tasks, timeout=STOP_SECONDS)
        for task in slow:
            task.cancel()
    if slow:
        log.warning("stopped_in_the_middle", loops=len(slow))
    return not slow


async def _give_back(process: Process) -> None:
    """End the leases of this process: what was in hand goes on at once, elsewhere or at the next start."""
    await runs.end_leases(process.db, process.owner)
    await deliveries.end_leases(process.db, process.owner)


async def _learn_all_members(process: Process) -> None:
    """Store the members of all teams before the first evening, so that people can be invited and ask `/today`."""
    for team in {table.crm: key for key, table in process.settings.teams.items()}.values():
        try:
            await learn_members(process, team)
        except (WorkFailed, StorageError) as error:
            log.warning("members_not_learnt", team=team, problem=str(error))
        except Exception:
            log.exception("members_not_learnt", team=team)


async def _serve_metrics(stack: AsyncExitStack, metrics: Metrics, listen: str) -> None:
    try:
        await stack.enter_async_context(metrics.serve(listen))
    except CannotListen as error:
        raise SettingsError(f"metrics_listen = {listen!r}: cannot listen there ({error})") from None


async def _measure(service: _Service, stop: asyncio.Event) -> None:
    """Write heartbeat, gauges and the state for `health` every fifteen seconds."""
    process = service.process
    while not stop.is_set():
        with suppress(Exception):
            await service.work.beat("service")
            await service.metrics.refresh(process.db, tuple(process.settings.teams))
            async with process.db.reading() as session:
                health = await judge(session, process.settings, now := process.now())
            await service.state_file.write(health, now)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), MEASURE_SECONDS)


async def _blank_old_evidence(process: Process) -> None:
    """Blank titles, links and texts older than `evidence_retention_days`."""
    before = process.now() - timedelta(days=process.settings.evidence_retention_days)
    async with process.db.transaction() as session:
        blanked = await retention.blank(session, before)
    if blanked:
        log.info("evidence_blanked", snapshots=blanked)
