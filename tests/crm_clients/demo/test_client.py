from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from crm_clients import CRM_KINDS
from crm_clients.base import DictMemory, Finding, ReadRequest, Severity
from crm_clients.demo.client import DemoClient, _world
from crm_clients.demo.config import DemoConfig
from crm_clients.demo.deal_life import DealLife
from crm_clients.demo.department import name_of
from crm_clients.demo.world import LOOKBACK, World
from crm_clients.errors import CrmUnavailable
from scoring.appeals.proofs import Disputed, ProofReason, Verdict
from scoring.kpi import Scope
from scoring.kpis import CATALOGUE, Capability, KpiSettings
from scoring.records import Call, Comment, Company, Completed, Deal, DealState, Fact, Meeting, RecordKind, Task
from scoring.rules import Bound, Rule, Rulebook
from scoring.scorecard import Outcome, score
from scoring.snapshot import Manager, Snapshot, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window, WindowKind, WorkCalendar

MOSCOW = ZoneInfo("Europe/Moscow")
CALENDAR = WorkCalendar(MOSCOW)
DAY = date(2026, 11, 19)
EVERYTHING = tuple(CATALOGUE)
SHIPPED = Rulebook(
    (
        Rule("companies_added", "companies_added", Bound.AT_LEAST, Decimal(1)),
        Rule("meetings_held", "meetings_held", Bound.AT_LEAST, Decimal(1)),
        Rule("calls_held", "calls_held", Bound.AT_LEAST, Decimal(10)),
        Rule("overdue_tasks", "overdue_tasks", Bound.AT_MOST, Decimal(0)),
        Rule("deals_without_task", "deals_without_task", Bound.AT_MOST, Decimal(0)),
    ),
    KpiSettings(observe=EVERYTHING),
)


def window_of(day: date) -> Window:
    return CALENDAR.window(day, WindowKind.CUTOFF_TO_CUTOFF)


def client(now: datetime | None = None, **settings: object) -> DemoClient:
    config = DemoConfig.model_validate({"kind": "demo", **settings})
    return DemoClient(config, DictMemory(), now=(lambda: now) if now else None)


async def facts(crm: DemoClient, window: Window, kpis: tuple[str, ...] = EVERYTHING) -> list[Fact]:
    return [fact async for fact in crm.read(ReadRequest(window, frozenset(kpis)))]


async def snapshots(crm: DemoClient, window: Window) -> list[Snapshot]:
    members = {user.id: Manager(user.id, user.name) for user in await crm.users() if user.active and user.human}
    sheet = TallySheet(members, window, MOSCOW, EVERYTHING, SHIPPED.kpis)
    tally = Tally(sheet, crm.capabilities, crm.link)
    for fact in await facts(crm, window):
        tally.add(fact)
    return tally.snapshots()


async def month(crm: DemoClient, until: date = DAY, length: int = 30) -> dict[str, list[list[Outcome]]]:
    """Outcomes by manager and day."""
    days = [until]
    while len(days) < length:
        days.append(CALENDAR.previous_workday(days[-1]))
    result: dict[str, list[list[Outcome]]] = defaultdict(list)
    for day in reversed(days):
        for snapshot in await snapshots(crm, window_of(day)):
            result[snapshot.manager.crm_user].append([line.outcome for line in score(snapshot, SHIPPED, day).lines])
    return result


def kept(days: list[list[Outcome]]) -> float:
    flat = [outcome for day in days for outcome in day]
    return flat.count(Outcome.KEPT) / len(flat)


async def test_the_same_seed_states_the_same_facts_in_whatever_order_they_are_asked() -> None:
    window, later = window_of(DAY), window_of(date(2026, 12, 9))
    one = client(seed=21)
    expected = await facts(one, window)
    await facts(one, later)
    _world.cache_clear()  # the shared cache must not be what makes them equal
    other = client(seed=21)
    await facts(other, later)
    assert await facts(other, window) == expected


async def test_another_seed_is_another_company() -> None:
    assert await facts(client(seed=1), window_of(DAY)) != await facts(client(seed=2), window_of(DAY))


