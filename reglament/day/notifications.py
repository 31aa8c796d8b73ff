"""Decide who is told of a day, and write the deliveries with the ledger (docs/product.md §5, §8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from zlib import crc32

from crm_clients.errors import CrmError
from reglament.day.audience import Audience
from reglament.day.read import cause_of, is_refusal
from reglament.day.troubles import Trouble
from reglament.process import Process
from scoring.scorecard import Outcome, Scorecard
from scoring.snapshot import Cause, NotRead, Reading
from storage.backup import marks
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import (
    AlarmNotice,
    BoardNotice,
    DayUnscoredNotice,
    DelayedNotice,
    DepartedNotice,
    DigestNotice,
    EveningNotice,
    NoDataNotice,
    Notice,
    PinnedBoardNotice,
    ReminderNotice,
    RightsMissingNotice,
    ShrunkenListNotice,
    TroubleNotice,
    UnreadDayNotice,
    ZeroQuestionNotice,
    reminder_event,
    run_event,
    to_group,
    to_person,
    to_telegram,
)
from storage.values import Member, Run

_OF_A_DAY = (
    EveningNotice,
    BoardNotice,
    DayUnscoredNotice,
    PinnedBoardNotice,
    DigestNotice,
    NoDataNotice,
    RightsMissingNotice,
    UnreadDayNotice,
    DelayedNotice,
    DepartedNotice,
    ReminderNotice,
)
"""Notices that report a day. Alarms and troubles are about the present, and questions still need an answer."""
NAMED_LOST_USERS = 10
"""Number of users that the question about a shrunken list names."""


Notification = deliveries.NewDelivery


def evening(
    run: Run,
    cards: Iterable[Scorecard],
    audience: Audience,
    earlier: Iterable[date] = (),
    *,
    error: CrmError | None = None,
    departed: tuple[int, ...] = (),
) -> list[Notification]:
    """Announce a finished run: each manager's score, the leaderboard, the digest, and to admins KPIs without data.

    `earlier` days were caught up with this run and get a line each. A head gets one message: the digest tells what was
    not read, by `error` why nothing was, and by the deliveries `departed` who left.
    """
    every, team, day, event = list(cards), run.team, run.day, run_event(run.id)
    scored = {card.manager.crm_user for card in every}
    caught_up = tuple(earlier)
    result = [
        Notification(
            event,
            to_person(member.person_id),
            EveningNotice(team=team, day=day, crm_user=member.crm_user, earlier=caught_up),
        )
        for member in audience.members
        if member.person_id is not None and member.connected and member.crm_user in scored
    ]
    result += _to_the_group(run, every, audience, caught_up)
    digest = DigestNotice(team=team, day=day, earlier=caught_up, refused=is_refusal(error), departed=departed)
    if error is not None and not every:
        digest = replace(digest, problem=str(error), cause=cause_of(error))
    result += _to_each(audience.heads, event, digest)
    if any(
        _is_unforeseen(line.outcome, card.snapshot.readings.get(line.rule.kpi)) for card in every for line in card.lines
    ):
        result += _to_each(audience.admins - audience.heads, event, NoDataNotice(team=team, day=day))
    return result


def _to_the_group(
    run: Run, cards: Iterable[Scorecard], audience: Audience, earlier: tuple[date, ...]
) -> list[Notification]:
    """Send the board of a scored day, else the word that nobody was scored; and bring the pinned board up to date."""
    team, day, notices = run.team, run.day, list[Notice]()
    if run.rulebook.rules and all(run.rulebook.is_observed(rule, day) for rule in run.rulebook.rules):
        return []  # in observation there is no board, and nothing to be sorry for
    if audience.group:
        is_scored = any(card.count(Outcome.KEPT) + card.count(Outcome.BROKEN) for card in cards)
        board = BoardNotice(team=team, day=day, earlier=earlier)
        notices.append(board if is_scored else DayUnscoredNotice(team=team, day=day, earlier=earlier))
    if audience.pins:
        notices.append(PinnedBoardNotice(team=team, day=day, thread=audience.thread))
    return [Notification(run_event(run.id), to_group(team), notice) for notice in notices]


def _is_unforeseen(outcome: Outcome, reading: Reading | None) -> bool:
    """Tell whether a rule has no data for a cause of which admins are not told apart, once."""
    is_told_apart = isinstance(reading, NotRead) and reading.cause in (Cause.RIGHTS, Cause.UNANSWERED)
    return outcome is Outcome.NO_DATA and not is_told_apart


def rights_missing(run: Run, connection: str, lacking: Mapping[str, str], audience: Audience) -> list[Notification]:
    """Tell the admins of KPIs (with the cause) for which the key lacks a right; once for all teams of a connection."""
    notice = RightsMissingNotice(
        team=run.team,
        day=run.day,
        connection=connection,
        kpis=tuple(sorted(lacking)),
        problem="; ".join(sorted({detail for detail in lacking.values() if detail})),
    )
    return _to_each(audience.admins, f"rights:{connection}:{run.day}:{crc32(repr(notice.kpis).encode()):08x}", notice)


def delayed(run: Run, audience: Audience, *, retry_until: datetime, problem: str) -> list[Notification]:
    """Tell the heads once that the CRM does not answer, and until when reading is retried."""
    notice = DelayedNotice(team=run.team, day=run.day, retry_until=retry_until, problem=problem)
    return _to_each(audience.heads, run_event(run.id), notice)


def unread_day(run: Run, telegram_ids: Iterable[int], error: CrmError) -> list[Notification]:
    """Tell admins, and heads who get no digest, that a day was finished without any reading."""
    notice = UnreadDayNotice(team=run.team, day=run.day, problem=str(error), cause=cause_of(error))
    return _to_each(telegram_ids, run_event(run.id), notice)


def day_unscored(run: Run, audience: Audience) -> list[Notification]:
    """Tell the group that nobody was scored on a day."""
    notice = DayUnscoredNotice(team=run.team, day=run.day)
    return [Notification(run_event(run.id), to_group(run.team), notice)] if audience.group else []


def alarm(team: str, day: date, connection: str, admins: Iterable[int], problem: str) -> list[Notification]:
    """Tell the admins, once a day, that the CRM refuses requests."""
    notice = AlarmNotice(team=team, day=day, connection=connection, problem=problem)
    return _to_each(admins, f"alarm:{connection}:{day}", notice)


def trouble(found: Trouble, team: str, audience: Audience) -> list[Notification]:
    """Tell the admins, once, of a trouble of the service; `team` names whose admins."""
    notice = TroubleNotice(team=team, trouble=found.kind.value, since=found.since, day=found.day, detail=found.detail)
    return _to_each(audience.admins, found.event, replace(notice, problem=found.problem))


def shrunken_list(
    team: str,
    day: date,
    connection: str,
    question: int,
    what: str,
    known: int,
    lost: Sequence[str],
    admins: Iterable[int],
) -> list[Notification]:
    """Ask the admins once whether a list that shrank is right; `lost` names users, of deals and tasks nothing."""
    notice = ShrunkenListNotice(
        team=team,
        day=day,
        connection=connection,
        question=question,
        what=what,
        known=known,
        lost=len(lost) or known,
        names=tuple(lost[:NAMED_LOST_USERS]),
    )
    return _to_each(admins, f"list:{question}", notice)


def zero_question(run: Run, kpi: str, admins: Iterable[int]) -> list[Notification]:
    """Ask the admins whether a KPI that is zero for everybody is kept in the CRM at all."""
    notice = ZeroQuestionNotice(team=run.team, day=run.day, connection=run.connection, kpi=kpi)
    return _to_each(admins, f"zero:{run.id}:{kpi}", notice)


def departed(day: date, member: Member, heads: Iterable[int], not_before: datetime | None = None) -> list[Notification]:
    """Tell the heads once that a manager left the CRM."""
    notice = DepartedNotice(team=member.team or "", day=day, crm_user=member.crm_user, name=member.name)
    return _to_each(heads, f"departed:{member.id}:{day}", notice, not_before)


def reminders(team: str, day: date, cards: Iterable[Scorecard], audience: Audience) -> list[Notification]:
    """Remind the managers with broken rules before the cutoff, with the readings as of now."""
    members = {member.crm_user: member for member in audience.members}
    result = []
    for card in cards:
        user = card.manager.crm_user
        member = members.get(user)
        broken = any(line.outcome is Outcome.BROKEN for line in card.lines)
        if member is None or member.person_id is None or not member.connected or not broken:
            continue
        notice = ReminderNotice(team=team, day=day, crm_user=user, readings=card.snapshot.readings)
        result.append(Notification(reminder_event(team, day), to_person(member.person_id), notice))
    return result


def _to_each(
    telegram_ids: Iterable[int], event: str, notice: Notice, not_before: datetime | None = None
) -> list[Notification]:
    return [Notification(event, to_telegram(telegram_id), notice, not_before) for telegram_id in sorted(telegram_ids)]


async def enqueue(process: Process, session: Session, news: Iterable[Notification]) -> None:
    """Write deliveries and tell the engine, in the caller's transaction; a delivery written before stays as stored.

    After a restore people are not told again of days that they had been told of before.
    """
    added = await deliveries.add_all(session, await _untold(session, list(news)), at=process.now())
    if added:
        await process.enqueue(session, added)


async def _untold(session: Session, news: Sequence[Notification]) -> list[Notification]:
    """Leave out the news of days that people were told of before a restore; alarms and questions stay."""
    told = {team: await marks.told_until(session, team) for team in {item.notice.team for item in news}}
    return [
        item
        for item in news
        if not isinstance(item.notice, _OF_A_DAY) or (last := told[item.notice.team]) is None or item.notice.day > last
    ]
