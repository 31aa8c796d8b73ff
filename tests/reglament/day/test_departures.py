"""What the head hears of a manager who left the CRM, and when."""

from __future__ import annotations

from crm_clients.base import CrmUser
from reglament.day.cutoff import run_cutoff
from reglament.day.members import synchronise_members
from scoring.records import RecordKind
from storage.days import queries, runs
from storage.days.snapshots import stored_snapshots
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, DigestNotice, run_event
from storage.people import people
from storage.values import DeliveryState
from tests.reglament.day.thursday import AT_SIX, OVERDUE, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, HEAD, PETR, facts
from tests.scoring.builders import deal
from tests.storage.told import told


async def test_who_left_the_crm_is_not_scored_and_his_head_is_told(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    crm.people = [CrmUser(ANNA, "Анна Примерова"), CrmUser(PETR, "Пётр Образцов", active=False)]
    await run_cutoff(ready, AT_SIX)
    async with database.reading() as session:
        entries = await queries.entries(session, "sales", THURSDAY, THURSDAY)
        assert {entry.crm_user for entry in entries} == {ANNA}
        assert not (await people.member(session, "main", PETR)).active
    sent = await _departures(database)
    assert [(item.kind, item.recipient) for item in sent] == [(DeliveryKind.DEPARTED, f"tg:{HEAD}")]


async def test_the_head_is_told_which_deals_who_left_has_left_behind(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    crm.people = [CrmUser(ANNA, "Анна Примерова"), CrmUser(PETR, "Пётр Образцов", active=False)]
    crm.records = facts([deal("d1", manager=PETR), deal("d2", manager=ANNA), deal("d3", manager=PETR), OVERDUE])
    await run_cutoff(ready, AT_SIX)
    [notice] = await _departures(database)
    assert notice.state is DeliveryState.CANCELLED
    assert await _in_digest(database) == (notice.id,)
    readings = notice.notice.readings
    assert [item.id for item in readings["deals_open"].items] == ["d1", "d3"]
    assert [item.id for item in readings["overdue_tasks"].items] == ["t1"]
    async with database.reading() as session:
        run = await runs.find(session, "sales", THURSDAY)
        [kept] = await stored_snapshots(session, run.id)
    assert set(kept.snapshot.readings) == set(run.rulebook.counted)


async def test_a_notice_of_who_left_waits_for_his_deals_no_longer_than_a_read_may_take(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    crm.people = [CrmUser(ANNA, "Анна Примерова"), CrmUser(PETR, "Пётр Образцов", active=False)]
    crm.broken_kinds = {RecordKind.DEALS}
    await run_cutoff(ready, AT_SIX)
    [notice] = await _departures(database)
    assert (notice.notice.readings, notice.state) == (None, DeliveryState.PENDING)
    crm.broken_kinds = set()
    crm.records = facts([deal("d1", manager=PETR), OVERDUE])
    clock.pass_(seconds=30)
    await run_cutoff(ready, AT_SIX)
    [notice] = await _departures(database)
    assert [item.id for item in notice.notice.readings["deals_open"].items] == ["d1"]
    assert await deliveries.due(database, at=clock())


async def _in_digest(database):
    """The notices that the head's digest took in."""
    async with database.reading() as session:
        run = await runs.find(session, "sales", THURSDAY)
        [digest] = [item for item in await told(session, run_event(run.id)) if item.kind == DeliveryKind.DIGEST]
    assert isinstance(digest.notice, DigestNotice)
    return digest.notice.departed


async def _departures(database):
    async with database.reading() as session:
        member = await people.member(session, "main", PETR)
        return await told(session, f"departed:{member.id}:{THURSDAY}")
