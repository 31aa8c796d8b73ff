"""`reglament run`: opens everything in order, works until it is told to stop, closes in reverse."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError

from bot import dispatcher as bot_dispatcher
from bot.context import AppContext
from bot.delivery.courier import Courier
from bot.telegram import menus
from bot.telegram import session as telegram_session
from reglament import telegram
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import Settings
from reglament.day.cutoff import Process
from reglament.day.live import LiveReadings
from reglament.errors import SettingsError, WorkFailed
from reglament.gc_tuning import keep_what_is_loaded
from reglament.process import load_teams, opened
from reglament.service import webhook
from reglament.service.engine import Engine, LocalEngine
from reglament.service.metrics import Metrics
from reglament.service.scheduler import Scheduler
from reglament.service.work import ServiceWork, clocks
from storage.days import retention, runs
from storage.db.locks import SingleRun
from storage.errors import StorageError
from storage.messages import deliveries

log = structlog.get_logger()

LOCAL_OWNER = "run"
"""The one service of a SQLite file: whatever it left claimed when it died is free at the next start."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
MENU_SECONDS = 60.0
"""So long after a role was taken away its menu is gone, too."""


@dataclass(frozen=True, slots=True)
class _Service:
    """What runs, put together."""

    process: Process
    bot: Bot
    context: AppContext
    work: ServiceWork
    engine: Engine
    scheduler: Scheduler
    metrics: Metrics
    live: LiveReadings


async def serve(settings: Settings, *, only: str | None = None) -> None:
    """Run until SIGTERM or SIGINT; finish what is in hand. Raises ReglamentError or StorageError in one line."""
    token = telegram.require_token(settings)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    with SingleRun(settings.database.url):
        async with opened(settings, service=True) as opened_process:
            process = await _start(opened_process)
            bot = _make_bot(token, settings)
            try:
                await _accepted(bot)
                await _work(await _assemble(process, bot, only), stop, only)
            finally:
                await bot.session.close()
    log.info("stopped")


async def _start(process: Process) -> Process:
    """Load the teams; free what a dead predecessor held."""
    if process.db.is_sqlite:
        process = replace(process, owner=LOCAL_OWNER)
        await runs.free(process.db, LOCAL_OWNER)
        await deliveries.free(process.db, LOCAL_OWNER)
    changes = await load_teams(process)
    for team in changes.archived:
        log.warning("team_archived", team=team, hint="it has history but is missing in the settings")
    log.info("started", teams=sorted(process.settings.teams), new=list(changes.added), owner=process.owner)
    return process


def _make_bot(token: str, settings: Settings) -> Bot:
    try:
        return telegram_session.make_bot(token, settings.telegram.api_url)
    except ValueError as error:
        raise SettingsError(str(error)) from None


async def _accepted(bot: Bot) -> None:
    """A wrong token stops the start; a network that is down does not: days are scored without it."""
    try:
        log.info("telegram", bot=(await bot.me()).username)
    except TelegramAPIError as error:
        text = telegram_session.trouble(error)
        if "telegram.token" in text:
            raise SettingsError(text) from None
        log.warning("telegram_unreachable", problem=text)


async def _assemble(process: Process, bot: Bot, only: str | None) -> _Service:
    teams = await clocks(process)
    live = LiveReadings(process.db, process.connections, process.settings.teams, teams)
    context = app_context(process, live, PeriodExporter(process))
    courier = Courier(bot, context, process.owner, process.now)
    work = ServiceWork(process, teams, live, courier.deliver)
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
        metrics=Metrics(),
        live=live,
    )


def _postgres_engine(process: Process, work: ServiceWork, *, scheduling: bool, working: bool) -> Engine:
    try:
        from reglament.service.engine_postgres import PostgresEngine  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise SettingsError("PostgreSQL needs the extra: pip install 'reglament[postgres]'") from None
    return PostgresEngine(work, process.settings.database.url, scheduler=scheduling, worker=working)


async def _work(service: _Service, stop: asyncio.Event, only: str | None) -> None:
    """Engine, scheduler, bot and metrics side by side, until `stop`."""
    settings = service.process.settings
    with ExitStack() as stack:
        if settings.metrics_listen:
            stack.callback(_listening(service.metrics, settings.metrics_listen))
        service.scheduler.daily(partial(_forget, service.process))
        service.scheduler.start()
        stack.callback(service.scheduler.stop)
        keep_what_is_loaded()
        async with asyncio.TaskGroup() as group:
            if only != "bot":
                group.create_task(service.engine.run(stop))
            if only in (None, "bot"):
                group.create_task(_talk(service, stop))
                group.create_task(_keep_menus(service, stop))
            group.create_task(_measure(service, stop))
            group.create_task(_learn_members(service.process))
            await stop.wait()


async def _learn_members(process: Process) -> None:
    """Know who is in which team before the first evening, so that people can be invited and ask `/today`."""
    for team in {table.crm: key for key, table in process.settings.teams.items()}.values():
        try:
            await telegram.learn_members(process, team)
        except (WorkFailed, StorageError) as error:
            log.warning("members_not_learnt", team=team, problem=str(error))


def _listening(metrics: Metrics, listen: str) -> Callable[[], None]:
    try:
        return metrics.serve(listen)
    except (OSError, ValueError) as error:
        raise SettingsError(f"metrics_listen = {listen!r}: cannot listen there ({error})") from None


async def _measure(service: _Service, stop: asyncio.Event) -> None:
    """Heartbeat and gauges, every fifteen seconds."""
    while not stop.is_set():
        with suppress(Exception):
            await service.work.beat("service")
            await service.metrics.refresh(service.process.db, tuple(service.process.settings.teams))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 15)


async def _forget(process: Process) -> None:
    """Blank titles, links and words that are older than the settings allow."""
    before = process.now() - timedelta(days=process.settings.evidence_retention_days)
    async with process.db.transaction() as session:
        blanked = await retention.blank(session, before)
    if blanked:
        log.info("evidence_blanked", snapshots=blanked)


# The bot


async def _talk(service: _Service, stop: asyncio.Event) -> None:
    """Answer people, by polling or as a webhook; a Telegram that is away is waited for."""
    dispatcher = bot_dispatcher.build(service.context, service.process.now)
    talk = _serve_webhook if service.process.settings.telegram.mode == "webhook" else _poll
    wait = FIRST_WAIT
    while not stop.is_set():
        try:
            await menus.set_defaults(service.bot, service.process.settings.language)
            await talk(service, dispatcher, stop)
            await bot_dispatcher.finish(dispatcher)
            return
        except TelegramAPIError as error:
            log.warning("telegram_unreachable", problem=telegram_session.trouble(error), seconds=wait)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
            wait = min(wait * 2, LONGEST_WAIT)


async def _keep_menus(service: _Service, stop: asyncio.Event) -> None:
    """Show everybody the commands of the rights he has now, however they were changed."""
    while not stop.is_set():
        try:
            await menus.refresh(service.bot, service.context, at=service.process.now())
        except StorageError as error:
            log.warning("menus_not_refreshed", problem=str(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), MENU_SECONDS)


async def _poll(service: _Service, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    await service.bot.delete_webhook()
    polling = asyncio.ensure_future(
        dispatcher.start_polling(
            service.bot,
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


async def _serve_webhook(service: _Service, dispatcher: Dispatcher, stop: asyncio.Event) -> None:
    async with webhook.listening(service.process.settings.telegram, dispatcher, service.bot):
        await stop.wait()