async def test_every_kind_that_is_asked_for_is_completed_and_no_other() -> None:
    kinds = [fact.kind for fact in await facts(client(), window_of(DAY)) if isinstance(fact, Completed)]
    assert sorted(kinds) == sorted(RecordKind)
    only = [fact.kind for fact in await facts(client(), window_of(DAY), ("calls_held",)) if isinstance(fact, Completed)]
    assert only == [RecordKind.CALLS]


async def test_every_kpi_is_counted_for_every_manager() -> None:
    crm = client(required_fields={"*": ["source"]})
    assert crm.capabilities == dict.fromkeys(CATALOGUE, Capability.REBUILDABLE)
    assert client().capabilities["deals_missing_fields"] is Capability.UNAVAILABLE
    counted = await snapshots(crm, window_of(DAY))
    assert len(counted) == 7
    for snapshot in counted:
        assert all(isinstance(reading, Value) for reading in snapshot.readings.values())


async def test_a_month_looks_like_life() -> None:
    by_manager = {user: kept(days) for user, days in (await month(client())).items()}
    best, worst = max(by_manager.values()), min(by_manager.values())
    assert 0.85 <= best < 1
    assert 0.35 <= worst <= 0.6
    assert sum(share >= 0.8 for share in by_manager.values()) >= 2


@pytest.mark.parametrize("seed", [1, 7, 30])
async def test_nobody_is_perfect_and_nobody_is_hopeless(seed: int) -> None:
    for days in (await month(client(seed=seed))).values():
        assert 0.2 < kept(days) < 1


async def test_a_managers_day_is_worked_out_once_however_often_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, date]] = []
    original = World._deals_of

    def counting(world: World, user: str, day: date) -> list[DealLife]:
        made.append((user, day))
        return original(world, user, day)

    monkeypatch.setattr(World, "_deals_of", counting)
    await month(client(seed=991))
    assert len(set(made)) == len(made)
    assert len(made) < 7 * (LOOKBACK.days + 60)


async def test_a_past_cutoff_is_answered_exactly_however_late_it_is_asked() -> None:
    window = window_of(DAY)
    in_time = await snapshots(client(window.cutoff), window)
    late = await snapshots(client(window.cutoff + timedelta(days=9)), window)
    assert late == in_time


async def test_before_the_cutoff_it_shows_the_present_and_nothing_to_come() -> None:
    window = window_of(DAY)
    noon = datetime(2026, 11, 19, 12, tzinfo=MOSCOW)
    seen = await facts(client(noon), window)
    for fact in seen:
        if isinstance(fact, Call):
            assert fact.ended_at < noon
        if isinstance(fact, Deal | Company):
            assert fact.created_at < noon
        if isinstance(fact, Meeting):
            assert fact.held_at is not None
            assert fact.held_at < noon
        if isinstance(fact, Completed):
            assert fact.started_at == noon
    assert await facts(client(noon), window.until(noon)) == seen


async def test_an_open_task_is_neither_done_nor_of_the_future() -> None:
    window = window_of(DAY)
    world = client()._world
    open_at_cutoff = {fact.id for fact in await facts(client(), window) if isinstance(fact, Task)}
    steps = [task for life in world.lives(window.start, window.cutoff) for task in life.tasks]
    assert open_at_cutoff
    for step in steps:
        expected = step.created_at < window.cutoff <= step.done_at
        assert (step.task.id in open_at_cutoff) is expected


async def test_a_closed_deal_says_when_and_a_lost_one_mostly_why() -> None:
    window = Window(datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
    deals = [fact for fact in await facts(client(), window, ("deals_won",)) if isinstance(fact, Deal)]
    closed = [deal for deal in deals if deal.state is not DealState.OPEN]
    assert {deal.state for deal in closed} == {DealState.WON, DealState.LOST}
    assert all(deal.closed_at is not None and deal.created_at < deal.closed_at < window.cutoff for deal in closed)
    reasons = [bool(deal.loss_reason) for deal in closed if deal.state is DealState.LOST]
    assert 0.6 < sum(reasons) / len(reasons) < 1
    assert any(deal.reopened for deal in closed)
    assert {deal.amount.currency for deal in deals if deal.amount} == {"RUB", "USD"}
    assert any(deal.amount is None for deal in deals)


async def test_ids_are_unique_within_a_kind() -> None:
    window = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 19, 15, tzinfo=UTC))
    ids: dict[type, list[str]] = defaultdict(list)
    for fact in await facts(client(managers=12), window):
        if isinstance(fact, Deal | Task | Company | Meeting | Call):
            ids[type(fact)].append(fact.id)
    assert len(ids) == 5
    for listed in ids.values():
        assert len(set(listed)) == len(listed)


