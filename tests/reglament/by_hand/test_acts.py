"""Pardons, adjustments and corrections: who may, how much, about which day, and what people are told."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from reglament.absence_acts import record_absence
from reglament.by_hand.adjusting import adjust, adjust_all
from reglament.by_hand.correcting import correct
from reglament.by_hand.pardoning import pardon, pardon_author
from reglament.day.cutoff import run_cutoff
from reglament.day.members import synchronise_members
from scoring.entries import Month
from scoring.scorecard import Outcome
from scoring.standings import totals
from storage.days import queries
from storage.ledger import by_hand, periods
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.messages.notices import AdjustedNotice, CorrectionNotice, PardonedNotice, PardonQuestionNotice
from storage.people import invites, people
from storage.values import AbsenceKind, PointsAuthor
from storage.verify.verification import verify
from tests.reglament.day.conftest import clock, crm
from tests.reglament.day.thursday import AT_SIX, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, PETR
from tests.storage.told import told

__all__ = ["clock", "crm"]

FRIDAY = THURSDAY + timedelta(days=1)
HEAD, OWNER = PointsAuthor("Olga"), PointsAuthor("Boss", is_owner=True)


@pytest.fixture
async def scored(sqlite_database, crm, clock):
    """Thursday is scored; Anna and Petr have chats."""
    return await _scored(sqlite_database, crm, clock)


@pytest.fixture
async def scored_on_both(database, crm, clock):
    """The same on both databases, for heads who act at once."""
    return await _scored(database, crm, clock)


async def _scored(database, crm, clock):
    process = await ready_process(database, crm, clock)
    await synchronise_members(process, "main", crm.people, THURSDAY)
    async with database.transaction() as session:
        for user, chat in ((ANNA, 11), (PETR, 12)):
            token = await invites.invite_manager(session, "main", user, author="test", at=clock())
            await invites.accept(session, token, chat, at=clock())
    await run_cutoff(process, AT_SIX)
    return process


class Acts:
    """The acts about Petr on Thursday, each in a transaction of its own."""

    def __init__(self, process) -> None:
        self.process = process

    async def pardon(self, rule=None, day=THURSDAY, author=HEAD, reason="CRM was down"):
        async with self.process.db.transaction() as session:
            return await pardon(self.process, session, "sales", day, rule, reason=reason, author=author)

    async def adjust(self, points=3, user=PETR, author=HEAD, reason="helped", day=None, key=""):
        async with self.process.db.transaction() as session:
            who = await people.member(session, "main", user)
            return await adjust(
                self.process, session, "sales", who, points, reason=reason, author=author, day=day, key=key
            )

    async def correct(self, rule, outcome=Outcome.KEPT, day=THURSDAY, author=HEAD, shown=None, reason="proved"):
        async with self.process.db.transaction() as session:
            who = await people.member(session, "main", PETR)
            return await correct(
                self.process, session, "sales", who, day, rule, outcome, reason=reason, author=author, shown=shown
            )

    async def points(self):
        async with self.process.db.reading() as session:
            assert await verify(session, "sales") == []
            return totals(await queries.history(session, "sales", PETR, THURSDAY, THURSDAY))[PETR].points

    async def rules(self):
        async with self.process.db.reading() as session:
            return {each.rule: each for each in await by_hand.rules_of_day(session, "sales", PETR, THURSDAY)}

    async def notices(self, seq):
        async with self.process.db.reading() as session:
            return [each.notice for each in await told(session, f"by-hand:sales:{seq}")]


async def _problem(act) -> PointsProblem:
    with pytest.raises(PointsRefused) as refused:
        await act
    return refused.value.problem


async def test_a_correction_is_told_and_a_stale_or_second_one_changes_nothing(scored_on_both):
    acts = Acts(scored_on_both)
    before, rules = await acts.points(), await acts.rules()
    [rule, other] = [each for each in rules.values() if each.outcome is Outcome.BROKEN]
    both = await asyncio.gather(*(acts.correct(rule.rule, shown=rule.seq) for _ in range(2)), return_exceptions=True)
    [refused] = [each for each in both if isinstance(each, PointsRefused)]
    [done] = [each for each in both if not isinstance(each, BaseException)]
    assert refused.problem is PointsProblem.CHANGED
    assert await acts.points() == before + 3
    [notice] = await acts.notices(done.entries[-1].seq)
    assert notice == CorrectionNotice(team="sales", day=THURSDAY, crm_user=PETR, seq=done.entries[-1].seq)
    assert (await acts.correct(rule.rule)).is_known
    assert [row.points for row in (await acts.correct(rule.rule, Outcome.EXCUSED)).entries] == [-1]
    assert await _problem(acts.correct(rule.rule, Outcome.BROKEN)) is PointsProblem.OWNER_ONLY
    assert [row.points for row in (await acts.correct(rule.rule, Outcome.BROKEN, author=OWNER)).entries] == [-2]
    assert await acts.points() == before
    assert await _problem(acts.correct(other.rule, author=PointsAuthor("Пётр Образцов"))) is PointsProblem.OWN


async def test_corrections_of_what_was_not_judged_get_a_clear_answer(scored):
    acts = Acts(scored)
    assert await _problem(acts.correct("gone")) is PointsProblem.NO_RULE
    assert await _problem(acts.correct("gone", day=FRIDAY)) is PointsProblem.FUTURE
    assert await _problem(acts.correct("gone", day=THURSDAY - timedelta(days=1))) is PointsProblem.NOT_SCORED
    assert await _problem(acts.correct("gone", reason="x" * 5000)) is PointsProblem.TOO_LONG
    unjudged = [each.rule for each in (await acts.rules()).values() if not each.is_judged]
    for rule in unjudged[:1]:
        assert await _problem(acts.correct(rule)) is PointsProblem.NOT_JUDGED
    broken = next(each.rule for each in (await acts.rules()).values() if each.outcome is Outcome.BROKEN)
    async with scored.db.transaction() as session:
        who = await people.member(session, "main", PETR)
        await record_absence(scored, session, who, THURSDAY, THURSDAY, AbsenceKind.SICK, "Olga")
    assert await _problem(acts.correct(broken)) is PointsProblem.ABSENT


async def test_a_pardon_excuses_the_team_but_its_author_only_by_the_owners_word(scored):
    acts = Acts(scored)
    author = PointsAuthor("Petr", person_id=(await _petr(scored)).person_id)
    act = await acts.pardon(author=author)
    assert (act.own_left > 0, act.entries) == (True, ())
    own = [each for each in (await acts.rules()).values() if each.outcome is Outcome.BROKEN]
    async with scored.db.reading() as session:
        row = min(await by_hand.broken(session, "sales", THURSDAY), key=lambda each: each.seq)
        questions = await told(session, f"pardon-question:sales:{THURSDAY}::{row.seq}")
    assert [(each.recipient, type(each.notice)) for each in questions] == [("tg:999", PardonQuestionNotice)]

    async def confirm():
        async with scored.db.transaction() as session:
            return await pardon_author(
                scored, session, "sales", PETR, THURSDAY, None, reason="CRM was down", author=OWNER
            )

    confirmed = await confirm()
    assert len(confirmed.entries) == len(own)
    assert (await confirm()).is_known
    [notice] = await acts.notices(confirmed.entries[0].seq)
    assert (notice.pardoned, notice.crm_user) == ("", PETR)
    assert await _problem(acts.pardon()) is PointsProblem.NOTHING_BROKEN


async def test_a_pardon_of_one_rule_tells_everybody_in_one_line(scored):
    acts = Acts(scored)
    rule = "overdue_tasks"
    act = await acts.pardon(rule)
    assert {row.rule for row in act.entries} == {rule}
    notices = await acts.notices(act.entries[0].seq)
    assert {type(each) for each in notices} == {CorrectionNotice, PardonedNotice}
    assert {each.team for each in notices} == {"sales"}
    assert await _problem(acts.pardon(rule)) is PointsProblem.NOTHING_BROKEN
    assert await _problem(acts.pardon(day=FRIDAY)) is PointsProblem.FUTURE


async def test_adjustments_have_a_limit_a_key_and_a_place_after_the_lock(scored):
    acts = Acts(scored)
    first, again = await acts.adjust(key="chat:1"), await acts.adjust(key="chat:1")
    assert (again.is_known, again.entries) == (True, first.entries)
    [notice] = await acts.notices(first.entries[0].seq)
    assert notice == AdjustedNotice(team="sales", day=THURSDAY, crm_user=PETR, seq=first.entries[0].seq)
    await acts.adjust(-7)
    assert await _problem(acts.adjust(1)) is PointsProblem.OVER_LIMIT
    rule = next(each.rule for each in (await acts.rules()).values() if each.outcome is Outcome.BROKEN)
    assert await _problem(acts.correct(rule)) is PointsProblem.OVER_LIMIT
    assert (await acts.adjust(50, author=OWNER)).points == 50
    month = Month.of(THURSDAY)
    async with scored.db.transaction() as session:
        await periods.approve(session, "sales", month, author="Boss", at=scored.now())
        await periods.lock(session, "sales", month, workdays=[], author="hr", at=scored.now())
    assert (await acts.adjust(1, user=ANNA)).entries[0].booked_in == month.next


async def test_adjustments_that_cannot_be_get_a_clear_answer(scored):
    acts = Acts(scored)
    for act, problem in (
        (acts.adjust(0), PointsProblem.NO_POINTS),
        (acts.adjust(1001), PointsProblem.NO_POINTS),
        (acts.adjust(reason=" "), PointsProblem.NO_REASON),
        (acts.adjust(reason="x" * 5000), PointsProblem.TOO_LONG),
        (acts.adjust(author=PointsAuthor(" ")), PointsProblem.NO_AUTHOR),
        (acts.adjust(day=FRIDAY), PointsProblem.FUTURE),
        (acts.adjust(day=THURSDAY - timedelta(days=99)), PointsProblem.TOO_EARLY),
        (acts.adjust(author=PointsAuthor((await _petr(scored)).name)), PointsProblem.OWN),
    ):
        assert await _problem(act) is problem
    only = PointsAuthor((await _petr(scored)).name, is_owner=True)
    assert "единственный владелец" in (await acts.adjust(author=only)).entries[0].reason


async def test_everybody_who_was_there_is_adjusted_in_one_act(scored):
    async with scored.db.transaction() as session:
        who = await people.member(session, "main", PETR)
        await record_absence(scored, session, who, THURSDAY, THURSDAY, AbsenceKind.SICK, "Olga")
        act = await adjust_all(scored, session, "sales", 1, reason="unread", author=HEAD, day=THURSDAY)
    assert {row.crm_user for row in act.entries} == {ANNA}


async def _petr(process):
    async with process.db.reading() as session:
        return await people.member(session, "main", PETR)
