"""Find what people must hear of a service that seems to live: docs/product.md §5, §11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from bot.delivery.reasons import OF_THE_CHAT
from reglament.config.settings import Settings
from reglament.day.due import TeamClock, awaited_since, missed
from storage.days import heartbeats, runs
from storage.db.database import Session
from storage.messages import deliveries
from storage.people import teams
from storage.values import DeliveryState, Run

SILENT = timedelta(seconds=90)
"""Age of the newest heartbeat from which the whole service counts as dead."""
SILENT_LOOP = timedelta(minutes=10)
"""Age of a heartbeat from which a single loop counts as dead; a loop that sends much mail beats seldom."""
STUCK = timedelta(minutes=30)
"""Age of the oldest waiting message from which sending counts as stuck."""
FAILED_WITHIN = timedelta(days=1)
"""Age up to which messages given up count as a trouble."""
DEAF = timedelta(minutes=5)
"""Time without an answer to a request for updates from which the bot counts as deaf."""
UNCLAIMED = timedelta(minutes=10)
"""Time after a cutoff, or after the start of the service, by which a process must have begun the day."""
UNSETTLED = timedelta(minutes=15)
"""Time after the deadline of a day by which the day must be finished."""


class TroubleKind(StrEnum):
    """Name the kinds of trouble, as stored in notices."""

    LOOP_SILENT = "loop_silent"
    DAY_OVERDUE = "day_overdue"
    NO_RUN = "no_run"
    MESSAGES_WAIT = "messages_wait"
    MESSAGES_FAIL = "messages_fail"
    DEAF = "deaf"
    TOKEN_REFUSED = "token_refused"  # noqa: S105  # a kind of trouble
    RIVAL = "rival"
    CLOCK = "clock"
    NOT_ANCHORED = "not_anchored"


_ONCE_A_DAY = frozenset(
    {TroubleKind.MESSAGES_WAIT, TroubleKind.MESSAGES_FAIL, TroubleKind.TOKEN_REFUSED, TroubleKind.RIVAL}
)
"""Kinds whose begin moves while they last."""
_COUNTED = frozenset({TroubleKind.MESSAGES_WAIT, TroubleKind.MESSAGES_FAIL})
"""Kinds whose number grows, by the message to the admins too, and makes no other trouble."""
_LINES = {
    TroubleKind.LOOP_SILENT: "the loop {detail!r} is silent since {since}: restart the service, see the log",
    TroubleKind.DAY_OVERDUE: "the day {day} of team {team} should be finished since {since}: see the log",
    TroubleKind.NO_RUN: "nobody began the day {day} of team {team}, cutoff {since}: see the log",
    TroubleKind.MESSAGES_WAIT: "{detail} messages wait, the oldest since {since}: see the log",
    TroubleKind.MESSAGES_FAIL: "messages were given up since {since}: {detail}, the last: {problem}",
    TroubleKind.DEAF: (
        "no updates come in from Telegram since {since}: people get no answer; check network, token, webhook"
    ),
    TroubleKind.TOKEN_REFUSED: "Telegram refuses telegram.token (last at {since}): put the one from @BotFather there",
    TroubleKind.RIVAL: "another process polls with this token (last at {since}): stop it, or use the webhook",
    TroubleKind.NOT_ANCHORED: (
        "finished days could not be taken to the anchors since {since}: check [anchor], the disk and the log"
    ),
    TroubleKind.CLOCK: "this machine's clock is wrong, nothing is scored until it is right: {problem}",
}
"""Lines for an operator."""
_REFUSALS = {heartbeats.TOKEN_REFUSED: TroubleKind.TOKEN_REFUSED, heartbeats.RIVAL: TroubleKind.RIVAL}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Describe a trouble: kind, team and day where there is one, begin."""

    kind: TroubleKind
    since: datetime
    team: str = ""
    day: date | None = None
    detail: str = ""
    """A number, or the name of a loop."""
    problem: str = ""
    """What was seen, for an operator."""

    @property
    def event(self) -> str:
        """Name the trouble so that people are told once; of messages and of Telegram's refusals once a day."""
        if self.kind is TroubleKind.CLOCK:
            return f"trouble:{self.kind}:{self.since.isoformat()}"
        when = self.day or (self.since.date() if self.kind in _ONCE_A_DAY else self.since)
        if self.kind in _COUNTED:
            return f"trouble:{self.kind}:{when.isoformat()}"
        return f"trouble:{self.kind}:{self.team or self.detail}:{when.isoformat()}"

    @property
    def line(self) -> str:
        """Write the trouble for an operator."""
        since = f"{self.since:%Y-%m-%d %H:%M} UTC"
        return _LINES[self.kind].format(
            since=since, team=self.team, day=self.day, detail=self.detail, problem=self.problem
        )


