"""The bot as the commands need it; aiogram is imported only when there is something to say to Telegram."""

from __future__ import annotations

from crm_clients.base import Finding, Severity
from crm_clients.errors import CrmError
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import Settings
from reglament.day.cutoff import Process, synchronise
from reglament.day.live import LiveReadings
from reglament.errors import SettingsError, WorkFailed
from reglament.service.work import clocks
from storage.messages import deliveries
from storage.people import teams

# ruff: noqa: PLC0415  # aiogram costs seconds to import, and most commands never speak to Telegram


def is_set(settings: Settings) -> bool:
    """Whether there is a token."""
    return bool(settings.telegram.token.get_secret_value())


def require_token(settings: Settings) -> str:
    """The token. Raises SettingsError without one."""
    if not is_set(settings):
        raise SettingsError(
            "telegram.token is empty: put the token from @BotFather there, or into REGLAMENT_TELEGRAM__TOKEN"
        )
    return settings.telegram.token.get_secret_value()


async def live_readings(process: Process) -> LiveReadings:
    """Readings for `/today` and the reminder."""
    return LiveReadings(process.db, process.connections, process.settings.teams, await clocks(process))


async def send_pending(process: Process) -> None:
    """Send what may go out now, once each; what cannot be sent stays for `run`."""
    from bot.delivery.courier import Courier
    from bot.telegram.probe import TelegramTrouble, asking

    settings = process.settings
    context = app_context(process, await live_readings(process), PeriodExporter(process))
    try:
        async with asking(require_token(settings), settings.telegram.api_url) as bot:
            courier = Courier(bot, context, process.owner, process.now)
            for delivery in await deliveries.due(process.db, at=process.now(), limit=10_000):
                await courier.deliver(delivery.id)
    except TelegramTrouble as error:
        raise WorkFailed(f"scored, but the messages wait: {error}") from None


def invite_link(bot: str, token: str) -> str:
    """The deep link that opens the bot with an invite."""
    return f"https://t.me/{bot}?start={token}"


async def learn_members(process: Process, team: str) -> None:
    """Know the CRM's users, so that they can be invited before the first evening."""
    connection = process.settings.teams[team].crm
    try:
        users = await process.connections.client(connection).users()
    except CrmError as error:
        raise WorkFailed(f"crm.{connection}: {error}") from None
    today = process.settings.teams[team].calendar().local_date(process.now())
    await synchronise(process, connection, users, today)


async def bot_name(settings: Settings) -> str:
    """The bot's user name, as Telegram knows it."""
    from bot.telegram import probe

    try:
        return await probe.bot_name(require_token(settings), settings.telegram.api_url)
    except probe.TelegramTrouble as error:
        raise WorkFailed(str(error)) from None


async def check(process: Process) -> list[Finding]:
    """The token, and every team's group."""
    from bot.telegram import probe

    settings = process.settings
    try:
        token = require_token(settings)
        name = await probe.bot_name(token, settings.telegram.api_url)
        problems = await probe.group_problems(token, settings.telegram.api_url, await _groups(process))
    except (SettingsError, probe.TelegramTrouble) as error:
        return [Finding(Severity.ERROR, "token", str(error))]
    findings = [Finding(Severity.OK, "token", f"@{name}")]
    for team, problem in problems.items():
        severity = Severity.ERROR if problem else Severity.OK
        findings.append(Finding(severity, f"teams.{team}", problem or "the bot may write into the group"))
    findings += [
        Finding(Severity.WARNING, f"teams.{key}", "no group: set chat_id, or /bind in the group")
        for key, team in settings.teams.items()
        if team.board != "off" and key not in problems
    ]
    return findings


async def _groups(process: Process) -> dict[str, int]:
    found = {}
    async with process.db.reading() as session:
        stored = {row.key: row.chat_id for row in await teams.all_teams(session)}
    for key, team in process.settings.teams.items():
        chat_id = team.chat_id or stored.get(key)
        if chat_id is not None and team.board != "off":
            found[key] = chat_id
    return found
