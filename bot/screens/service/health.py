"""Show `/health`: whether the service works, which messages wait, and the last cutoff of every team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.context import AppContext
from bot.delivery.reasons import OF_THE_CHAT
from bot.screens import lines
from bot.screens.service.problems import for_operator, loop_name
from bot.screens.view import View
from bot.texts import Texts, safe
from storage.days import heartbeats, runs
from storage.db.database import Session
from storage.errors import DatabaseLocked, DatabaseReadOnly, DiskFull
from storage.messages import deliveries
from storage.messages.deliveries import GivenUp
from storage.people import people
from storage.values import DeliveryState, Run, RunState

ALIVE = timedelta(seconds=90)
"""A loop with an older heartbeat is silent."""
GIVEN_UP_WITHIN = timedelta(days=7)
"""Age up to which a message given up is told with the reason."""
STUCK, FAILED_WITHIN, UNANCHORED = timedelta(minutes=30), timedelta(days=1), timedelta(minutes=10)
"""Age of a waiting message, of a message given up and of the last anchor, from which, or up to which, they are a
trouble."""
_REFUSALS = {heartbeats.TOKEN_REFUSED: "trouble-token-refused", heartbeats.RIVAL: "trouble-rival"}
_WRITING: Mapping[type[Exception], str] = {
    DiskFull: "disk-full",
    DatabaseReadOnly: "read-only",
    DatabaseLocked: "locked",
}
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
    oldest: datetime | None = None
    """Since when the oldest message waits."""
    failing: GivenUp | None = None
    """Messages given up in the last day for reasons that do not lie with their chats."""
    writing: str = ""
    """Why the database takes no writes, as the end of a text key `health-write-…`; empty: it does."""


async def load_writing(ctx: AppContext, now: datetime) -> str:
    """Try to write, and name what is in the way as the end of a text key; empty if nothing is."""
    try:
        async with ctx.db.transaction() as session:
            await heartbeats.beat(session, heartbeats.PROBE, at=now)
    except tuple(_WRITING) as error:
        return _WRITING[type(error)]
    return ""


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
        oldest=await deliveries.oldest_pending(session, at=now),
        failing=await deliveries.given_up(session, since=now - FAILED_WITHIN, without=OF_THE_CHAT),
    )


def health_view(t: Texts, data: ServiceHealth, now: datetime) -> View:
    """Show loops and messages, then a paragraph for every team."""
    text = [f"<b>{t('health-head')}</b>", *_loops(t, data, now), *_messages(t, data)]
    for team in data.teams:
        text += ["", *_team(t, team)]
    return View("\n".join(text))


def _loops(t: Texts, data: ServiceHealth, now: datetime) -> list[str]:
    """Write one line if all loops are alive and the bot is served, else a line for each trouble."""
    beats = data.beats
    loops = heartbeats.of_loops(beats)
    found = [t(f"health-write-{data.writing}")] if data.writing else []
    found += [] if loops else [t("health-never-ran")]
    found += [
        t("health-silent", name=loop_name(t, name), n=int((now - at) / timedelta(minutes=1)))
        for name, at in sorted(loops.items())
        if now - at > ALIVE
    ]
    found += [
        t(key, since=_moment(t, beats[name]))
        for name, key in _REFUSALS.items()
        if name in beats and now - beats[name] <= heartbeats.REFUSED_WITHIN
    ]
    found += _stuck(t, data, now)
    heard = beats.get(heartbeats.UPDATES)
    if heard is not None and now - heard > HEARING:
        found.append(t("health-deaf", n=int((now - heard) / timedelta(minutes=1))))
    return [f"{lines.BROKEN} {text}" for text in found] or [f"✅ {t('health-alive')}"]


def _stuck(t: Texts, data: ServiceHealth, now: datetime) -> list[str]:
    """Write which messages wait too long or were given up, and whether days stay without anchors."""
    text = []
    if data.oldest is not None and now - data.oldest > STUCK:
        waiting = str(data.counts.get(DeliveryState.PENDING, 0))
        text.append(t("trouble-messages-wait", detail=waiting, since=_moment(t, data.oldest)))
    if data.failing is not None:
        count = str(data.failing.count)
        text.append(t("trouble-messages-fail", detail=count, since=_moment(t, data.failing.first)))
    anchored = data.beats.get(heartbeats.ANCHORS)
    if anchored is not None and now - max(anchored, data.beats.get(heartbeats.START, anchored)) > UNANCHORED:
        text.append(t("trouble-not-anchored", since=_moment(t, anchored)))
    return text


def _moment(t: Texts, at: datetime) -> str:
    return f"{t.moment(at, ZoneInfo('UTC'))} UTC"


def _messages(t: Texts, data: ServiceHealth) -> list[str]:
    """Count what waits and what failed, and say why the last message failed."""
    waiting = data.counts.get(DeliveryState.PENDING, 0) + data.counts.get(DeliveryState.SENDING, 0)
    text = [t("health-messages", waiting=waiting, failed=data.counts.get(DeliveryState.FAILED, 0))]
    if data.given_up is not None:
        text += _given_up(t, data.given_up)
    return text


def _given_up(t: Texts, found: GivenUp) -> list[str]:
    """Count the messages given up, with the reason of the last."""
    key = f"channel-{found.problem.replace(' ', '_')}"
    if t.has(key):
        return [t("health-given-up", n=found.count, reason=t(key))]
    return [t("health-given-up", n=found.count, reason=t("channel-refused")), *for_operator(t, found.problem)]


def _team(t: Texts, team: TeamHealth) -> list[str]:
    text = [f"<b>{safe(team.title)}</b>"]
    if team.waiting is not None and team.waiting.state is RunState.POSTPONED:
        text.append(f"{lines.BROKEN} {t('health-postponed', day=t.day(team.waiting.day))}")
        text += for_operator(t, team.waiting.problem)
    if team.last is None:
        text.append(t("health-never"))
    elif team.last.missing:
        unread = lines.kpi_names(t, team.last.missing)
        text.append(f"⚪ {t('health-partly', day=t.day(team.last.day), unread=unread)}")
        text += for_operator(t, next(iter(team.last.missing.values())))
    else:
        text.append(f"✅ {t('health-last', day=t.day(team.last.day))}")
    text.append(t("health-joined", joined=team.joined, missing=team.missing))
    return text
