"""Odoo's deals: what its fields hide, what changes before a late read, which fields are required."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from scoring.kpis import Capability
from scoring.records import Deal
from scoring.snapshot import Cause, NotRead, Value
from tests.crm_clients.client_under_test import ends
from tests.crm_clients.company import company
from tests.crm_clients.odoo.fake import stamp
from tests.crm_clients.odoo.team import EVENING, HOUR, Odoo, errors_of
from tests.crm_clients.world import ANNA, BORIS, CUTOFF, LOST, OPEN, START, Move, World, WorldDeal
from tests.crm_clients.world import WON as IS_WON

pytestmark = pytest.mark.usefixtures("no_backoff")


# Won and lost: what Odoo's fields hide


async def test_archiving_an_old_win_is_no_new_win() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Старая", ANNA, moves=(Move(START - 9 * HOUR, IS_WON),))]))
    row = odoo.fake.tables["crm.lead"][0]
    row.update(active=False, date_closed=stamp(START + HOUR), write_date=stamp(START + HOUR))
    assert await odoo.number("deals_won") == 0


async def test_a_win_that_is_archived_afterwards_keeps_its_date() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Новая", ANNA, moves=(Move(START + HOUR, IS_WON),))], now=EVENING))
    row = odoo.fake.tables["crm.lead"][0]
    row.update(active=False, date_closed=stamp(CUTOFF + HOUR), write_date=stamp(CUTOFF + HOUR))
    assert await odoo.number("deals_won") == 1


async def test_a_win_without_any_message_counts_by_its_field() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Ввезённая", ANNA, moves=(Move(START + HOUR, IS_WON),))]))
    odoo.fake.tables["mail.message"].clear()
    assert await odoo.number("deals_won") == 1


async def test_a_loss_that_was_moved_to_another_stage_keeps_its_day() -> None:
    moves = (Move(START + HOUR, LOST), Move(START + 2 * HOUR, LOST, "lost_too"))
    odoo = Odoo(World(deals=[WorldDeal("1001", "Потеря", ANNA, moves=moves)]))
    assert odoo.fake.tables["crm.lead"][0]["date_closed"] is False
    assert await odoo.number("deals_lost") == 1


async def test_a_loss_of_last_year_that_has_no_date_spoils_nothing() -> None:
    moves = (Move(START - 400 * HOUR, LOST), Move(START - 300 * HOUR, LOST, "lost_too"))
    assert await Odoo(World(deals=[WorldDeal("1001", "Потеря", ANNA, moves=moves)])).number("deals_lost") == 0


@pytest.mark.parametrize(("archived_at", "opened"), [(START + HOUR, 0), (CUTOFF + HOUR, 1)])
async def test_an_archived_deal_that_is_not_lost_is_neither_open_nor_lost(archived_at: datetime, opened: int) -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Дубль", ANNA)], now=EVENING))
    at = stamp(archived_at)
    odoo.fake.tables["crm.lead"][0].update(active=False, probability=10.0, date_closed=at, write_date=at)
    odoo.fake.message(1001, archived_at, None)
    readings = await odoo.readings()
    late = archived_at >= CUTOFF
    for key in ("deals_lost", "deals_open"):
        assert ends(readings[key]) == ((0, 1) if late else (0, 0))
    facts = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert len(facts) == opened


async def test_leads_are_not_deals() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Заявка", ANNA)]))
    odoo.fake.tables["crm.lead"][0]["type"] = "lead"
    assert await odoo.number("deals_open") == 0


async def test_a_deal_exists_since_its_conversion() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Из заявки", ANNA)]))
    odoo.fake.tables["crm.lead"][0]["date_conversion"] = stamp(CUTOFF - HOUR)
    (deal,) = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert deal.created_at == CUTOFF - HOUR


async def test_a_reopened_win_is_marked() -> None:
    moves = (Move(START - 50 * HOUR, LOST), Move(START - 40 * HOUR, OPEN), Move(START + HOUR, IS_WON))
    odoo = Odoo(World(deals=[WorldDeal("1001", "Вернулись", ANNA, moves=moves)]))
    (deal,) = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert deal.reopened
    assert deal.closed_at == START + HOUR


# Read late


async def test_a_win_reopened_after_the_cutoff_was_won_at_it() -> None:
    moves = (Move(START + HOUR, IS_WON), Move(CUTOFF + HOUR, OPEN))
    odoo = Odoo(World(deals=[WorldDeal("1001", "Сорвалось", ANNA, moves=moves)], now=EVENING))
    readings = await odoo.readings()
    assert isinstance(readings["deals_won"], Value)
    assert readings["deals_won"].number == 1
    assert readings["deals_open"] == Value(0)
    assert ends(readings["won_amount"]) == ({}, None)


async def test_a_sum_changed_after_the_cutoff_is_doubtful() -> None:
    deals = [WorldDeal("1001", "Скидка", ANNA, moves=(Move(START + HOUR, IS_WON),))]
    odoo = Odoo(World(deals=deals, now=EVENING))
    odoo.fake.tables["crm.lead"][0].update(expected_revenue=1.0, write_date=stamp(CUTOFF + HOUR))
    odoo.fake.message(1001, CUTOFF + HOUR, None)
    assert ends((await odoo.readings())["won_amount"]) == ({}, None)
    assert (await odoo.readings(BORIS))["won_amount"] == Value({})


async def test_a_change_of_an_untracked_field_leaves_the_readings() -> None:
    deals = [WorldDeal("1001", "Телефон", ANNA, moves=(Move(START + HOUR, IS_WON),))]
    odoo = Odoo(World(deals=deals, now=EVENING))
    odoo.fake.tables["crm.lead"][0]["write_date"] = stamp(CUTOFF + HOUR)
    assert await odoo.number("deals_won") == 1
    assert await odoo.number("won_amount") == {}


async def test_a_deal_given_away_after_the_cutoff_is_doubtful_for_everybody() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Передана", BORIS)], now=EVENING))
    at = stamp(CUTOFF + HOUR)
    odoo.fake.tables["crm.lead"][0].update(date_open=at, write_date=at)
    odoo.fake.message(1001, CUTOFF + HOUR, None)
    for user in (ANNA, BORIS):
        assert ends((await odoo.readings(user))["deals_open"]) == (0, 1)


async def test_a_deal_given_away_after_the_cutoff_is_doubtful_however_soon_it_is_read() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Передана", BORIS)], now=CUTOFF + timedelta(minutes=2)))
    at = stamp(CUTOFF + timedelta(minutes=1))
    odoo.fake.tables["crm.lead"][0].update(date_open=at, write_date=at)
    odoo.fake.message(1001, CUTOFF + timedelta(minutes=1), None)
    assert ends((await odoo.readings(BORIS))["deals_open"]) == (0, 1)
    assert ends((await odoo.readings())["deals_open"]) == (0, 1)


async def test_a_win_in_the_last_second_whose_message_came_a_second_later_is_a_win() -> None:
    deal = WorldDeal("1001", "В последний миг", ANNA, moves=(Move(CUTOFF, IS_WON),))
    odoo = Odoo(World(deals=[deal]))
    odoo.fake.tables["crm.lead"][0]["date_closed"] = stamp(CUTOFF - timedelta(seconds=1))
    assert await odoo.number("deals_won") == 1


# Required fields


@pytest.mark.parametrize(
    ("kind", "value", "empty"),
    [
        ("char", "  ", True),
        ("char", "x", False),
        ("html", "<p><br></p>", True),
        ("html", "<p>да</p>", False),
        ("monetary", 0.0, True),
        ("many2one", False, True),
        ("many2many", [], True),
        ("many2many", [4], False),
    ],
)
async def test_what_an_empty_field_is(kind: str, value: Any, empty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Поле", ANNA)]), settings={"required_fields": {"*": ["x_site"]}})
    odoo.fake.tables["crm.lead"][0]["x_site"] = value
    call = odoo.fake.call

    def typed(model: str, method: str, ids: Any, arguments: dict[str, Any]) -> Any:
        answer = call(model, method, ids, arguments)
        if (model, method) == ("crm.lead", "fields_get"):
            answer["x_site"]["type"] = kind
        return answer

    monkeypatch.setattr(odoo.fake, "call", typed)
    assert await odoo.number("deals_missing_fields") == int(empty)


async def test_fields_are_required_by_sales_team() -> None:
    deals = [
        WorldDeal("1001", "Новые", ANNA, filled=False),
        WorldDeal("1002", "Прогрев", ANNA, pipeline="2", filled=False),
    ]
    odoo = Odoo(World(deals=deals), settings={"required_fields": {"2": ["x_site"]}})
    reading = (await odoo.readings())["deals_missing_fields"]
    assert isinstance(reading, Value)
    assert [item.title for item in reading.items] == ["Прогрев"]


async def test_a_required_field_that_does_not_exist_is_named() -> None:
    odoo = Odoo(company(), settings={"required_fields": {"*": ["x_sitte"], "9": ["x_site"]}})
    readings = await odoo.readings()
    absent = readings["deals_missing_fields"]
    assert isinstance(absent, NotRead)
    assert absent.cause is Cause.RIGHTS
    assert "x_sitte" in absent.detail
    assert isinstance(readings["deals_open"], Value)
    problems = errors_of(await odoo.findings())
    assert "x_sitte" in problems
    assert "no sales team or stage 9" in problems


def test_without_required_fields_there_is_nothing_to_state() -> None:
    nothing: list[dict[str, list[str]]] = [{}, {"*": []}]
    for fields in nothing:
        odoo = Odoo(World(), settings={"required_fields": fields})
        assert odoo.client.capabilities["deals_missing_fields"] is Capability.UNAVAILABLE
