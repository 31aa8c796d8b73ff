"""Who is seen later, and boards without probation: docs/product.md §12, §19."""

from __future__ import annotations

from dataclasses import replace

from scoring.scorecard import Outcome
from scoring.standings import leaderboard
from scoring.terms.employment import Employment
from storage.days import queries
from storage.days.newcomers import load_probation
from storage.ledger import exceptions, totals, writer
from tests.storage.company import (
    ANNA,
    BORIS,
    MONDAY,
    RULEBOOK,
    TEAM,
    TUESDAY,
    found,
    kept,
    readings,
)
from tests.storage.days.evenings import LATER, WEEK, WHY, boris, evening, overdue_of, points


async def test_who_is_seen_later_begins_the_day_after_and_loses_nothing_on_probation(database):
    await found(database, rulebook=replace(RULEBOOK, probation_days=2))
    await evening(database, MONDAY, kept(ANNA, readings(calls=0)))
    lazy = boris(1, calls=0)
    got = [(await evening(database, day, kept(ANNA, readings(calls=0)), lazy))[BORIS.crm_user] for day in WEEK[1:]]
    assert [(card.excuse is None, card.newcomer, card.points) for card in got] == [
        (False, True, 0), (True, True, 1), (True, True, 1), (True, False, -3),
    ]  # fmt: skip
    assert [overdue_of(card)[0] for card in got[1:]] == [Outcome.BROKEN] * 3
    assert await points(database, WEEK[4]) == (1, 4)
    async with database.reading() as session:
        newcomers = await load_probation(session, TEAM, MONDAY, WEEK[4])
    assert newcomers == {(BORIS.crm_user, day) for day in WEEK[1:4]}


async def test_who_is_in_the_first_reading_begins_at_once_and_is_no_newcomer(database):
    await found(database, rulebook=replace(RULEBOOK, probation_days=2))
    cards = await evening(database, MONDAY, boris(1))
    assert overdue_of(cards[BORIS.crm_user]) == (Outcome.BROKEN, -2)


async def test_the_settings_may_have_a_newcomer_begin_at_a_date(database):
    later = {BORIS.crm_user: Employment(since=TUESDAY)}
    await found(database, rulebook=replace(RULEBOOK, probation_days=1, people=later))
    cards = [(await evening(database, day, boris(1)))[BORIS.crm_user] for day in WEEK[:3]]
    assert [(card.excuse is None, card.points) for card in cards] == [(False, 0), (True, 2), (True, 0)]


async def test_newcomers_are_in_no_board_and_each_is_measured_by_his_own_schedule(database):
    monday_only = {ANNA.crm_user: Employment(weekdays=(0,))}
    await found(database, rulebook=replace(RULEBOOK, probation_days=2, people=monday_only))
    await evening(database, MONDAY, kept(ANNA, readings()))
    for day in WEEK[1:4]:
        await evening(database, day, kept(ANNA, readings()), boris(1))
    members = [(BORIS.crm_user, BORIS.name), (ANNA.crm_user, ANNA.name)]
    async with database.reading() as session:
        team = await totals.totals_of_days(session, TEAM, MONDAY, WEEK[3])
        off = await exceptions.days_off(session, TEAM, MONDAY, WEEK[3])
        outcomes = await totals.outcomes_of_days(session, TEAM, MONDAY, WEEK[3])
    assert off == {ANNA.crm_user: 2}
    assert outcomes == {MONDAY: (3, 0)}
    board = leaderboard(team, members, days_off=off)
    assert [row.totals.crm_user for row in board.rows] == [ANNA.crm_user]
    assert (board.apart, board.discipline) == ((), 100)
    await evening(database, WEEK[4], boris(1))
    async with database.reading() as session:
        team = await totals.totals_of_days(session, TEAM, MONDAY, WEEK[4])
    later = leaderboard(team, members).of(BORIS.crm_user)
    assert (later.totals.scored_days, later.totals.points) == (1, 0)


async def test_a_hand_correction_to_broken_takes_nothing_from_a_newcomer_either(database):
    await found(database, rulebook=replace(RULEBOOK, probation_days=2))
    await evening(database, MONDAY, kept(ANNA, readings()))
    for day in WEEK[1:3]:
        await evening(database, day, boris())
    async with database.transaction() as session:
        [first, *_] = await queries.history(session, TEAM, BORIS.crm_user, WEEK[2], WEEK[2])
        written = await writer.correct(session, TEAM, first.seq, Outcome.BROKEN, at=LATER, **WHY)
    assert [(row.outcome, row.points) for row in written] == [(None, -1), (Outcome.BROKEN, 0)]