async def find_troubles(
    session: Session, settings: Settings, beats: Mapping[str, datetime], now: datetime
) -> list[Trouble]:
    """Find every present trouble, by the tables and the settings; a service that just started has time to begin."""
    started = beats.get(heartbeats.START)
    found = [
        Trouble(TroubleKind.LOOP_SILENT, at, detail=name)
        for name, at in sorted(heartbeats.of_loops(beats).items())
        if now - max(at, started or at) > SILENT_LOOP
    ]
    unfinished = await runs.unfinished(session)
    found += _overdue(settings, unfinished, started, now)
    found += await _never_begun(session, settings, unfinished, started, now)
    oldest = await deliveries.oldest_pending(session, at=now)
    if oldest is not None and now - oldest > STUCK:
        counts = await deliveries.count_by_state(session)
        waiting = counts.get(DeliveryState.PENDING, 0)
        found.append(Trouble(TroubleKind.MESSAGES_WAIT, oldest, detail=str(waiting)))
    given_up = await deliveries.given_up(session, since=now - FAILED_WITHIN, without=OF_THE_CHAT)
    if given_up is not None:
        count, problem = str(given_up.count), given_up.problem
        found.append(Trouble(TroubleKind.MESSAGES_FAIL, given_up.first, detail=count, problem=problem))
    for name, kind in _REFUSALS.items():
        if name in beats and now - beats[name] <= heartbeats.REFUSED_WITHIN:
            found.append(Trouble(kind, beats[name]))
    at = beats.get(heartbeats.ANCHORS)
    if at is not None and now - max(at, started or at) > SILENT_LOOP:
        found.append(Trouble(TroubleKind.NOT_ANCHORED, at))
    heard = beats.get(heartbeats.UPDATES)
    if heard is not None and now - max(heard, started or heard) > DEAF:
        found.append(Trouble(TroubleKind.DEAF, heard))
    return found


def _overdue(settings: Settings, unfinished: Sequence[Run], started: datetime | None, now: datetime) -> list[Trouble]:
    found = []
    for run in unfinished:
        if run.team not in settings.teams:
            continue
        first = run.first_attempt_at if started is None else max(run.first_attempt_at, started)
        deadline = first + timedelta(minutes=settings.teams[run.team].retry_minutes)
        if now - deadline > UNSETTLED:
            found.append(Trouble(TroubleKind.DAY_OVERDUE, deadline, run.team, run.day))
    return found


async def _never_begun(
    session: Session, settings: Settings, unfinished: Sequence[Run], started: datetime | None, now: datetime
) -> list[Trouble]:
    """Find each team's oldest missed day without a run; later days wait for the day before."""
    begun = {(run.team, run.day) for run in unfinished}
    known = {team.key: team.scored_from for team in await teams.all_teams(session, archived=True)}
    clocks = [
        TeamClock(key, table.crm, table.calendar(), known[key]) for key, table in settings.teams.items() if key in known
    ]
    since = awaited_since(clocks, now, settings.catch_up_days)
    if since is None:
        return []
    finished = await runs.finished_by_team(session, since, max(clock.calendar.local_date(now) for clock in clocks))
    found = []
    for clock in clocks:
        for day in missed(clock, finished.get(clock.key, frozenset()), now, settings.catch_up_days)[:1]:
            cutoff = clock.calendar.cutoff_of(day)
            if (clock.key, day) not in begun and now - max(cutoff, started or cutoff) > UNCLAIMED:
                found.append(Trouble(TroubleKind.NO_RUN, cutoff, clock.key, day))
    return found
