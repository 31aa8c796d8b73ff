"""Odoo's tasks, meetings and comments."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from scoring.records import Completed, Failed, Meeting, RecordKind, Task
from scoring.snapshot import Value
from tests.crm_clients.client_under_test import ends
from tests.crm_clients.company import company
from tests.crm_clients.odoo.fake import HOST, stamp
from tests.crm_clients.odoo.team import HOUR, Odoo, errors_of
from tests.crm_clients.world import ANNA, CUTOFF, START, World, WorldComment, WorldDeal, WorldMeeting, WorldTask

pytestmark = pytest.mark.usefixtures("no_backoff")


async def test_a_page_whose_rows_are_all_hidden_does_not_end_the_reading() -> None:
    tasks = [WorldTask(str(n), f"Дело {n}", ANNA, date(2026, 11, 1)) for n in range(2000, 4500)]
    odoo = Odoo(World(tasks=tasks), options={"hidden": lambda _, row: 2000 <= row["id"] < 4000})
    assert await odoo.number("overdue_tasks") == 500


async def test_an_activity_done_after_the_cutoff_was_overdue_at_it() -> None:
    task = WorldTask("2001", "Позвонить", ANNA, date(2026, 11, 1), done_at=CUTOFF + timedelta(seconds=10))
    assert ends((await Odoo(World(tasks=[task])).readings())["overdue_tasks"]) == (0, 1)


async def test_activities_of_all_documents_count_and_link_to_them() -> None:
    odoo = Odoo(World(tasks=[WorldTask("2001", "Позвонить", ANNA, date(2026, 11, 1))]))
    (task,) = [fact for fact in await odoo.facts() if isinstance(fact, Task)]
    assert odoo.client.link(task) == f"https://{HOST}/odoo/res.partner/77"


async def test_an_activity_without_a_document_has_no_link() -> None:
    odoo = Odoo(World(tasks=[WorldTask("2001", "Личное", ANNA, date(2026, 11, 1))]))
    odoo.fake.tables["mail.activity"][0].update(res_model=False, res_id=0, summary=False)
    (task,) = [fact for fact in await odoo.facts() if isinstance(fact, Task)]
    assert odoo.client.link(task) == ""
    assert task.title == "todo"


async def test_a_calendar_meeting_to_come_is_the_next_step_of_its_deal() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Со встречей", ANNA), WorldDeal("1002", "Прошедшая", ANNA)]))
    for deal, stop in ((1001, CUTOFF + HOUR), (1002, CUTOFF - HOUR)):
        event = {"id": deal, "name": "Встреча", "user_id": [7, "…"], "opportunity_id": [deal, "…"], "stop": stamp(stop)}
        odoo.fake.tables["calendar.event"].append({**event, "create_date": stamp(START), "active": True})
    reading = (await odoo.readings())["deals_without_task"]
    assert isinstance(reading, Value)
    assert [item.title for item in reading.items] == ["Прошедшая"]
    assert await odoo.number("overdue_tasks") == 0


async def test_only_activities_of_members_and_deals_are_asked_for() -> None:
    tasks = [
        WorldTask("2001", "Чужое", "15", date(2026, 11, 1)),
        WorldTask("2002", "Чужое по сделке", "15", date(2026, 11, 1), deals=("1001",)),
    ]
    found = [fact.id for fact in await Odoo(World(tasks=tasks)).facts() if isinstance(fact, Task)]
    assert found == ["2002"]
    everybody = await Odoo(World(tasks=tasks)).facts(members=frozenset())
    assert [fact.id for fact in everybody if isinstance(fact, Task)] == ["2001", "2002"]


async def test_a_meeting_is_credited_to_who_closed_it_and_links_to_its_document() -> None:
    odoo = Odoo(World(deals=[], meetings=[WorldMeeting("3001", "Переговоры", ANNA, START + HOUR, START, "1001")]))
    (meeting,) = [fact for fact in await odoo.facts() if isinstance(fact, Meeting)]
    assert meeting.manager == ANNA
    assert meeting.held_at == START + HOUR
    assert odoo.client.link(meeting) == f"https://{HOST}/odoo/crm.lead/1001"


@pytest.mark.parametrize("names", [["Call"], ["2"]])
async def test_the_settings_may_name_what_a_meeting_is(names: list[str]) -> None:
    odoo = Odoo(World(), settings={"meeting_types": names})
    odoo.fake.message(
        1001, START + HOUR, None, author_id=[odoo.fake.partner(7), "…"], mail_activity_type_id=[2, "Call"]
    )
    odoo.fake.message(1001, START + HOUR, None, author_id=[odoo.fake.partner(7), "…"], mail_activity_type_id=[3, "…"])
    assert await odoo.number("meetings_held") == 1


async def test_an_unknown_meeting_type_fails_meetings_alone() -> None:
    odoo = Odoo(company(), settings={"meeting_types": ["Обед"]})
    marks = {fact.kind: fact for fact in await odoo.facts() if isinstance(fact, Completed | Failed)}
    assert isinstance(marks.pop(RecordKind.MEETINGS), Failed)
    assert all(isinstance(mark, Completed) for mark in marks.values())
    assert "Обед" in errors_of(await odoo.findings())


async def test_mailings_are_no_comments_but_letters_of_the_client_are() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Рассылка", ANNA), WorldDeal("1002", "Письмо", ANNA)]))
    odoo.fake.message(1001, START, None, author_id=[odoo.fake.partner(7), "…"], message_type="email_outgoing")
    odoo.fake.message(1002, START, None, author_id=False, message_type="email")
    reading = (await odoo.readings())["deals_without_comment"]
    assert isinstance(reading, Value)
    assert [item.title for item in reading.items] == ["Рассылка"]


async def test_odoos_own_comments_are_nobodys() -> None:
    comment = WorldComment("6001", "1001", "99", START, human=False)
    odoo = Odoo(World(deals=[WorldDeal("1001", "Бот", ANNA)], comments=[comment]))
    assert await odoo.number("deals_without_comment") == 1
