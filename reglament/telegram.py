"""Speak to Telegram for commands: check the token, send pending messages, name the bot.

aiogram is imported inside the functions, because most commands never speak to Telegram.
"""

from __future__ import annotations

from crm_clients.base import Finding, Severity
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import Settings
from reglament.day.live import LiveReadings
from reglament.errors import SettingsError, WorkFailed
from reglament.process import Process
from storage.messages import deliveries
from storage.people import teams

# ruff: noqa: PLC0415  # aiogram costs seconds to import


def is_set(settings: Settings) -> bool:
    """Tell whether the settings have a token."""
    return bool(settings.telegram.token.get_secret_value())


def require_token(settings: Settings) -> str:
    """Return the token. Raises SettingsError if the token is empty."""
    if not is_set(settings):
        raise SettingsError(
            "telegram.token is empty: put the token from @BotFather there, or into REGLAMENT_TELEGRAM__TOKEN"
        )
    return settings.telegram.token.get_secret_value()


def way(settings: Settings) -> tuple[str, str]:
    """Return the addresses of Telegram and of the proxy before Telegram."""
    return settings.telegram.api_url, settings.telegram.proxy.get_secret_value()


async def send_pending(process: Process) -> None:
    """Send every delivery that is due, once each; failed deliveries stay for `run`. Raises WorkFailed."""
    from bot.delivery.courier import Courier
    from bot.telegram.limited_bot import LimitedBot
    from bot.telegram.probe import asking
    from bot.telegram.trouble import TelegramTrouble

    settings = process.settings
    context = app_context(process, await LiveReadings.load(process), PeriodExporter(process))
    try:
        async with asking(require_token(settings), *way(settings)) as bot:
            limited = LimitedBot(bot, process.db)
            limited.session.protects_lists = settings.telegram.protect_content
            courier = Courier(limited, context, process.owner, process.now)
            for delivery in await deliveries.due(process.db, at=process.now(), limit=10_000):
                await courier.deliver(delivery.id)
    except TelegramTrouble as error:
        raise WorkFailed(f"scored, but the messages wait: {error}") from None


def invite_link(bot: str, token: str) -> str:
    """Return the deep link that opens the bot with an invite."""
    return f"https://t.me/{bot}?start={token}"


async def bot_name(settings: Settings) -> str:
    """Ask Telegram for the bot's user name. Raises WorkFailed if Telegram does not answer."""
    from bot.telegram import probe
    from bot.telegram.trouble import TelegramTrouble

    try:
        return await probe.bot_name(require_token(settings), *way(settings))
    except TelegramTrouble as error:
        raise WorkFailed(str(error)) from None


async def check(process: Process) -> list[Finding]:
    """Check the token and every team's group."""
    from bot.telegram import probe
    from bot.telegram.trouble import TelegramTrouble

    settings = process.settings
    try:
        token = require_token(settings)
        api_url, proxy = way(settings)
        name = await probe.bot_name(token, api_url, proxy)
        problems = await probe.group_problems(token, api_url, await _load_groups(process), proxy)
    except (SettingsError, TelegramTrouble) as error:
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


async def _load_groups(process: Process) -> dict[str, int]:
    """Load the chat ids of the groups that get a leaderboard, by team."""
    found = {}
    async with process.db.reading() as session:
        stored = {row.key: row.chat_id for row in await teams.all_teams(session)}
    for key, team in process.settings.teams.items():
        chat_id = team.chat_id or stored.get(key)
        if chat_id is not None and team.board != "off":
            found[key] = chat_id
    return found
