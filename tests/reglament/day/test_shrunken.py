"""A list that shrank too much at once is a failed read until an admin confirms it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.context import LiveUnavailable
from crm_clients.base import CrmUser
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import LiveReadings
from reglament.day.members import synchronise_members
from reglament.day.shrunken import is_too_much, vanished
from scoring.records import Deal, DealState
from scoring.scorecard import Outcome, score
from storage.days import queries
from storage.errors import Refused
from storage.messages.notices import DeliveryKind, ShrunkenListNotice
from storage.people import people, shrunken_lists
from tests.reglament.day.thursday import AT_SIX, THURSDAY, ready_process
from tests.reglament.scripted import MOSCOW_6PM, facts, settings
from tests.storage.told import told

MANY = [CrmUser(str(number), f"Сотрудник {number}") for number in range(20)]
FRIDAY = DueCutoff("main", THURSDAY + timedelta(days=1), MOSCOW_6PM + timedelta(days=1), ("sales",))


@pytest.mark.parametrize(
    ("known", "lost", "too_much"),
    [(2, 2, False), (3, 3, True), (10, 2, False), (10, 3, True), (20, 4, False), (20, 5, True), (100, 20, False)],
)
def test_more_than_two_and_more_than_a_fifth_at_once_is_too_much(known, lost, too_much):
    assert is_too_much(known, lost) is too_much


async def _active(database):
    async with database.reading() as session:
        return await people.active_users(session, "main")


async def _question(database):
    async with database.reading() as session:
        [waiting] = await shrunken_lists.pending(session, "main")
        [message] = await told(session, f"list:{waiting.id}")
    return waiting, message


@pytest.mark.parametrize("left", [[], MANY[:15], [CrmUser("99", "Новичок")]])
async def test_a_shrunken_list_of_users_dismisses_nobody_and_asks_the_admins_once(database, crm, clock, left):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", MANY, THURSDAY)
    crm.people = left
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    clock.pass_(hours=2)
    [result] = await run_cutoff(ready, AT_SIX)
    async with database.reading() as session:
        day = await queries.day(session, "sales", THURSDAY)
    assert len(day.cards) == 20
    assert {line.outcome for card in day.cards for line in card.lines} == {Outcome.NO_DATA}
    assert len(await _active(database)) == 20
    _, message = await _question(database)
    assert (message.kind, message.recipient) == (DeliveryKind.SHRUNKEN_LIST, "tg:999")
    assert isinstance(message.notice, ShrunkenListNotice)


async def test_a_confirmed_list_is_taken_once(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", MANY, THURSDAY)
    crm.people = MANY[:10]
    [result] = await run_cutoff(ready, AT_SIX)
    async with database.transaction() as session:
        await shrunken_lists.confirm(session, "main", author="test", at=clock())
    clock.at = result.retry_at
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is not None
    assert len(await _active(database)) == 10
    async with database.transaction() as session:
        with pytest.raises(Refused):
            await shrunken_lists.confirm(session, "main", author="test", at=clock())


async def test_a_list_that_is_empty_is_never_taken(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    crm.people = []
    [result] = await run_cutoff(ready, AT_SIX)
    async with database.transaction() as session:
        await shrunken_lists.confirm(session, "main", author="test", at=clock())
    clock.at = result.retry_at
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    assert len(await _active(database)) == 2


async def test_a_first_list_without_anybody_is_no_list(database, crm, clock):
    """It finished the very first day with no line, as if the department had nobody in it."""
    ready = await ready_process(database, crm, clock)
    everybody, crm.people = crm.people, []
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    assert "names no active person" in result.problem
    crm.people = everybody
    clock.at = result.retry_at
    [result] = await run_cutoff(ready, AT_SIX)
    async with database.reading() as session:
        day = await queries.day(session, "sales", THURSDAY)
        assert await shrunken_lists.pending(session, "main") == []
    assert len(day.cards) == 2


async def test_a_newer_list_needs_a_confirmation_of_its_own(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", MANY, THURSDAY)
    crm.people = MANY[:15]
    [result] = await run_cutoff(ready, AT_SIX)
    first, _ = await _question(database)
    crm.people = MANY[:5]
    clock.at = result.retry_at
    await run_cutoff(ready, AT_SIX)
    second, _ = await _question(database)
    assert first.id != second.id
    async with database.transaction() as session:
        with pytest.raises(Refused):
            await shrunken_lists.confirm(session, "main", author="test", at=clock(), only=first.id)


def _deals():
    return [Deal(f"d{number}", "Сделка", "11", DealState.OPEN, MOSCOW_6PM - timedelta(days=3)) for number in range(60)]


async def test_deals_of_a_team_that_vanish_whole_are_not_read_until_confirmed(database, crm, clock):
    wanted = settings(rules=[{"kpi": "deals_without_comment", "at_most": 100}])
    ready = await ready_process(database, crm, clock, wanted)
    crm.records = facts(_deals())
    await run_cutoff(ready, AT_SIX)
    crm.records = {}
    clock.pass_(days=1)
    [result] = await run_cutoff(ready, FRIDAY)
    assert result.run is None
    waiting, message = await _question(database)
    assert waiting.subject == "deals:main:sales"
    assert message.notice.known == 60
    async with database.transaction() as session:
        await shrunken_lists.confirm(session, "main", author="test", at=clock())
    clock.at = result.retry_at
    [result] = await run_cutoff(ready, FRIDAY)
    assert result.run is not None
    async with database.reading() as session:
        day = await queries.day(session, "sales", FRIDAY.day)
    assert {line.outcome for card in day.cards for line in card.lines} == {Outcome.KEPT}


@pytest.mark.parametrize(
    ("before", "now", "what"),
    [
        ({"deals_open": 50}, {"deals_open": 0}, ["deals"]),
        ({"deals_open": 49}, {"deals_open": 0}, []),
        ({"deals_open": 50}, {"deals_open": 1}, []),
        ({"deals_open": 50}, {}, []),
        ({"overdue_tasks": 50}, {"overdue_tasks": 0}, ["tasks"]),
        ({"overdue_tasks": 50}, {"overdue_tasks": 0, "deals_open": 9, "deals_without_task": 9}, ["tasks"]),
        ({"overdue_tasks": 50}, {"overdue_tasks": 0, "deals_open": 9, "deals_without_task": 8}, []),
    ],
)
def test_fifty_at_the_last_reading_and_none_now_is_no_reading(before, now, what):
    assert [found.what for found in vanished(before, now)] == what


async def _shown(ready, clock):
    """Outcomes that `/today` shows, by user."""
    reading = await (await LiveReadings.load(ready)).read("sales", clock())
    cards = [score(snapshot, reading.rulebook, reading.day) for snapshot in reading.snapshots]
    return {card.manager.crm_user: {line.rule.id: line.outcome for line in card.lines} for card in cards}


async def test_today_believes_vanished_deals_no_sooner_than_the_cutoff_does_and_asks_nobody(database, crm, clock):
    ready = await ready_process(
        database, crm, clock, settings(rules=[{"kpi": "deals_without_comment", "at_most": 100}])
    )
    crm.records = facts(_deals())
    await run_cutoff(ready, AT_SIX)
    crm.records = {}
    clock.pass_(hours=20)
    assert (await _shown(ready, clock))["11"] == {"deals_without_comment": Outcome.NO_DATA}
    async with database.reading() as session:
        assert await shrunken_lists.pending(session, "main") == []
    clock.at = FRIDAY.cutoff
    await run_cutoff(ready, FRIDAY)
    async with database.transaction() as session:
        await shrunken_lists.confirm(session, "main", author="test", at=clock())
    clock.pass_(hours=1)
    assert (await _shown(ready, clock))["11"] == {"deals_without_comment": Outcome.KEPT}


async def test_today_does_not_believe_a_shrunken_list_of_users(database, crm, clock):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", MANY, THURSDAY)
    crm.people = MANY[:15]
    clock.at = MOSCOW_6PM - timedelta(hours=2)
    with pytest.raises(LiveUnavailable, match="lacks 5 of 20 known users"):
        await _shown(ready, clock)
    assert len(await _active(database)) == 20
    crm.people = MANY[:17]
    assert len(await _shown(ready, clock)) == 17
