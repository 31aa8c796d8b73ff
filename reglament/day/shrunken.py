"""Take no list that shrank too much at once for the truth, until an admin confirms the loss (docs/product.md §11)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from crm_clients.base import CrmUser
from crm_clients.errors import CrmNonsense
from reglament.day.audience import load_admins
from reglament.day.notifications import Notification, enqueue, shrunken_list
from reglament.process import Process
from scoring.kpis import CATALOGUE, KpiKind
from scoring.names import alphabetical, told_apart
from scoring.records import RecordKind
from scoring.snapshot import Cause, NotRead, Number, Reading, Snapshot, Value
from storage.days import runs
from storage.days.snapshots import numbers
from storage.db.database import Session
from storage.people import people, shrunken_lists
from storage.people.shrunken_lists import subject_of

FEW = 2
"""Number of users that may go at once in a connection of any size."""
SHARE = 5
"""A fifth of the known users may go at once."""
MANY = 50
"""Number of deals or tasks of a team that do not vanish between two readings."""
LOOK_BACK = timedelta(days=90)
"""How far back the last reading of a team is searched."""

_OF_DEALS = frozenset(
    key for key, kpi in CATALOGUE.items() if kpi.kind is KpiKind.STATE and RecordKind.DEALS in kpi.needs
)
_OF_TASKS = frozenset(
    key for key, kpi in CATALOGUE.items() if kpi.kind is KpiKind.STATE and RecordKind.TASKS in kpi.needs
)


class UsersLost(CrmNonsense):
    """Report a list of users without many of the users known before."""


def is_too_much(known: int, lost: int) -> bool:
    """Tell whether a loss is more than max(2, 20 %) of the known users at once."""
    return lost > FEW and lost * SHARE > known


async def check_users(process: Process, connection: str, users: Sequence[CrmUser], day: date) -> None:
    """Compare a list of users with the last accepted list; ask the admins about a loss that is too large.

    Raises UsersLost, until an admin has confirmed the lost users; a list without any active user is never accepted.
    """
    subject = subject_of("users", connection)
    async with process.db.transaction() as session:
        known, lost = await _load_lost_users(session, connection, users)
        if not lost:
            await shrunken_lists.take(session, subject, at=process.now())
            return
        question = await shrunken_lists.note(session, subject, lost, at=process.now())
        team = min(process.settings.teams_of(connection))
        names = sorted(told_apart(lost).values(), key=alphabetical)
        admins = await load_admins(process, session, team)
        news = shrunken_list(team, day, connection, question.id, "users", len(known), names, admins)
        await enqueue(process, session, news)
    raise _users_lost(connection, known, lost)


async def require_users(session: Session, connection: str, users: Sequence[CrmUser]) -> None:
    """Compare a list of users with the last accepted list as `check_users` does, and store and ask nothing.

    Raises UsersLost.
    """
    known, lost = await _load_lost_users(session, connection, users)
    if lost:
        raise _users_lost(connection, known, lost)


async def _load_lost_users(
    session: Session, connection: str, users: Sequence[CrmUser]
) -> tuple[dict[str, str], dict[str, str]]:
    """Load the known users, and the users that a list lost; no lost users where the loss is small or confirmed.

    Raises UsersLost for a first list without anybody.
    """
    present = {user.id for user in users if user.active and user.human}
    known = await people.active_users(session, connection)
    if not present and not known:  # nobody to ask about: the very first list is a part, or the key sees nobody
        raise UsersLost(f"the list of users of {connection} names no active person")
    lost = {user: name for user, name in known.items() if user not in present}
    before = await shrunken_lists.newest(session, subject_of("users", connection))
    unconfirmed = lost.keys() - before.lost if before is not None and before.confirmed else lost.keys()
    is_accepted = present and not is_too_much(len(known), len(unconfirmed))
    return known, {} if is_accepted else lost


def _users_lost(connection: str, known: Collection[str], lost: Collection[str]) -> UsersLost:
    return UsersLost(
        f"the list of users lacks {len(lost)} of {len(known)} known users; nobody leaves until an admin confirms:"
        f" `reglament people confirm --connection {connection}`"
    )


@dataclass(frozen=True, slots=True)
class Vanished:
    """Hold a kind of state that vanished whole: `deals` or `tasks`, and the number read last."""

    what: str
    before: int

    @property
    def kpis(self) -> frozenset[str]:
        """List the KPIs that cannot be believed."""
        return _OF_DEALS if self.what == "deals" else _OF_TASKS


def vanished(before: Mapping[str, int], now: Mapping[str, int]) -> list[Vanished]:
    """Find what a team had many of at the last reading and has none of now, by sums of KPIs over the team.

    Tasks count as vanished if no task is overdue and, where told, no open deal has a task.
    """
    found = []
    if before.get("deals_open", 0) >= MANY and now.get("deals_open") == 0:
        found.append(Vanished("deals", before["deals_open"]))
    has_tasks = now.get("deals_without_task", 0) < now.get("deals_open", 0)
    if before.get("overdue_tasks", 0) >= MANY and now.get("overdue_tasks") == 0 and not has_tasks:
        found.append(Vanished("tasks", before["overdue_tasks"]))
    return found


_SUMMED = ("deals_open", "overdue_tasks", "deals_without_task")


async def doubt_vanished(
    process: Process, session: Session, team: str, connection: str, day: date, fresh: Sequence[Snapshot]
) -> list[Snapshot]:
    """Replace the readings of deals or tasks that vanished whole by NotRead, and ask the admins."""
    doubted: dict[str, Vanished] = {}
    for found in await _load_vanished(session, team, day, fresh):
        subject = subject_of(found.what, connection, team)
        asked = await shrunken_lists.newest(session, subject)
        if asked is not None and asked.confirmed:
            await shrunken_lists.take(session, subject, at=process.now())
            continue
        question = await shrunken_lists.note(session, subject, [str(found.before)], at=process.now())
        admins = await load_admins(process, session, team)
        news: list[Notification] = shrunken_list(
            team, day, connection, question.id, found.what, found.before, (), admins
        )
        await enqueue(process, session, news)
        doubted |= dict.fromkeys(found.kpis, found)
    return [_without(snapshot, doubted, connection) for snapshot in fresh]


async def without_vanished(
    session: Session, team: str, connection: str, day: date, fresh: Sequence[Snapshot]
) -> list[Snapshot]:
    """Replace the readings of deals or tasks that vanished whole by NotRead; store and ask nothing."""
    doubted: dict[str, Vanished] = {}
    for found in await _load_vanished(session, team, day, fresh):
        asked = await shrunken_lists.newest(session, subject_of(found.what, connection, team))
        if asked is None or not asked.confirmed:
            doubted |= dict.fromkeys(found.kpis, found)
    return [_without(snapshot, doubted, connection) for snapshot in fresh]


async def _load_vanished(session: Session, team: str, day: date, fresh: Sequence[Snapshot]) -> list[Vanished]:
    """Find what a team had many of at the last stored reading and has none of in a fresh reading."""
    now = _sums([(key, snapshot.number(key)) for snapshot in fresh for key in _SUMMED])
    if 0 not in (now.get("deals_open"), now.get("overdue_tasks")):
        return []
    return vanished(await _load_last_sums(session, team, day), now)


def _without(snapshot: Snapshot, doubted: Mapping[str, Vanished], connection: str) -> Snapshot:
    readings: dict[str, Reading] = dict(snapshot.readings)
    for key, found in doubted.items():
        if isinstance(readings.get(key), Value):
            text = (
                f"{found.before} {found.what} at the last reading and none now; to confirm:"
                f" `reglament people confirm --connection {connection}`"
            )
            readings[key] = NotRead(Cause.INCOMPLETE, text)
    return replace(snapshot, readings=readings)


async def _load_last_sums(session: Session, team: str, day: date) -> dict[str, int]:
    """Load the sum of each KPI over the team from the last run in which the KPI was read."""
    earlier = await runs.dates_between(session, team, day - LOOK_BACK, day - timedelta(days=1))
    ids = [run.id for run in reversed(earlier) if run.finished_at]
    rows = await numbers(session, ids, *_SUMMED)
    sums: dict[str, int] = {}
    for run_id in ids:
        of_run = [pair for row_id, _, found in rows if row_id == run_id for pair in zip(_SUMMED, found, strict=True)]
        sums = _sums(of_run) | sums
        if len(sums) == len(_SUMMED):
            break
    return sums


def _sums(pairs: Collection[tuple[str, Number | None]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, number in pairs:
        if isinstance(number, int):
            sums[key] = sums.get(key, 0) + number
    return sums
