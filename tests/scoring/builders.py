"""The same people and the same Wednesday in all tests of scoring; facts with one word changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from scoring.earlier_runs import EarlierRuns
from scoring.kpis import CATALOGUE, Capability, KpiSettings
from scoring.records import (
    Call,
    Comment,
    Company,
    Completed,
    Deal,
    DealState,
    Fact,
    Meeting,
    Money,
    Record,
    RecordKind,
    Task,
)
from scoring.rules import Bound, Rule
from scoring.snapshot import Cause, Manager, NotRead, Reading, Snapshot, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window

MOSCOW = ZoneInfo("Europe/Moscow")
ANNA = Manager("7", "Анна Примерова")
BORIS = Manager("12", "Борис Образцов")
TEAM = {ANNA.crm_user: ANNA, BORIS.crm_user: BORIS}
STRANGER = "99"

CUTOFF = datetime(2025, 11, 19, 18, tzinfo=MOSCOW)
"""A Wednesday."""
DAY = CUTOFF.date()
YESTERDAY = CUTOFF - timedelta(days=1)
WINDOW = Window(YESTERDAY, CUTOFF, YESTERDAY - timedelta(days=1))
LONG_AGO = CUTOFF - timedelta(days=90)
SECOND = timedelta(seconds=1)
REBUILDABLE = dict.fromkeys(CATALOGUE, Capability.REBUILDABLE)
PRESENT = dict.fromkeys(CATALOGUE, Capability.PRESENT)
BEFORE = EarlierRuns(
    read={key: frozenset({"7"}) for key in CATALOGUE}, counted={key: frozenset({"1"}) for key in CATALOGUE}
)
"""The run before read everything of the first manager, and counted records number 1."""


def deal(id: str = "1", **changes: Any) -> Deal:  # noqa: A002
    plain: dict[str, Any] = {
        "title": "Поставка фильтров",
        "manager": "7",
        "state": DealState.OPEN,
        "created_at": LONG_AGO,
        "stage_since": CUTOFF - timedelta(days=2),
    }
    return Deal(id, **(plain | changes))


def won(id: str = "1", *, at: datetime | None = CUTOFF - timedelta(hours=3), **changes: Any) -> Deal:  # noqa: A002
    return deal(id, state=DealState.WON, closed_at=at, **changes)


def lost(id: str = "1", *, at: datetime | None = CUTOFF - timedelta(hours=3), **changes: Any) -> Deal:  # noqa: A002
    return deal(id, state=DealState.LOST, closed_at=at, **changes)


def task(id: str = "1", **changes: Any) -> Task:  # noqa: A002
    plain: dict[str, Any] = {"title": "Позвонить", "manager": "7", "created_at": LONG_AGO}
    return Task(id, **(plain | changes))


def call(id: str = "1", **changes: Any) -> Call:  # noqa: A002
    plain: dict[str, Any] = {
        "title": "Звонок",
        "manager": "7",
        "ended_at": CUTOFF - timedelta(hours=2),
        "seconds": 90,
        "incoming": False,
        "answered": True,
    }
    return Call(id, **(plain | changes))


def missed(id: str = "1", **changes: Any) -> Call:  # noqa: A002
    return call(id, **({"seconds": 0, "incoming": True, "answered": False} | changes))


def meeting(id: str = "1", **changes: Any) -> Meeting:  # noqa: A002
    return Meeting(id, "Встреча", **({"manager": "7"} | changes))


def company(id: str = "1", **changes: Any) -> Company:  # noqa: A002
    plain: dict[str, Any] = {"title": "Ромашка-Пример", "manager": "7", "created_at": CUTOFF - timedelta(hours=2)}
    return Company(id, **(plain | changes))


def comment(deal_id: str = "1", at: datetime | None = CUTOFF - timedelta(days=5)) -> Comment:
    return Comment(deal_id, at)


def money(amount: str, currency: str = "RUB") -> Money:
    return Money(Decimal(amount), currency)


def link(record: Record) -> str:
    return f"https://crm.example/{type(record).__name__.lower()}/{'' if isinstance(record, Comment) else record.id}"


def completed(at: datetime = CUTOFF, kinds: Iterable[RecordKind] = RecordKind) -> list[Completed]:
    return [Completed(kind, at) for kind in kinds]


def tally(
    facts: Iterable[Fact], *, capabilities: Mapping[str, Capability] = REBUILDABLE, **sheet: Any
) -> dict[str, Snapshot]:
    """Snapshots by CRM user, from exactly these facts."""
    plain: dict[str, Any] = {
        "members": TEAM,
        "window": WINDOW,
        "zone": MOSCOW,
        "kpis": tuple(CATALOGUE),
        "settings": KpiSettings(),
    }
    counting = Tally(TallySheet(**(plain | sheet)), capabilities, link)
    for fact in facts:
        counting.add(fact)
    return {snapshot.manager.crm_user: snapshot for snapshot in counting.snapshots()}


def reading(key: str, *facts: Fact, user: str = "7", read_at: datetime = CUTOFF, **options: Any) -> Reading:
    """One manager's KPI when everything was read at `read_at`."""
    return tally([*facts, *completed(read_at)], **options)[user].readings[key]


def value(key: str, *facts: Fact, **options: Any) -> Value:
    found = reading(key, *facts, **options)
    assert isinstance(found, Value), found
    return found


def ends(key: str, *facts: Fact, **options: Any) -> tuple[Any, Any]:
    """The two ends of a doubtful value."""
    found = reading(key, *facts, **options)
    assert isinstance(found, NotRead), found
    assert found.cause is Cause.CHANGED
    assert found.range is not None
    return found.range.low.number, found.range.high


def number(key: str, *facts: Fact, **options: Any) -> Any:
    return value(key, *facts, **options).number


def ids(key: str, *facts: Fact, **options: Any) -> list[str]:
    return [item.id for item in value(key, *facts, **options).items]


def at_most(kpi: str, limit: str = "0", **changes: Any) -> Rule:
    return Rule(changes.pop("id", kpi), kpi, Bound.AT_MOST, Decimal(limit), **changes)


def at_least(kpi: str, limit: str = "1", **changes: Any) -> Rule:
    return Rule(changes.pop("id", kpi), kpi, Bound.AT_LEAST, Decimal(limit), **changes)


def snapshot(manager: Manager = ANNA, **readings: Reading | int) -> Snapshot:
    return Snapshot(
        manager, {key: Value(found) if isinstance(found, int) else found for key, found in readings.items()}
    )
