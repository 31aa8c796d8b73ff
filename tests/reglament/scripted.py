"""A CRM that says what a test tells it to, and the process around it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from crm_clients.base import CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.errors import CrmError
from reglament.config.settings import Settings, build
from reglament.process import Process
from scoring.appeals.proofs import Disputed, Proof, Verdict
from scoring.kpi import Scope
from scoring.kpis import CATALOGUE, Capability
from scoring.records import Completed, Fact, Failed, Record, RecordKind
from scoring.rules import CrmCounting
from scoring.snapshot import Cause
from storage.db.database import Database

MOSCOW_6PM = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
"""18:00 on Thursday 2026-11-19 in Moscow."""

ANNA, PETR, HEAD = "11", "12", 222


@dataclass
class ScriptedCrm:
    """Yields `records` for the kinds that are asked for; fails as told."""

    now: Any
    records: dict[RecordKind, list[Record]] = field(default_factory=dict)
    people: list[CrmUser] = field(
        default_factory=lambda: [CrmUser(ANNA, "Анна Примерова"), CrmUser(PETR, "Пётр Образцов")]
    )
    down: CrmError | None = None
    broken_kinds: set[RecordKind] = field(default_factory=set)
    forbidden_kinds: set[RecordKind] = field(default_factory=set)
    capabilities: Mapping[str, Capability] = field(
        default_factory=lambda: dict.fromkeys(CATALOGUE, Capability.REBUILDABLE)
    )
    stats: ReadStats = field(default_factory=ReadStats)
    requests: list[ReadRequest] = field(default_factory=list)
    proofs: dict[str, Proof] = field(default_factory=dict)
    """What a re-check tells, by evidence key; of other records nothing."""
    user_lists: int = 0
    """How often the list of users was asked for."""

    async def users(self) -> list[CrmUser]:
        self.user_lists += 1
        if self.down:
            raise self.down
        return list(self.people)

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        self.requests.append(request)
        self.stats.requests += 1
        if self.down:
            raise self.down
        for kind in sorted(request.kinds):
            started = self.now()
            for record in self.records.get(kind, ()):
                yield record
            if kind in self.broken_kinds:
                yield Failed(kind, "the answer was cut")
            elif kind in self.forbidden_kinds:
                yield Failed(kind, "the webhook lacks the scope telephony", Cause.RIGHTS)
            else:
                yield Completed(kind, started)

    async def recheck(self, items: Sequence[Disputed], _scope: Scope) -> list[Proof]:
        if self.down:
            raise self.down
        return [self.proofs.get(item.key, Proof(item.key, Verdict.NOT_TOLD)) for item in items]

    async def check(self, _members: Mapping[str, str]) -> list[Finding]:
        return []

    def link(self, record: Record) -> str:
        return f"https://crm.example/{type(record).__name__.lower()}/{getattr(record, 'id', '')}"

    async def aclose(self) -> None:
        pass


class FixedConnections:
    """One scripted client behind every connection."""

    def __init__(self, crm: ScriptedCrm) -> None:
        self.crm = crm
        self.counted_as: list[CrmCounting | None] = []
        """By read: what the day's rulebook says of the connection."""

    def client(self, _connection: str) -> ScriptedCrm:
        return self.crm

    def client_for(self, _connection: str, counting: CrmCounting | None) -> ScriptedCrm:
        self.counted_as.append(counting)
        return self.crm

    def timeout(self, _connection: str) -> float:
        return 30.0

    def shift(self, _connection: str) -> timedelta:
        return timedelta(0)

    async def aclose(self) -> None:
        pass


@dataclass
class TestClock:
    """Now, as the test moves it."""

    __test__ = False
    at: datetime = MOSCOW_6PM

    def __call__(self) -> datetime:
        return self.at

    def pass_(self, **span: float) -> None:
        self.at += timedelta(**span)


def tables(**team: Any) -> dict[str, Any]:
    """Settings of one team of two with two rules."""
    return {
        "company": "Пример и партнёры",
        "telegram": {"admins": [999]},
        "crm": {"main": {"kind": "demo"}},
        "teams": {
            "sales": {
                "title": "Отдел продаж",
                "crm": "main",
                "members": {"everyone": True},
                "heads": [HEAD],
                "rules": [{"kpi": "companies_added", "at_least": 1}, {"kpi": "overdue_tasks", "at_most": 0}],
                **team,
            }
        },
    }


def settings(**team: Any) -> Settings:
    return build(tables(**team))


def process(
    db: Database,
    crm: ScriptedCrm,
    clock: TestClock,
    wanted: Settings | None = None,
    *,
    service: bool = True,
    owner: str = "a",
) -> Process:
    return Process(
        db=db,
        settings=wanted or settings(),
        connections=FixedConnections(crm),  # type: ignore[arg-type]
        owner=owner,
        started_at=clock() if service else None,
        now=clock,
    )


def facts(records: Iterable[Record]) -> dict[RecordKind, list[Record]]:
    """Records by the kind they are read as."""
    kinds = {
        "Deal": RecordKind.DEALS,
        "Task": RecordKind.TASKS,
        "Company": RecordKind.COMPANIES,
        "Meeting": RecordKind.MEETINGS,
        "Call": RecordKind.CALLS,
        "Comment": RecordKind.COMMENTS,
    }
    result: dict[RecordKind, list[Record]] = {}
    for record in records:
        result.setdefault(kinds[type(record).__name__], []).append(record)
    return result
