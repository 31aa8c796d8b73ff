"""Thursday, 2026-11-19, of a team of two: Anna added a company, Petr has an overdue task."""

from __future__ import annotations

from datetime import date, timedelta

from reglament.day.due import DueCutoff
from reglament.process import store_teams
from scoring.records import Company, Task
from tests.reglament.scripted import ANNA, MOSCOW_6PM, PETR, process

THURSDAY = date(2026, 11, 19)
AT_SIX = DueCutoff("main", THURSDAY, MOSCOW_6PM, ("sales",))
HOUR = timedelta(hours=1)

COMPANY = Company("c1", "Ромашка-Пример", ANNA, MOSCOW_6PM - HOUR)
OVERDUE = Task("t1", "Позвонить", PETR, deadline=MOSCOW_6PM - HOUR, created_at=MOSCOW_6PM - 30 * HOUR)


async def ready_process(database, crm, clock, wanted=None, **options):
    """The process around the CRM, with its teams stored."""
    ready = process(database, crm, clock, wanted, **options)
    await store_teams(ready)
    return ready
