"""Show `/health`: whether the service works, which messages wait, and the last cutoff of every team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.context import AppContext
from bot.screens import lines
from bot.screens.view import View
from bot.texts import Texts, safe, shortened
from storage.days import heartbeats, runs
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.deliveries import GivenUp
from storage.people import people
from storage.values import DeliveryState, Run, RunState

ALIVE = timedelta(seconds=90)
"""A loop with an older heartbeat is silent."""
GIVEN_UP_WITHIN = timedelta(days=7)
"""Age up to which a message given up is told with the reason."""
_REFUSALS = {heartbeats.TOKEN_REFUSED: "trouble-token-refused", heartbeats.RIVAL: "trouble-rival"}
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
    given_up: GivenUp | None
    """Messages given up in the last week."""
    teams: tuple[TeamHealth, ...]


async def load_health(session: Session, ctx: AppContext, now: datetime) -> ServiceHealth:
    """Load heartbeats, counts of deliveries and the last runs of all teams."""
    waiting = {run.team: run for run in await runs.unfinished(session)}
    of_teams = []
    for key, team in ctx.teams.items():
        missing = len(await people.unconnected(session, key))
        joined = len(await people.members(session, key)) - missing
        last = await runs.last_finished(session, key)
        of_teams.append(TeamHealth(team.title, waiting.get(key), last, joined, missing))
    return ServiceHealth(
        beats=await heartbeats.all_beats(session),
        counts=await deliveries.count_by_state(session),
        given_up=await deliveries.given_up(session, since=now - GIVEN_UP_WITHIN, without=()),
        teams=tuple(of_teams),
    )


def health_view(t: Texts, data: ServiceHealth, now: datetime) -> View:
    """Show loops and messages, then a paragraph for every team."""
    text = [f"<b>{t('health-head')}</b>", *_loops(t, data.beats, now), *_messages(t, data)]
    for team in data.teams:
        text += ["", *_team(t, team)]
    return View("\n".join(text))


def _loops(t: Texts, beats: Mapping[str, datetime], now: datetime) -> list[str]:
    """Write one line if all loops are alive and Telegram serves the bot, else a line for each trouble."""
    loops = heartbeats.of_loops(beats)
    if not loops:
        return [f"{lines.BROKEN} {t('health-never-ran')}"]
    found = [
        t("health-silent", name=name, n=int((now - at) / timedelta(minutes=1)))
        for name, at in sorted(loops.items())
        if now - at > ALIVE
    ]
    found += [
        t(key, since=f"{beats[name]:%Y-%m-%d %H:%M} UTC")
        for name, key in _REFUSALS.items()
        if name in beats and now - beats[name] <= heartbeats.REFUSED_WITHIN
    ]
    heard = beats.get(heartbeats.UPDATES)
    if heard is not None and now - heard > HEARING:
        found.append(t("health-deaf", n=int((now - heard) / timedelta(minutes=1))))
    return [f"{lines.BROKEN} {text}" for text in found] or [f"✅ {t('health-alive')}"]


def _messages(t: Texts, data: ServiceHealth) -> list[str]:
    """Count what waits and what failed, and say why the last message failed."""
    waiting = data.counts.get(DeliveryState.PENDING, 0) + data.counts.get(DeliveryState.SENDING, 0)
    text = [t("health-messages", waiting=waiting, failed=data.counts.get(DeliveryState.FAILED, 0))]
    if data.given_up is not None:
        text.append(t("health-given-up", n=data.given_up.count, problem=safe(shortened(data.given_up.problem))))
    return text


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
