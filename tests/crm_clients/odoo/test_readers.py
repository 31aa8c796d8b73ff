"""What a reader of Odoo cannot be fooled by: companies out of sight, rows of a wrong form, what Odoo hides."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crm_clients.base import Severity
from crm_clients.errors import CrmNonsense, RightsMissing
from scoring.causes import Cause
from scoring.records import Change, Company, Deal, Doubtful, Failed, Meeting, RecordKind, Task, Unreadable
from scoring.snapshot import NotRead, Value
from tests.crm_clients.company import company
from tests.crm_clients.odoo.fake import READER, OdooError, Row, stamp
from tests.crm_clients.odoo.team import Odoo, errors_of
from tests.crm_clients.world import (
    ANNA,
    BORIS,
    CUTOFF,
    NAMES,
    START,
    WON,
    Move,
    World,
    WorldComment,
    WorldCompany,
    WorldDeal,
    WorldMeeting,
    WorldTask,
)

HOUR = timedelta(hours=1)


def _user(odoo: Odoo, user: int) -> Row:
    return next(row for row in odoo.fake.tables["res.users"] if row["id"] == user)


# Users


@pytest.mark.parametrize("answer", [[], None, False, {}])
async def test_a_list_of_users_without_the_keys_own_is_no_list(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    odoo = Odoo(company())
    call = odoo.fake.call

    def emptied(model: str, method: str, ids: Any, arguments: dict[str, Any]) -> Any:
        return answer if (model, method) == ("res.users", "search_read") else call(model, method, ids, arguments)

    monkeypatch.setattr(odoo.fake, "call", emptied)
    with pytest.raises(CrmNonsense):
        await odoo.client.users()


async def test_a_list_of_users_that_lost_the_key_and_others_is_a_failed_read() -> None:
    odoo = Odoo(company())
    odoo.fake.tables["res.users"] = [row for row in odoo.fake.tables["res.users"] if row["id"] != READER]
    with pytest.raises(CrmNonsense, match="own user"):
        await odoo.client.users()


async def test_names_and_titles_are_cut_and_hold_no_control_characters() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Щ" * 9000 + "\0", ANNA, moves=(Move(START + HOUR, WON),))]))
    _user(odoo, int(ANNA))["name"] = "Анна\0" + "я" * 9000
    names = {user.id: user.name for user in await odoo.client.users()}
    assert len(names[ANNA]) == 120
    assert names[ANNA].startswith("Анна я")
    assert names[ANNA].endswith("…")
    (deal,) = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert deal.title == "Щ" * 499 + "…"


# Sight


async def test_a_key_that_lacks_a_company_reads_nothing_and_fails_the_check() -> None:
    odoo = Odoo(company())
    companies = odoo.fake.tables["res.company"]
    companies += [{"id": 2, "name": "Север", "currency_id": [1, "RUB"]}]
    with pytest.raises(RightsMissing, match=r"1 of 2 companies.*Север \(2\)"):
        await odoo.facts()
    assert "Север (2)" in errors_of(await odoo.findings())
    _user(odoo, READER)["company_ids"] = [1, 2]
    assert isinstance((await odoo.readings())["deals_open"], Value)


async def test_a_company_that_the_key_cannot_see_is_known_by_the_people_who_work_there() -> None:
    odoo = Odoo(company())
    _user(odoo, int(BORIS))["company_id"] = [3, "Юг"]
    with pytest.raises(RightsMissing, match=r"Юг \(3\)"):
        await odoo.facts()


async def test_deals_that_are_hidden_although_their_activities_are_not_fail_the_deals() -> None:
    world = World(
        deals=[WorldDeal("1001", "Видна", ANNA), WorldDeal("1002", "Скрыта", ANNA, visible=False)],
        tasks=[WorldTask("2001", "По скрытой", ANNA, deals=("1002",))],
    )
    readings = await Odoo(world).readings()
    reading = readings["deals_open"]
    assert isinstance(reading, NotRead)
    assert reading.cause is Cause.RIGHTS
    assert "activities are visible whose deals are not (1)" in reading.detail
    assert isinstance(readings["overdue_tasks"], Value)


async def test_what_narrows_the_keys_sight_is_asked_at_most_once_an_hour() -> None:
    odoo = Odoo(company())
    for _ in range(3):
        await odoo.facts()
    asked = [request for request in odoo.line.requests if b"res.company" in request.url.raw_path]
    assert len(asked) == 2  # the rows, and the end of the list


async def test_a_listed_activity_that_does_not_come_fails_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    odoo = Odoo(World(tasks=[WorldTask("2001", "Видно", ANNA), WorldTask("2002", "Пропало", ANNA)]))
    call = odoo.fake.call

    def partly(model: str, method: str, ids: Any, arguments: dict[str, Any]) -> Any:
        answer = call(model, method, ids, arguments)
        return answer[:1] if (model, method) == ("mail.activity", "search_read") else answer

    monkeypatch.setattr(odoo.fake, "call", partly)
    (failed,) = [fact for fact in await odoo.facts("overdue_tasks") if isinstance(fact, Failed)]
    assert "row 2002" in failed.reason


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OdooError("odoo.exceptions.AccessError", "no", 403), Cause.RIGHTS),
        (OdooError("werkzeug.exceptions.NotFound", "no such model", 404), Cause.RIGHTS),
        (OdooError("odoo.exceptions.UserError", "no"), Cause.INCOMPLETE),
    ],
)
async def test_a_missing_right_or_method_is_a_cause_of_its_own(
    error: OdooError, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    odoo = Odoo(company())
    call = odoo.fake.call

    def refused(model: str, method: str, ids: Any, arguments: dict[str, Any]) -> Any:
        if model == "res.partner":
            raise error
        return call(model, method, ids, arguments)

    monkeypatch.setattr(odoo.fake, "call", refused)
    readings = await odoo.readings()
    reading = readings["companies_added"]
    assert isinstance(reading, NotRead)
    assert reading.cause is cause
    assert isinstance(readings["deals_open"], Value)


# Rows of a wrong form


async def test_a_deal_of_a_wrong_form_fails_its_owner_alone() -> None:
    odoo = Odoo(company())
    next(row for row in odoo.fake.tables["crm.lead"] if row["id"] == 1010)["expected_revenue"] = 10**40
    theirs, hers = await odoo.readings(BORIS), await odoo.readings(ANNA)
    for key in ("deals_open", "won_amount", "stale_deals"):
        reading = theirs[key]
        assert isinstance(reading, NotRead)
        assert reading.cause is Cause.MALFORMED
        assert "row 1010" in reading.detail
        assert isinstance(hers[key], Value)
    assert isinstance(theirs["companies_added"], Value)


@pytest.mark.parametrize(
    ("model", "kpis"), [("crm.lead", ["deals_open", "deals_won"]), ("res.partner", ["companies_added"])]
)
@pytest.mark.parametrize("kept", [0, 1])
async def test_a_page_that_came_empty_or_cut_is_no_end_of_the_list(
    monkeypatch: pytest.MonkeyPatch, model: str, kpis: list[str], kept: int
) -> None:
    odoo = Odoo(company())
    real, cut = odoo.fake.call, []

    def call(asked: str, method: str, ids: Any, arguments: Any) -> Any:
        rows = real(asked, method, ids, arguments)
        if (
            (asked, method) == (model, "search_read")
            and len(rows) > kept
            and arguments["domain"][-1][:2] == ["id", ">"]
        ):
            cut.append(rows[kept:])
            return rows[:kept] if len(cut) == 1 else []
        return rows

    monkeypatch.setattr(odoo.fake, "call", call)
    readings = await odoo.readings()
    assert cut
    for kpi in kpis:
        reading = readings[kpi]
        assert isinstance(reading, NotRead)
        assert f"row {cut[0][0]['id']}" in reading.detail


async def test_an_activity_whose_document_is_text_is_named() -> None:
    odoo = Odoo(company())
    next(row for row in odoo.fake.tables["mail.activity"] if row["id"] == 2001)["res_id"] = "1001"
    (bad,) = [fact for fact in await odoo.facts() if isinstance(fact, Unreadable)]
    assert bad.kind is RecordKind.TASKS
    assert bad.users == {ANNA}
    assert "row 2001" in bad.reason


# What Odoo hides


async def test_deals_of_an_archived_team_do_not_count_and_check_names_them() -> None:
    world = company()
    odoo = Odoo(world)
    team = next(row for row in odoo.fake.tables["crm.team"] if row["id"] == 2)
    before = await odoo.number("deals_open", BORIS)
    team["active"] = False
    assert await odoo.number("deals_open", BORIS) == before - 1
    of_team, of_people = [finding for finding in await odoo.findings() if finding.severity is Severity.WARNING]
    assert of_team.subject == of_people.subject == "deals_open"
    assert of_team.text.startswith("1 open deal of the archived sales team Прогрев (2), not counted")
    assert of_people.text.endswith("counted for nobody (hand those over): Зоя Ушедшая (1)")


async def test_check_names_deals_of_archived_people_and_archived_deals_that_are_not_lost() -> None:
    odoo = Odoo(company())
    account = next(row for row in odoo.fake.tables["res.users"] if str(row["id"]) == BORIS)
    account["active"] = False
    deals = [row for row in odoo.fake.tables["crm.lead"] if row["user_id"] and str(row["user_id"][0]) == ANNA]
    archived = next(row for row in deals if row["active"] and 0 < row["probability"] < 100)
    archived["active"] = False
    left, put_away = [f.text for f in await odoo.findings() if f.severity is Severity.WARNING]
    assert f"{NAMES[BORIS]} (5)" in left
    assert put_away.startswith("1 opportunity archived without being lost, not counted as open")


async def test_a_company_archived_the_same_day_does_not_count() -> None:
    added = [WorldCompany("5001", "Дубль", ANNA, ANNA, START + HOUR)]
    odoo = Odoo(World(companies=added))
    odoo.fake.tables["res.partner"][0].update(active=False, write_date=stamp(CUTOFF - HOUR))
    assert await odoo.number("companies_added") == 0


async def test_a_company_archived_after_the_cutoff_is_doubtful() -> None:
    odoo = Odoo(World(companies=[WorldCompany("5001", "Дубль", ANNA, ANNA, START + HOUR)], now=CUTOFF + 2 * HOUR))
    odoo.fake.tables["res.partner"][0].update(active=False, write_date=stamp(CUTOFF + HOUR))
    (added,) = [fact for fact in await odoo.facts() if isinstance(fact, Company)]
    assert added.changed


@pytest.mark.parametrize(
    ("body", "attachments", "without"),
    [
        ("", [], 1),
        (False, [], 1),
        ('<span class="o-mail-Message-edited"></span>', [], 1),
        ("", [4], 0),
        ("<p>Звонил</p>", [], 0),
    ],
)
async def test_an_emptied_comment_is_none(body: Any, attachments: list[int], without: int) -> None:
    comment = WorldComment("6001", "1001", ANNA, START)
    odoo = Odoo(World(deals=[WorldDeal("1001", "Молчание", ANNA)], comments=[comment]))
    odoo.fake.tables["mail.message"][-1].update(body=body, attachment_ids=attachments)
    assert await odoo.number("deals_without_comment") == without


async def test_an_archived_calendar_meeting_is_no_next_step() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Отменена", ANNA)]))
    event = {"id": 1, "name": "Встреча", "user_id": [7, "…"], "opportunity_id": [1001, "…"], "active": False}
    odoo.fake.tables["calendar.event"].append({**event, "create_date": stamp(START), "stop": stamp(CUTOFF + HOUR)})
    assert await odoo.number("deals_without_task") == 1


async def test_a_sum_without_a_currency_takes_that_of_the_company() -> None:
    deal = WorldDeal("1001", "Без валюты", ANNA, moves=(Move(START + HOUR, WON),), amount=Decimal(100))
    odoo = Odoo(World(deals=[deal]))
    odoo.fake.tables["crm.lead"][0]["company_currency"] = False
    assert await odoo.number("won_amount") == {"RUB": 100}


# Late arrivals, doubt


async def test_events_of_the_window_before_are_read_for_what_came_late() -> None:
    earlier = START - HOUR
    world = World(
        companies=[WorldCompany("5001", "Вчерашняя", ANNA, ANNA, earlier)],
        deals=[WorldDeal("1001", "Вчера", ANNA, moves=(Move(earlier, WON),))],
        meetings=[WorldMeeting("3001", "Вчера", ANNA, earlier, earlier - HOUR, "1001")],
    )
    facts = await Odoo(world).facts()
    assert [fact for fact in facts if isinstance(fact, Company)]
    assert [fact for fact in facts if isinstance(fact, Meeting)]
    assert [fact for fact in facts if isinstance(fact, Deal)]


async def test_an_activity_written_after_the_cutoff_may_have_been_another() -> None:
    odoo = Odoo(World(tasks=[WorldTask("2001", "Передано", ANNA)]))
    odoo.fake.tables["mail.activity"][0]["write_date"] = stamp(CUTOFF + timedelta(seconds=5))
    (task,) = [fact for fact in await odoo.facts() if isinstance(fact, Task)]
    assert task.changed == {Change.OWNER, Change.DEADLINE}


async def test_an_activity_that_an_old_odoo_deleted_after_the_cutoff_was_the_next_step_at_it() -> None:
    done = WorldTask("2001", "Сделано после", BORIS, done_at=CUTOFF + timedelta(seconds=5), deals=("1001",))
    world = World(deals=[WorldDeal("1001", "С делом", ANNA)], tasks=[done])
    odoo = Odoo(world, options={"version": "16.0"})
    assert await odoo.number("deals_without_task") == 0
    (doubt,) = [fact for fact in await odoo.facts() if isinstance(fact, Doubtful)]
    assert doubt == Doubtful(RecordKind.TASKS, frozenset({BORIS}), Change.COMPLETION)


async def test_a_deal_written_after_the_cutoff_may_have_had_other_fields() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Дописана", ANNA)]), settings={"required_fields": {"*": ["x_site"]}})
    odoo.fake.tables["crm.lead"][0]["write_date"] = stamp(CUTOFF + timedelta(seconds=5))
    (deal,) = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert Change.FIELD in deal.changed
