"""Whose Bitrix24's deals are, where a deal was lost, and which fields a deal needs in its stage."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.records import Change, Company, Deal, DealState, Doubtful, RecordKind, Task
from tests.crm_clients.bitrix24.portal import Portal
from tests.crm_clients.bitrix24.team import ANNA, BORIS, DAY, HOUR, SECOND, Reader, closed, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START

pytestmark = pytest.mark.usefixtures("no_backoff")

MOVER: dict[str, Any] = {"deals_credit": "mover"}


async def read_deal(where: Portal, *kpis: str, now: Any = None, **settings: Any) -> Deal:
    """The only deal of a portal."""
    reader = Reader(where, **({"now": now} if now else {}), **settings)
    return next(fact for fact in await reader.facts(*kpis) if isinstance(fact, Deal))


# Who moved it


async def test_who_moved_a_deal_into_won_is_told_if_the_settings_credit_the_mover() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"), movedBy=BORIS)

    assert (await read_deal(where, "deals_won", **MOVER)).moved_by == str(BORIS)
    assert (await read_deal(where, "deals_won")).moved_by == ""


async def test_who_moved_a_lost_deal_to_another_failure_stage_did_not_lose_the_deal() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "LOSE", "F"), (START + 2 * HOUR, "APOLOGY", "F"), movedBy=BORIS)

    assert (await read_deal(where, "deals_lost", **MOVER)).moved_by == ""


async def test_who_moved_a_deal_after_the_cutoff_did_not_win_the_deal() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"), (CUTOFF + 5 * SECOND, "TALKS", "P"), movedBy=BORIS)

    read = await read_deal(where, "deals_won", **MOVER)

    assert (read.state, read.moved_by) == (DealState.WON, "")


async def test_a_portal_that_does_not_tell_who_moved_a_deal_credits_the_responsible_and_check_says_so() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"), movedBy=BORIS)
    reader = Reader(where, **MOVER)
    reader.fake.unknown_fields = frozenset({"movedBy"})

    (read,) = [fact for fact in await reader.facts("deals_won") if isinstance(fact, Deal)]
    findings = await reader.check({str(ANNA): "Анна"})

    assert read.moved_by == ""
    assert any("do not tell who moved" in finding.text for finding in findings if finding.subject == "deals_won")


# Where it was lost


async def test_a_deal_lost_in_one_funnel_and_moved_to_another_tells_when_and_where_it_was_lost() -> None:
    where = portal()
    moved = START + 2 * HOUR
    where.add_deal(1, "Прогрев", ANNA, "C4:NEW", created=LONG_AGO, moved=moved, category=4, ufCrmReason="Дорого")
    where.add_move(1, "NEW", "P", LONG_AGO, 1)
    where.add_move(1, "LOSE", "F", START + HOUR, 3)
    where.add_move(1, "C4:NEW", "P", moved, 5, 4)

    for kpi in ("deals_lost", "lost_without_reason"):
        read = await read_deal(where, kpi, loss_reason_field="UF_CRM_REASON")
        assert (read.state, read.pipeline) == (DealState.OPEN, "4")
        assert (read.lost_at, read.lost_from) == (START + HOUR, "0")
    assert read.loss_reason == "Дорого"


async def test_a_deal_moved_to_another_funnel_without_being_lost_tells_no_loss() -> None:
    where = portal()
    moved = START + 2 * HOUR
    where.add_deal(1, "Прогрев", ANNA, "C4:NEW", created=LONG_AGO, moved=moved, category=4)
    where.add_move(1, "NEW", "P", LONG_AGO, 1)
    where.add_move(1, "C4:NEW", "P", moved, 5, 4)

    read = await read_deal(where, "deals_lost")

    assert (read.lost_at, read.lost_from) == (None, "")


async def test_a_deal_lost_inside_the_funnel_where_it_stands_tells_no_loss_elsewhere() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "LOSE", "F"), (START + 2 * HOUR, "TALKS", "P"))

    read = await read_deal(where, "deals_lost")

    assert (read.state, read.lost_at) == (DealState.OPEN, None)


# Required fields by stage


async def test_a_field_is_required_from_a_stage_on_in_the_order_of_the_funnel() -> None:
    where = portal()
    for key, stage in ((1, "NEW"), (2, "TALKS"), (3, "OFFER")):
        if stage == "OFFER":
            where.add_stage(stage, None)
        deal(where, key, stage=stage, ufCrm_170="")
    settings: dict[str, Any] = {"required_fields": {"0/TALKS": ["UF_CRM_170"]}}

    facts = await Reader(where, **settings).facts("deals_missing_fields")

    missing = {fact.id: fact.missing_fields for fact in facts if isinstance(fact, Deal)}
    assert missing == {"1": (), "2": ("Город доставки",), "3": ("Город доставки",)}


async def test_fields_of_one_title_are_told_apart_and_an_untitled_one_is_named_as_in_the_settings() -> None:
    where = portal()
    where.fields |= {"ufCrm_171": {"type": "string", "title": "Город доставки"}, "ufCrm_172": {"type": "string"}}
    deal(where, 1, ufCrm_170="", ufCrm_171="", ufCrm_172="")
    settings: dict[str, Any] = {"required_fields": {"*": ["UF_CRM_170", "UF_CRM_171", "UF_CRM_172"]}}

    found = await read_deal(where, "deals_missing_fields", **settings)

    titles = ("Город доставки (UF_CRM_170)", "Город доставки (UF_CRM_171)", "UF_CRM_172")
    assert found.missing_fields == titles


async def test_the_stage_at_the_cutoff_decides_which_fields_are_required() -> None:
    where = portal()
    closed(where, 1, (CUTOFF + 5 * SECOND, "TALKS", "P"), ufCrm_170="")
    settings: dict[str, Any] = {"required_fields": {"0/TALKS": ["UF_CRM_170"]}}

    assert (await read_deal(where, "deals_missing_fields", **settings)).missing_fields == ()


async def test_check_names_funnels_and_stages_of_the_settings_that_the_portal_does_not_have() -> None:
    where = portal()
    deal(where, 1)
    settings: dict[str, Any] = {
        "required_fields": {"0/TALKS": ["UF_CRM_170"], "4/TALKS": ["UF_CRM_170"], "9": ["UF_CRM_170"]}
    }

    findings = await Reader(where, **settings).check({str(ANNA): "Анна"})

    told = next(finding.text for finding in findings if finding.subject == "deals_missing_fields")
    assert "4/TALKS, 9" in told
    assert "0/TALKS," not in told.partition(";")[0]


# Doubt from the cutoff on


async def test_a_deal_changed_after_the_cutoff_is_doubtful_however_soon_it_is_read() -> None:
    where = portal()
    deal(where, 1, updated=CUTOFF + 4 * SECOND)

    facts = await Reader(where, now=CUTOFF + 5 * SECOND).facts("deals_open")

    changed = next(fact for fact in facts if isinstance(fact, Deal))
    doubt = next(fact for fact in facts if isinstance(fact, Doubtful))
    assert Change.OWNER in changed.changed
    assert (doubt.users, doubt.change, doubt.state) == ({str(ANNA), str(BORIS)}, Change.OWNER, DealState.OPEN)
    assert isinstance(doubt.record, Deal)
    assert (doubt.record.id, doubt.record.changed) == ("1", frozenset())


async def test_each_deal_changed_after_the_cutoff_is_named() -> None:
    where = portal()
    for key in (1, 2):
        deal(where, key, updated=CUTOFF + 4 * SECOND)
    deal(where, 3)

    facts = await Reader(where).facts("deals_open")

    assert {fact.record.id for fact in facts if isinstance(fact, Doubtful) and isinstance(fact.record, Deal)} == {
        "1",
        "2",
    }


async def test_a_company_changed_after_the_cutoff_is_doubtful_where_the_owner_is_credited() -> None:
    where = portal()
    where.add_company(1, "Ромашка", ANNA, BORIS, START + HOUR, updatedTime="2026-11-18T18:00:04+03:00")
    where.add_company(2, "Лютик", ANNA, BORIS, START + HOUR)

    by_owner = await Reader(where, companies_credit="owner").facts("companies_added")
    by_creator = await Reader(where).facts("companies_added")

    assert {fact.id: fact.changed for fact in by_owner if isinstance(fact, Company)} == {
        "1": {Change.OWNER},
        "2": frozenset(),
    }
    doubt = next(fact for fact in by_owner if isinstance(fact, Doubtful))
    assert doubt.kind is RecordKind.COMPANIES
    assert isinstance(doubt.record, Company)
    assert not [fact for fact in by_creator if isinstance(fact, Doubtful)]


async def test_wins_and_companies_of_the_window_before_are_read_for_what_came_late() -> None:
    where = portal()
    closed(where, 1, (START - HOUR, "WON", "S"))
    closed(where, 2, (START - 2 * DAY, "WON", "S"))
    where.add_company(1, "Вчерашняя", ANNA, ANNA, START - HOUR)

    facts = await Reader(where).facts("deals_won", "companies_added")

    assert [fact.id for fact in facts if isinstance(fact, Deal)] == ["1"]
    assert [fact.id for fact in facts if isinstance(fact, Company)] == ["1"]


SOON = CUTOFF + 4 * SECOND
LATE, LATER = CUTOFF - DAY, CUTOFF + DAY


async def read_tasks(where: Portal) -> tuple[dict[str, frozenset[Change]], list[Doubtful]]:
    """Tasks by id with their changes, and the doubts of a read of overdue tasks."""
    facts = await Reader(where).facts("overdue_tasks")
    tasks = {fact.id: fact.changed for fact in reversed(facts) if isinstance(fact, Task)}  # the first row counts
    return tasks, [fact for fact in facts if isinstance(fact, Doubtful)]


async def test_an_activity_postponed_after_the_cutoff_may_have_been_overdue_at_the_cutoff() -> None:
    where = portal()
    where.add_activity(1, "Отложено", ANNA, deadline=LATER, created=LONG_AGO, updated=SOON)
    where.add_activity(2, "Впереди", ANNA, deadline=LATER, created=LONG_AGO)

    tasks, doubts = await read_tasks(where)

    assert tasks.keys() == {"1"}
    assert Change.DEADLINE in tasks["1"]
    assert [doubt.record.id for doubt in doubts if isinstance(doubt.record, Task)] == ["1"]


async def test_an_activity_done_after_the_cutoff_may_have_been_done_before_and_edited_since() -> None:
    where = portal()
    where.add_activity(1, "Сделано", ANNA, deadline=LATE, created=LONG_AGO, updated=SOON, done=True)

    tasks, _ = await read_tasks(where)

    assert Change.COMPLETION in tasks["1"]


async def test_an_overdue_task_of_somebody_else_changed_after_the_cutoff_may_have_been_a_members() -> None:
    where = portal()
    where.add_user(50, "Секретарь")
    where.add_activity(1, "Передано", 50, deadline=LATE, created=LONG_AGO, updated=SOON)
    where.add_task(60, "Передано", 50, deadline=LATE, created=LONG_AGO, changed=SOON)
    where.add_task(61, "Своё", 50, deadline=LATE, created=LONG_AGO)

    _, doubts = await read_tasks(where)

    assert {doubt.record.id for doubt in doubts if isinstance(doubt.record, Task)} == {"1", "task-60"}
    assert all(isinstance(doubt.record, Task) and not doubt.record.changed for doubt in doubts)


async def test_a_task_postponed_after_the_cutoff_is_doubtful_and_a_task_only_closed_since_is_not() -> None:
    where = portal()
    where.add_task(60, "Отложено", ANNA, deadline=LATER, created=LONG_AGO, changed=SOON)
    where.add_task(61, "Закрыто", ANNA, deadline=LATE, created=LONG_AGO, closed=SOON, status=5)
    where.add_task(62, "Изменено, закрыто", ANNA, deadline=LATE, created=LONG_AGO, closed=SOON, status=5,
                   changed=SOON + 10 * SECOND)  # fmt: skip

    tasks, _ = await read_tasks(where)

    assert Change.DEADLINE in tasks["task-60"]
    assert tasks["task-61"] == frozenset()
    assert Change.DEADLINE in tasks["task-62"]
