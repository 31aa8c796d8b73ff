"""Show `/health`: whether the service works, which messages wait, and the last cutoff of every team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.context import AppContext
from bot.screens import lines
from bot.screens.evidence.mending import shortened
from bot.screens.view import View
from bot.texts import Texts, safe
from storage.days import heartbeats, runs
from storage.db.database import Session
from storage.messages import deliveries
from storage.people import people
from storage.values import DeliveryState, Run, RunState

ALIVE = timedelta(seconds=90)
"""A loop with an older heartbeat is silent."""
HEARING = timedelta(minutes=5)
"""Time without updates from Telegram after which the bot counts as deaf."""


@dataclass(frozen=True, slots=True)
class TeamHealth:
    """Hold the last days of one team."""

    title: str
    waiting: Run | None
    """The unfinished run."""
    last: Run | None
    """The newest finished run."""
    joined: int
    missing: int
    """Managers who have not joined the bot."""


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """Hold the state of the service."""

    beats: Mapping[str, datetime]
    """Last heartbeat of each loop."""
    counts: Mapping[DeliveryState, int]
    """Deliveries by state."""
    teams: tuple[TeamHealth, ...]


async def load_health(session: Session, ctx: AppContext) -> ServiceHealth:
    """Load heartbeats, counts of deliveries and the last runs of all teams."""
    waiting = {run.team: run for run in await runs.unfinished(session)}
    of_teams = []
    for key, team in ctx.teams.items():
        missing = len(await people.unconnected(session, key))
        joined = len(await people.members(session, key)) - missing
        last = await runs.last_finished(session, key)
        of_teams.append(TeamHealth(team.title, waiting.get(key), last, joined, missing))
    return ServiceHealth(await heartbeats.all_beats(session), await deliveries.count_by_state(session), tuple(of_teams))


def health_view(t: Texts, data: ServiceHealth, now: datetime) -> View:
    """Show loops and messages, then a paragraph for every team."""
    text = [f"<b>{t('health-head')}</b>", *_loops(t, data.beats, now), _messages(t, data.counts)]
    for team in data.teams:
        text += ["", *_team(t, team)]
    return View("\n".join(text))


def _loops(t: Texts, beats: Mapping[str, datetime], now: datetime) -> list[str]:
    """Write one line if all loops are alive, else a line for each silent loop."""
    loops = heartbeats.of_loops(beats)
    silent = {name: at for name, at in sorted(loops.items()) if now - at > ALIVE}
    heard = beats.get(heartbeats.UPDATES)
    if heard is not None and now - heard > HEARING:
        return [f"{lines.BROKEN} {t('health-deaf', n=int((now - heard) / timedelta(minutes=1)))}"]
    if not silent:
        return [f"✅ {t('health-alive')}" if loops else f"{lines.BROKEN} {t('health-never-ran')}"]
    return [
        f"{lines.BROKEN} {t('health-silent', name=name, n=int((now - at) / timedelta(minutes=1)))}"
        for name, at in silent.items()
    ]


def _messages(t: Texts, counts: Mapping[DeliveryState, int]) -> str:
    waiting = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
    return t("health-messages", waiting=waiting, failed=counts.get(DeliveryState.FAILED, 0))


def _team(t: Texts, team: TeamHealth) -> list[str]:
    text = [f"<b>{safe(team.title)}</b>"]
    if team.waiting is not None and team.waiting.state is RunState.POSTPONED:
        problem = safe(shortened(team.waiting.problem))
        text.append(f"{lines.BROKEN} {t('health-postponed', day=t.day(team.waiting.day))}: <code>{problem}</code>")
    if team.last is None:
        text.append(t("health-never"))
    elif team.last.missing:
        unread = lines.kpi_names(t, sorted(team.last.missing))
        text.append(f"⚪ {t('health-partly', day=t.day(team.last.day), unread=unread)}")
        text.append(f"<code>{safe(shortened(next(iter(team.last.missing.values()))))}</code>")
    else:
        text.append(f"✅ {t('health-last', day=t.day(team.last.day))}")
    text.append(t("health-joined", joined=team.joined, missing=team.missing))
    return text
