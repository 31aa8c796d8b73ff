"""By what a day is judged: settings loaded before its window began, of the team and of its connection (§19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import select, update

from crm_clients.base import DictMemory
from reglament.commands.period_report import load_period_report
from reglament.config.settings import build
from reglament.connections import Connections
from reglament.day.clocks import load_clocks
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff, due_cutoffs, due_reminders
from reglament.day.live import load_running_day
from reglament.process import store_teams
from scoring.entries import Month
from scoring.rules import CrmCounting
from storage.days import queries, rulebooks
from storage.db.models import AuditRecord, RulebookRecord
from tests.reglament.day.thursday import AT_SIX, HOUR, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, MOSCOW_6PM, PETR, settings, tables

FRIDAY = DueCutoff("main", THURSDAY + timedelta(days=1), MOSCOW_6PM + timedelta(days=1), ("sales",))
BY_CREATOR, BY_OWNER = CrmCounting(), CrmCounting(companies_credit="owner")


def by_owner(**team):
    """The settings after the change: another credit, in the connection."""
    changed = tables(**team)
    changed["crm"]["main"]["companies_credit"] = "owner"
    return build(changed)


async def started(database, crm, clock, changed):
    """A service whose settings were changed an hour before Thursday's cutoff."""
    clock.at = MOSCOW_6PM - timedelta(days=2)
    before = await ready_process(database, crm, clock)
    clock.at = MOSCOW_6PM - HOUR
    after = replace(before, settings=changed)
    await store_teams(after)
    clock.at = MOSCOW_6PM
    return after


async def users_of(database, day):
    async with database.reading() as session:
        return {entry.crm_user for entry in await queries.entries(session, "sales", day, day)}


async def test_the_client_counts_as_the_settings_said_before_the_window_began(database, crm, clock):
    process = await started(database, crm, clock, by_owner())
    await run_cutoff(process, AT_SIX)
    assert process.connections.counted_as == [BY_CREATOR]
    clock.pass_(days=1)
    await run_cutoff(process, FRIDAY)
    assert process.connections.counted_as == [BY_CREATOR, BY_OWNER]


async def test_a_day_that_is_caught_up_is_read_as_its_own_settings_said(database, crm, clock):
    process = await started(database, crm, clock, by_owner())
    clock.pass_(days=1)
    await run_cutoff(process, AT_SIX)
    await run_cutoff(process, FRIDAY)
    assert process.connections.counted_as == [BY_CREATOR, BY_OWNER]


async def test_an_alias_holds_from_the_next_window(database, crm, clock):
    process = await started(database, crm, clock, settings(aliases={PETR: ANNA}))
    await run_cutoff(process, AT_SIX)
    assert await users_of(database, THURSDAY) == {ANNA, PETR}
    clock.pass_(days=1)
    await run_cutoff(process, FRIDAY)
    assert await users_of(database, FRIDAY.day) == {ANNA}


async def test_teams_judged_by_different_settings_of_one_connection_are_read_apart(database, crm, clock):
    clock.at = MOSCOW_6PM - timedelta(days=2)
    before = await ready_process(database, crm, clock, settings(members={"users": [ANNA]}))
    clock.at = MOSCOW_6PM - HOUR
    changed = by_owner(members={"users": [ANNA]})
    changed.teams["service"] = changed.teams["sales"].model_copy(
        update={"members": type(changed.teams["sales"].members)(users=[PETR])}
    )
    process = replace(before, settings=changed)
    await store_teams(process)
    clock.at = MOSCOW_6PM
    results = await run_cutoff(process, DueCutoff("main", THURSDAY, MOSCOW_6PM, ("sales", "service")))
    assert all(result.run is not None for result in results)
    assert [each.companies_credit for each in process.connections.counted_as[:2]] == ["creator", "owner"]


async def test_returning_to_earlier_rules_is_a_change_too(database, crm, clock):
    process = await started(database, crm, clock, by_owner())
    clock.pass_(hours=1)
    await store_teams(replace(process, settings=settings()))
    async with database.reading() as session:
        team = process.settings.teams["sales"]
        for day, counting in ((THURSDAY, BY_CREATOR), (FRIDAY.day, BY_OWNER)):
            running = await load_running_day(database, "sales", team, MOSCOW_6PM, day=day)
            assert running.rulebook.crm == counting
        following = await rulebooks.rulebook_at(session, "sales", FRIDAY.cutoff)
    assert following.crm == BY_CREATOR