async def test_weekends_and_holidays_are_quiet() -> None:
    for first, last in ((date(2026, 11, 21), date(2026, 11, 23)), (date(2026, 1, 1), date(2026, 1, 10))):
        span = Window(datetime.combine(first, time(), MOSCOW), datetime.combine(last, time(), MOSCOW))
        happened = [fact for fact in await facts(client(), span) if isinstance(fact, Call | Company | Meeting)]
        assert happened == []


async def test_no_deal_outlives_the_span_that_is_looked_back_at() -> None:
    world = client(seed=5)._world
    deals = list(world.lives(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)))
    spans = [life.moves[-1].at - life.deal.created_at for life in deals]
    assert max(spans) < LOOKBACK
    assert all([move.at for move in life.moves] == sorted(move.at for move in life.moves)
               for life in deals)  # fmt: skip


async def test_a_manager_who_is_away_does_nothing_and_his_tasks_wait() -> None:
    away = [date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 18), date(2026, 11, 19)]
    crm = client(away_on={"12": away})
    window = Window(datetime(2026, 11, 15, 21, tzinfo=UTC), datetime(2026, 11, 19, 15, tzinfo=UTC))
    seen = await facts(crm, window)
    assert not [fact for fact in seen if isinstance(fact, Call | Meeting | Company) and fact.manager == "12"]
    assert [fact for fact in seen if isinstance(fact, Call) and fact.manager == "13"]
    [snapshot] = [s for s in await snapshots(crm, window_of(DAY)) if s.manager.crm_user == "12"]
    overdue = snapshot.readings["overdue_tasks"]
    assert isinstance(overdue, Value)
    assert overdue.number


async def test_it_is_down_on_the_days_it_is_told_to_be_and_comes_back() -> None:
    window = window_of(DAY)
    settings: dict[str, Any] = {"fail_on": {"2026-11-19": "19:10"}}
    with pytest.raises(CrmUnavailable, match="down until 19:10"):
        await facts(client(datetime(2026, 11, 19, 18, tzinfo=MOSCOW), **settings), window)
    with pytest.raises(CrmUnavailable):
        await client(datetime(2026, 11, 19, 19, 9, 59, tzinfo=MOSCOW), **settings).users()
    back = client(datetime(2026, 11, 19, 19, 10, tzinfo=MOSCOW), **settings)
    assert await snapshots(back, window) == await snapshots(client(window.cutoff), window)
    yesterday = window_of(date(2026, 11, 18))
    assert await facts(client(yesterday.cutoff, **settings), yesterday)


async def test_requests_are_counted_also_those_that_failed() -> None:
    crm = client()
    await facts(crm, window_of(DAY))
    assert crm.stats.requests == len(RecordKind)
    down = client(datetime(2026, 11, 19, 9, tzinfo=MOSCOW), fail_on={"2026-11-19": "10:00"})
    with pytest.raises(CrmUnavailable):
        await facts(down, window_of(DAY))
    assert down.stats.requests == 1


async def test_users_are_the_managers_one_who_left_and_a_robot() -> None:
    users = await client(managers=3).users()
    managers = [user.name for user in users if user.active and user.human]
    assert managers == ["Анна Примерова", "Пётр Образцов", "Вера Тестова"]
    assert [user.human for user in users].count(False) == 1
    assert [user.active for user in users].count(False) == 1
    assert len({user.id for user in users}) == len(users)


def test_three_hundred_managers_have_three_hundred_names() -> None:
    assert len({name_of(number) for number in range(500)}) == 500


async def test_companies_go_to_their_creator_or_their_owner_as_the_settings_say() -> None:
    window = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 19, 15, tzinfo=UTC))

    async def credited(companies_credit: str) -> dict[str, str]:
        seen = await facts(client(companies_credit=companies_credit), window, ("companies_added",))
        return {fact.id: fact.manager for fact in seen if isinstance(fact, Company)}

    creators, owners = await credited("creator"), await credited("owner")
    assert creators.keys() == owners.keys()
    assert creators != owners


