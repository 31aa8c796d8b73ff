"""Build the context that the bot works with from settings and process (`bot.context`)."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.context import AppContext, Exporter, Live, TeamContext
from crm_clients.base import CrmConfig
from reglament.appeals.desk import AppealDesk
from reglament.by_hand.for_bot import ActsForBot
from reglament.config.team import TeamSettings
from reglament.crm_names import KeptNames
from reglament.process import Process
from scoring.records import Company


def app_context(process: Process, live: Live, exporter: Exporter) -> AppContext:
    """Build the bot's context: database, teams, live readings and exporter."""
    settings = process.settings
    return AppContext(
        db=process.db,
        teams={key: _team(process, key, team) for key, team in settings.teams.items()},
        live=live,
        exporter=exporter,
        points=ActsForBot(process),
        names=KeptNames(process.connections),
        appeals=AppealDesk(process),
        company=settings.company,
        language=settings.language,
        admins=frozenset(settings.telegram.admins),
    )


def _team(process: Process, key: str, team: TeamSettings) -> TeamContext:
    return TeamContext(
        key=key,
        title=team.title or key,
        connection=team.crm,
        calendar=team.calendar(),
        rulebook=process.settings.rulebook(key),
        whys=team.whys,
        money=team.money.terms() if team.money else None,
        board=team.board,
        pictures=team.pictures,
        heads=frozenset(team.heads),
        hr=frozenset(team.hr),
        chat_id=team.chat_id,
        thread_id=team.thread_id,
        reminder_minutes=team.reminder_minutes,
        crm_host=crm_host(process, team.crm),
    )


def crm_host(process: Process, connection: str) -> str:
    """Return the host that links of a connection may point to."""
    configured = _configured_host(process.settings.crm[connection])
    if configured:
        return configured
    sample = Company("0", "", "", process.now())
    return urlsplit(process.connections.client(connection).link(sample)).netloc


def _configured_host(config: CrmConfig) -> str:
    """Return the host of the first address in a connection's settings; empty without an address."""
    for name in ("base_url", "url", "webhook_url"):
        value = getattr(config, name, None)
        if value is not None:
            text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
            return urlsplit(text).netloc
    return ""