async def test_a_text_without_the_connection_is_read_as_the_settings_say_now(database, crm, clock):
    process = await ready_process(database, crm, clock, by_owner())
    async with database.transaction() as session:
        record = await rulebooks.rulebook_record_at(session, "sales", MOSCOW_6PM)
        old = {key: value for key, value in record.content.items() if key not in ("aliases", "crm", "schema")}
        await session.execute(update(RulebookRecord).values(content=old))
    await run_cutoff(process, AT_SIX)
    assert process.connections.counted_as == [None]


async def test_a_course_changed_within_a_month_pays_from_the_next_month(database, crm, clock):
    process = await ready_process(database, crm, clock, settings(money={"per_point": 100}))
    await run_cutoff(process, AT_SIX)
    dearer = replace(process, settings=settings(money={"per_point": 500}))
    await store_teams(dearer)
    clock.at = MOSCOW_6PM + timedelta(days=12)  # 1 December
    cheaper = replace(process, settings=settings(money={"per_point": 50}))
    await run_cutoff(dearer, DueCutoff("main", date(2026, 12, 1), clock.at, ("sales",)))
    await store_teams(cheaper)
    courses = {}
    for month in (11, 12):
        report = await load_period_report(cheaper, "sales", Month(2026, month), by="test")
        courses[month] = report.money.per_point
    assert courses == {11: 100, 12: 500}


async def test_a_team_that_gains_money_within_a_month_is_paid_from_the_next(database, crm, clock):
    process = await ready_process(database, crm, clock)
    await run_cutoff(process, AT_SIX)
    paid = replace(process, settings=settings(money={}))
    await store_teams(paid)
    assert (await load_period_report(paid, "sales", Month(2026, 11), by="test")).money is None
    assert (await load_period_report(paid, "sales", Month(2026, 12), by="test")).money is not None


async def test_a_cutoff_moved_within_a_window_leaves_this_window_and_holds_from_the_next(database, crm, clock):
    process = await started(database, crm, clock, settings(cutoff="12:00"))
    clocks = (await load_clocks(process)).values()
    clock.at = MOSCOW_6PM - HOUR
    assert due_cutoffs(clocks, {"sales": frozenset()}, {}, clock(), catch_up_days=0) == []
    clock.at = MOSCOW_6PM
    [due] = due_cutoffs(clocks, {"sales": frozenset()}, {}, clock(), catch_up_days=0)
    assert due == AT_SIX
    [result] = await run_cutoff(process, due)
    assert result.run.window.cutoff == MOSCOW_6PM
    clock.at = MOSCOW_6PM + timedelta(hours=18)
    [due] = due_cutoffs(clocks, {"sales": frozenset({THURSDAY})}, {}, clock(), catch_up_days=0)
    assert (due.day, due.cutoff) == (FRIDAY.day, clock())


async def test_settings_never_touch_a_day_with_a_finished_run(database, crm, clock):
    process = await started(database, crm, clock, settings())
    await run_cutoff(process, AT_SIX)
    clock.pass_(minutes=30)
    later = replace(process, settings=settings(cutoff="19:00", rules=[{"kpi": "calls_held", "at_least": 5}]))
    await store_teams(later)
    before = await users_of(database, THURSDAY)
    clocks = (await load_clocks(later)).values()
    assert due_reminders(clocks, clock()) == []
    clock.pass_(minutes=30)
    assert due_cutoffs(clocks, {"sales": frozenset({THURSDAY})}, {}, clock(), catch_up_days=0) == []
    [again] = await run_cutoff(later, AT_SIX)
    assert again.already
    assert await users_of(database, THURSDAY) == before


async def test_an_earlier_counting_has_a_client_of_its_own_with_the_same_keys():
    config = by_owner().crm["main"]
    connections = Connections({"main": config}, lambda _: DictMemory())
    now, then = connections.client("main"), connections.client_for("main", BY_CREATOR)
    assert connections.client_for("main", None) is connections.client_for("main", BY_OWNER) is now
    assert connections.client_for("main", BY_CREATOR) is then is not now
    assert config.counting_as(BY_CREATOR).counting == BY_CREATOR
    assert config.counting_as(BY_CREATOR).model_dump(exclude={"companies_credit"}) == config.model_dump(
        exclude={"companies_credit"}
    )
    await connections.aclose()


async def test_the_audit_log_says_who_turned_a_full_table_on_and_off(database, crm, clock):
    process = await ready_process(database, crm, clock)
    for board in ("full", "full", "off", "top"):
        await store_teams(replace(process, settings=settings(board=board)))
    async with database.reading() as session:
        query = select(AuditRecord).where(AuditRecord.subject == "sales").order_by(AuditRecord.id)
        noted = [(row.action, row.author.partition(",")[0]) for row in await session.scalars(query)]
    assert noted == [("board.full_on", "settings"), ("board.full_off", "settings")]
