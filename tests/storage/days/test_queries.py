"""What is read for messages, boards and reports."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from scoring.entries import Month
from scoring.scorecard import Outcome
from scoring.snapshot import Cause, NotRead, Value
from scoring.standings import leaderboard
from storage.days import heartbeats, queries, retention
from storage.ledger import writer
from storage.ledger.totals import totals_of_days
from storage.people import people
from storage.verify.verification import verify
from tests.storage.company import (
    ANNA,
    BORIS,
    MONDAY,
    START,
    TEAM,
    TUESDAY,
    claimed,
    cutoff,
    found,
    kept,
    readings,
    scored,
    task,
)


async def test_a_day_comes_back_with_titles_and_as_it_was_judged(database):
    await found(database)
    judged = await scored(
        database, snapshots=[kept(ANNA, readings(overdue=[task(1)])), kept(BORIS, readings(), absent=True)]
    )
    async with database.reading() as session:
        day = await queries.day(session, TEAM, MONDAY)
        assert await queries.day(session, TEAM, TUESDAY) is None
    assert list(day.cards) == judged
    assert day.card(ANNA.crm_user).lines[1].items[0].title == "Task 1"
    assert day.card("404") is None
    assert day.absent == {BORIS.crm_user}
    assert len(day.entries) == 6
    assert day.run.requests == 4


async def test_an_unfinished_day_is_no_day_yet(database):
    await found(database)
    await scored(database, MONDAY)
    await claimed(database, TUESDAY)
    async with database.reading() as session:
        assert await queries.day(session, TEAM, TUESDAY) is None


async def test_entries_come_by_day_by_period_and_by_person(database):
    await found(database)
    await scored(database, MONDAY)
    await scored(database, TUESDAY)
    async with database.reading() as session:
        assert len(await queries.entries(session, TEAM, MONDAY, TUESDAY)) == 12
        assert {row.day for row in await queries.entries(session, TEAM, TUESDAY, TUESDAY)} == {TUESDAY}
        assert len(await queries.entries_of_month(session, TEAM, Month(2026, 11))) == 12
        assert await queries.entries_of_month(session, TEAM, Month(2026, 10)) == []
        assert len(await queries.entries_of_months(session, TEAM, Month(2026, 1), Month(2026, 12))) == 12
        mine = await queries.history(session, TEAM, BORIS.crm_user, MONDAY, MONDAY)
        assert [(row.crm_user, row.outcome) for row in mine] == [
            ("12", Outcome.BROKEN),
            ("12", Outcome.BROKEN),
            ("12", Outcome.KEPT),
        ]
        members = await people.members(session, TEAM)
        board = leaderboard(
            await totals_of_days(session, TEAM, MONDAY, TUESDAY), [(m.crm_user, m.name) for m in members]
        )
        assert [(row.place, row.totals.crm_user, row.totals.points) for row in board.rows] == [
            (1, "7", 6),
            (2, "12", -6),
        ]


async def test_a_person_may_stand_in_several_ledgers(database):
    await found(database)
    await scored(database)
    await found(database, "other")
    await scored(database, team="other", snapshots=[kept(ANNA, readings())])
    async with database.reading() as session:
        members = {item.crm_user: item.id for item in await people.all_members(session)}
        assert await queries.teams_of(session, [members["7"]]) == ["other", TEAM]
        assert await queries.teams_of(session, [members["12"]]) == [TEAM]
        assert await queries.teams_of(session, []) == []


async def test_won_deals_and_sums_are_known_by_manager_and_day(database):
    await found(database)
    dollars = readings() | {"won_amount": Value({"RUB": Decimal("0.10"), "USD": Decimal("5")}, ())}
    await scored(database, MONDAY, [kept(ANNA, readings(won="0.20")), kept(BORIS, dollars)])
    unread = {"deals_won": NotRead(Cause.INCOMPLETE), "won_amount": NotRead(Cause.INCOMPLETE)}
    await scored(database, TUESDAY, [kept(ANNA, readings() | unread)])
    async with database.reading() as session:
        anna, boris = sorted(await queries.won(session, TEAM, MONDAY, TUESDAY), key=lambda row: row.crm_user == BORIS)
    assert (anna.day, anna.deals, anna.amounts) == (MONDAY, 1, {"RUB": Decimal("0.20")})
    assert (boris.day, boris.deals, boris.amounts) == (MONDAY, 1, {"RUB": Decimal("0.10"), "USD": Decimal(5)})


async def test_heartbeats_are_the_last_ones(database):
    async with database.transaction() as session:
        assert await heartbeats.last(session, "scheduler") is None
        await heartbeats.beat(session, "scheduler", at=START)
        await heartbeats.beat(session, "scheduler", at=START + timedelta(seconds=5))
        await heartbeats.beat(session, "bot", at=START)
        assert await heartbeats.last(session, "scheduler") == START + timedelta(seconds=5)
        assert set(await heartbeats.all_beats(session)) == {"scheduler", "bot"}


async def test_titles_and_words_are_forgotten_and_the_proof_still_holds(database):
    from storage.messages import deliveries
    from storage.messages.notices import BoardNotice
    from storage.people import absences
    from storage.values import AbsenceKind

    await found(database)
    await scored(database, MONDAY, [kept(ANNA, readings(overdue=[task(1, "A client's name")]))])
    await scored(database, TUESDAY)
    old, now = cutoff(MONDAY), cutoff(TUESDAY)
    async with database.transaction() as session:
        await writer.adjust(session, TEAM, "7", 1, author="head", reason="private", day=MONDAY, at=old)
        sick = await absences.record(
            session, "main", "7", first=MONDAY, last=MONDAY, kind=AbsenceKind.SICK, note="flu", author="head", at=old
        )
        notice = BoardNotice(team=TEAM, day=MONDAY)
        for event in ("old", "open"):
            await deliveries.add(session, event=event, recipient="r", notice=notice, at=old)
        await deliveries.cancel(session, event="old", at=old)

        before = old + timedelta(minutes=5)
        assert await retention.blank(session, before) == 1
        assert await retention.blank(session, before) == 0

        day = await queries.day(session, TEAM, MONDAY)
        assert (day.cards[0].lines[1].items[0].title, day.cards[0].lines[1].items[0].key) == ("", "task:1")
        assert (await queries.day(session, TEAM, TUESDAY)).cards[1].lines[1].items[0].title == "Task 1"
        adjustment = day.entries[-1]
        assert (adjustment.reason, adjustment.author, adjustment.points) == ("", "", 1)
        assert (await absences.find(session, sick.id)).note == ""
        assert (await deliveries.find(session, "old", "board", "r")).notice is None
        assert (await deliveries.find(session, "open", "board", "r")).notice == notice
    async with database.reading() as session:
        assert await verify(session, TEAM) == []
    assert now > before
