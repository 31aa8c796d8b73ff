"""The way to the read of the CRM takes as many statements for many teams as for few."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from crm_clients.base import CrmUser
from reglament.config.settings import build
from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from reglament.day.members import synchronise_members
from reglament.service.metrics import Metrics
from reglament.service.work import ServiceWork
from storage.db.database import Database
from tests.reglament.day.thursday import THURSDAY, ready_process
from tests.reglament.scripted import ANNA, PETR, tables

MOST_A_TEAM = 85
"""Statements of a team's very first evening, from the answer of the CRM to the ledger, the begin of its journal too."""


class Statements:
    """The statements since the last look."""

    def __init__(self) -> None:
        self._count = 0

    def note(self, *_given: Any) -> None:
        self._count += 1

    def taken(self) -> int:
        count, self._count = self._count, 0
        return count


@pytest.fixture
def statements():
    counter = Statements()
    event.listen(Engine, "before_cursor_execute", counter.note)
    yield counter
    event.remove(Engine, "before_cursor_execute", counter.note)


async def _evening(db, crm, clock, statements, teams: int) -> tuple[int, int, int]:
    """Statements of a look at what is due and of the metrics, from there to the read, and after the read."""
    users = [str(number) for number in range(100, 100 + 2 * (teams - 1))]
    crm.people = [CrmUser(user, f"Person {user}") for user in (ANNA, PETR, *users)]
    data = tables(members={"users": [ANNA, PETR]})
    for number in range(teams - 1):
        members = {"users": users[2 * number : 2 * number + 2]}
        data["teams"][f"team{number}"] = dict(data["teams"]["sales"], members=members)
    ready = await ready_process(db, crm, clock, build(data))
    await synchronise_members(ready, "main", crm.people, THURSDAY)

    async def send(_delivery_id: int) -> None:
        """Nothing is sent."""

    work = ServiceWork(ready, await load_clocks(ready), await LiveReadings.load(ready), send)
    at_read: list[int] = []
    read = crm.read

    async def noted(request):
        at_read.append(statements.taken())
        async for fact in read(request):
            yield fact

    statements.taken()
    [due], _ = await work.due()
    await Metrics().refresh(db, tuple(data["teams"]))
    look = statements.taken()
    crm.read = noted
    assert len(due.teams) == teams
    assert await work.cutoff(due)
    crm.read = read
    return look, at_read[0], sum(at_read[1:]) + statements.taken()


async def test_many_teams_take_no_more_statements_before_the_read(sqlite_template, tmp_path, crm, clock, statements):
    found = []
    for teams in (2, 6):
        file = tmp_path / f"{teams}.db"
        shutil.copy(sqlite_template, file)
        async with await Database.open(f"sqlite:///{file}") as db:
            found.append(await _evening(db, crm, clock, statements, teams))
    few, many = found
    assert many[:2] == few[:2]
    assert (many[2] - few[2]) / 4 <= MOST_A_TEAM
