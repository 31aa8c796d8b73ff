"""Whose Odoo's deals are at the cutoff, and which fields a deal needs in its stage."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from scoring.records import Change, Company, Deal, DealState, Doubtful, Failed, RecordKind, Task
from tests.crm_clients.odoo.fake import LOST as LOST_SUBTYPE
from tests.crm_clients.odoo.fake import STAGES, WON, stamp
from tests.crm_clients.odoo.team import EVENING, HOUR, Odoo, errors_of
from tests.crm_clients.world import (
    ANNA,
    BORIS,
    CUTOFF,
    LOST,
    OPEN,
    START,
    TODAY,
    Move,
    World,
    WorldCompany,
    WorldDeal,
    WorldTask,
)
from tests.crm_clients.world import WON as IS_WON

SOON = CUTOFF + timedelta(seconds=5)
MOVER = {"deals_credit": "mover"}


async def read_deals(odoo: Odoo, *kpis: str) -> list[Deal]:
    return [fact for fact in await odoo.facts(*kpis) if isinstance(fact, Deal)]


async def read_doubts(odoo: Odoo, *kpis: str) -> list[Doubtful]:
    return [fact for fact in await odoo.facts(*kpis) if isinstance(fact, Doubtful)]


def written_by(odoo: Odoo, subtype: int, user: str) -> None:
    """Let a user be the author of the messages of a subtype."""
    for row in odoo.fake.tables["mail.message"]:
        if row["subtype_id"] and row["subtype_id"][0] == subtype:
            row["author_id"] = [odoo.fake.partner(int(user)), "…"]


# Who moved it


async def test_the_author_of_the_message_won_the_deal_if_the_settings_credit_the_mover() -> None:
    world = World(deals=[WorldDeal("1001", "Наша", ANNA, moves=(Move(START + HOUR, IS_WON),))])
    for settings, expected in ((MOVER, BORIS), ({}, "")):
        odoo = Odoo(world, settings=dict(settings))
        written_by(odoo, WON, BORIS)
        (deal,) = await read_deals(odoo, "deals_won")
        assert (deal.state, deal.moved_by) == (DealState.WON, expected)


async def test_who_reopened_a_won_deal_after_the_cutoff_did_not_win_the_deal() -> None:
    moves = (Move(START + HOUR, IS_WON), Move(SOON, OPEN))
    odoo = Odoo(World(deals=[WorldDeal("1001", "Наша", ANNA, moves=moves)]), settings=dict(MOVER))
    written_by(odoo, WON, BORIS)

    (deal,) = await read_deals(odoo, "deals_won")

    assert (deal.state, deal.moved_by) == (DealState.WON, BORIS)


async def test_a_message_of_a_contact_that_is_no_user_names_no_mover() -> None:
    world = World(deals=[WorldDeal("1001", "Наша", ANNA, moves=(Move(START + HOUR, IS_WON),))])
    odoo = Odoo(world, settings=dict(MOVER))
    for row in odoo.fake.tables["mail.message"]:
        row["author_id"] = [900_001, "Клиент"]

    (deal,) = await read_deals(odoo, "deals_won")

    assert deal.moved_by == ""


# Where it was lost


def restored_elsewhere(odoo: Odoo, at: datetime) -> None:
    """Let the deal come into its present team at an instant, from team 1."""
    odoo.fake.message(1001, at, None)
    message = odoo.fake.tables["mail.message"][-1]
    odoo.fake.tables["mail.tracking.value"] = [
        {
            "id": 1,
            "create_date": stamp(at),
            "mail_message_id": [message["id"], "…"],
            "mail_message_id.model": "crm.lead",
            "mail_message_id.res_id": 1001,
            "field_id": [9, "…"],
            "field_id.model": "crm.lead",
            "field_id.name": "team_id",
            "old_value_integer": 1,
        }
    ]


LOST_AND_RESTORED = World(
    deals=[WorldDeal("1001", "a", ANNA, moves=(Move(START + HOUR, LOST), Move(START + 2 * HOUR, OPEN)), pipeline="2")]
)


async def test_a_deal_lost_in_one_team_and_restored_in_another_tells_when_and_where_it_was_lost() -> None:
    odoo = Odoo(LOST_AND_RESTORED, settings=dict(MOVER))
    restored_elsewhere(odoo, START + 2 * HOUR)
    written_by(odoo, LOST_SUBTYPE, BORIS)

    (deal,) = await read_deals(odoo, "deals_lost")

    assert (deal.state, deal.pipeline) == (DealState.OPEN, "2")
    assert (deal.lost_at, deal.lost_from, deal.moved_by) == (START + HOUR, "1", BORIS)


async def test_a_deal_that_came_to_its_team_before_the_loss_tells_no_loss_elsewhere() -> None:
    odoo = Odoo(LOST_AND_RESTORED)
    restored_elsewhere(odoo, START + HOUR / 2)

    (deal,) = await read_deals(odoo, "deals_lost")

    assert (deal.lost_at, deal.lost_from) == (None, "")


async def test_a_key_that_may_not_see_former_teams_tells_no_loss_elsewhere() -> None:
    odoo = Odoo(LOST_AND_RESTORED, options={"forbidden": frozenset({"mail.tracking.value"})})

    facts = await odoo.facts("deals_lost")

    assert [fact.lost_at for fact in facts if isinstance(fact, Deal)] == [None]
    assert not [fact for fact in facts if isinstance(fact, Failed)]


# Required fields by stage


def three_stages() -> World:
    """A deal without its field in each of three stages."""
    moves = {"1001": (), "1002": (Move(START, OPEN, "talks"),), "1003": (Move(START, LOST), Move(START + HOUR, OPEN))}
    return World(deals=[WorldDeal(key, key, ANNA, moves=made, filled=False) for key, made in moves.items()])


async def test_a_field_is_required_from_a_stage_on_in_the_order_of_the_stages() -> None:
    setting = {"required_fields": {f"1/{STAGES['talks']}": ["x_site"]}}
    odoo = Odoo(three_stages(), settings=setting)
    odoo.fake.tables["crm.lead"][2]["stage_id"] = [STAGES["lost_too"], "…"]

    missing = {deal.id: deal.missing_fields for deal in await read_deals(odoo, "deals_missing_fields")}
    assert missing == {"1001": (), "1002": ("Поле x_site",), "1003": ("Поле x_site",)}

    odoo.fake.tables["crm.stage"][0]["sequence"] = 1000  # now the first stage is the last
    missing = {deal.id: deal.missing_fields for deal in await read_deals(odoo, "deals_missing_fields")}
    assert missing == {"1001": ("Поле x_site",), "1002": ("Поле x_site",), "1003": ("Поле x_site",)}


async def test_stages_of_another_team_are_no_stages_of_this_one() -> None:
    setting = {"required_fields": {f"1/{STAGES['talks']}": ["x_site"]}}
    odoo = Odoo(three_stages(), settings=setting)
    for row in odoo.fake.tables["crm.stage"]:
        row["team_ids"] = [2] if row["id"] == STAGES["talks"] else [1, 2]

    assert not any(deal.missing_fields for deal in await read_deals(odoo, "deals_missing_fields"))
    assert f"no sales team or stage 1/{STAGES['talks']}" in errors_of(await odoo.findings())


async def test_before_19_a_stage_names_a_single_team() -> None:
    setting: dict[str, Any] = {"required_fields": {f"1/{STAGES['talks']}": ["x_site"]}}
    odoo = Odoo(three_stages(), settings=setting, options={"version": "16.0"})
    for row in odoo.fake.tables["crm.stage"]:
        del row["team_ids"]
        row["team_id"] = [1, "Новые клиенты"]

    missing = {deal.id: deal.missing_fields for deal in await read_deals(odoo, "deals_missing_fields")}

    assert missing["1002"] == ("Поле x_site",)
    assert not errors_of(await odoo.findings())


# Doubt from the cutoff on


async def test_a_deal_given_away_after_the_cutoff_is_named_however_soon_it_is_read() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Передана", BORIS), WorldDeal("1002", "Своя", BORIS)]))
    at = stamp(SOON)
    odoo.fake.tables["crm.lead"][0].update(date_open=at, write_date=at)

    (doubt,) = await read_doubts(odoo, "deals_open")

    assert (doubt.users, doubt.change, doubt.state) == ({ANNA, BORIS}, Change.OWNER, DealState.OPEN)
    assert isinstance(doubt.record, Deal)
    assert (doubt.record.id, doubt.record.changed) == ("1001", frozenset())


async def test_a_deal_changed_after_the_cutoff_whose_owner_is_older_is_doubtful_for_nobody_else() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Скидка", BORIS)], now=EVENING))
    odoo.fake.tables["crm.lead"][0]["write_date"] = stamp(CUTOFF + HOUR)
    odoo.fake.message(1001, CUTOFF + HOUR, None)

    assert not await read_doubts(odoo, "deals_open")
    (deal,) = await read_deals(odoo, "deals_open")
    assert Change.OWNER not in deal.changed
    assert Change.AMOUNT in deal.changed


async def test_an_activity_changed_after_the_cutoff_is_named() -> None:
    tasks = [WorldTask("2001", "Позвонить", ANNA, TODAY), WorldTask("2002", "Написать", ANNA, TODAY)]
    odoo = Odoo(World(tasks=tasks))
    odoo.fake.tables["mail.activity"][0]["write_date"] = stamp(SOON)

    (doubt,) = await read_doubts(odoo, "overdue_tasks")

    assert (doubt.kind, doubt.users) == (RecordKind.TASKS, {ANNA, BORIS})
    assert isinstance(doubt.record, Task)
    assert (doubt.record.id, doubt.record.changed) == ("2001", frozenset())


async def test_a_company_changed_after_the_cutoff_is_named_where_the_owner_is_credited() -> None:
    world = World(companies=[WorldCompany("5001", "Ромашка", ANNA, BORIS, START + HOUR)])
    for credit, named in (("owner", ["5001"]), ("creator", [])):
        odoo = Odoo(world, settings={"companies_credit": credit})
        odoo.fake.tables["res.partner"][0]["write_date"] = stamp(SOON)
        doubts = await read_doubts(odoo, "companies_added")
        assert [doubt.record.id for doubt in doubts if isinstance(doubt.record, Company)] == named