async def test_only_the_meeting_types_of_the_settings_are_meetings() -> None:
    window = Window(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 19, 15, tzinfo=UTC))
    counts = {}
    for types in ([], ["meeting"], ["online"], ["lunch"]):
        seen = await facts(client(meeting_types=types), window, ("meetings_held",))
        counts[tuple(types)] = sum(isinstance(fact, Meeting) for fact in seen)
    assert counts["meeting",] + counts["online",] == counts[()]
    assert min(counts["meeting",], counts["online",]) > 0
    assert counts["lunch",] == 0


async def test_required_fields_are_those_of_the_settings_or_else_the_crms_own() -> None:
    async def missing(**settings: Any) -> set[str]:
        seen = await facts(client(**settings), window_of(DAY), ("deals_missing_fields",))
        return {name for fact in seen if isinstance(fact, Deal) for name in fact.missing_fields}

    assert await missing() == {"source", "budget"}
    assert await missing(required_fields={"*": []}) == {"source", "budget"}
    assert await missing(required_fields={"*": ["budget"]}) == {"budget"}
    assert await missing(required_fields={"nowhere": ["budget"]}) == set()


async def test_links_lead_to_the_demo_host() -> None:
    crm = client()
    window = window_of(DAY)
    links = [crm.link(fact) for fact in await facts(crm, window) if isinstance(fact, Deal | Task | Company | Call)]
    assert links
    assert all(link.startswith("https://demo.example/") for link in links)
    assert crm.link(Comment("1")) == ""


async def test_check_is_content_with_members_it_knows() -> None:
    findings = await client().check({"11": "Анна Примерова"})
    assert [finding.severity for finding in findings] == [Severity.OK]


@pytest.mark.parametrize(
    ("settings", "members", "subject", "word"),
    [
        ({}, {"404": "Никто"}, "visibility", "404"),
        ({"required_fields": {"*": ["colour"]}}, {}, "deals_missing_fields", "colour"),
        ({"fail_on": {"2026-11-19": "23:00"}}, {"11": "Анна"}, "login", "down"),
    ],
)
async def test_check_names_what_must_be_mended(
    settings: dict[str, object], members: dict[str, str], subject: str, word: str
) -> None:
    findings = await client(datetime(2026, 11, 19, 12, tzinfo=MOSCOW), **settings).check(members)
    errors: list[Finding] = [finding for finding in findings if finding.severity is Severity.ERROR]
    assert [error.subject for error in errors] == [subject]
    assert word in errors[0].text


@pytest.mark.parametrize(
    "wrong",
    [{"managers": 0}, {"timezone": "Mars/Base"}, {"fail_on": {"2026-11-19": "25:00"}}, {"colour": "red"}],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DemoConfig.model_validate({"kind": "demo", **wrong})


async def test_the_table_of_kinds_opens_it() -> None:
    kind = CRM_KINDS["demo"]
    crm = kind.open(kind.config_model()(kind="demo"), DictMemory(), transport=None)
    assert len(await crm.users()) == 9
    await crm.aclose()


async def test_a_re_check_of_the_made_up_crm_tells_the_whole_truth() -> None:
    """What it counted at a cutoff was broken then, whenever it is asked again."""
    window = window_of(DAY)
    scope = Scope(window, MOSCOW, KpiSettings(), CALENDAR)
    crm = client(window.cutoff + timedelta(days=3))
    items = [
        Disputed(kpi, item.kind, item.id, frozenset({snapshot.manager.crm_user}))
        for snapshot in await snapshots(crm, window)
        for kpi in ("overdue_tasks", "deals_without_task", "deals_missing_fields")
        if isinstance(reading := snapshot.readings[kpi], Value)
        for item in reading.items
    ]
    proofs = await crm.recheck(items, scope)
    assert {proof.verdict for proof in proofs} == {Verdict.NOT_IN_ORDER}
    lives = crm._world.lives(window.cutoff, window.cutoff)
    done = next(each.task for life in lives for each in life.tasks if each.done_at < window.cutoff)
    disputed = Disputed("overdue_tasks", "task", done.id, frozenset({done.manager}))
    assert (await crm.recheck([disputed], scope))[0].reason is ProofReason.DONE
