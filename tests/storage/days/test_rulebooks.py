"""Versions of rules and money: which one a day is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from scoring.kpis import KpiSettings
from scoring.payout import MoneyTerms
from scoring.rules import Rulebook, version_of
from storage.days import rulebooks
from storage.db.models import MoneyVersionRecord
from storage.errors import NotFound
from storage.verify.verification import verify
from tests.storage.company import MONDAY, RULEBOOK, START, TEAM, TUESDAY, found, scored

HOUR = timedelta(hours=1)
CHANGED = Rulebook(RULEBOOK.rules[:2])


async def test_the_first_rulebook_holds_at_once_also_for_days_before(database):
    await found(database)
    async with database.reading() as session:
        for instant in (START - timedelta(days=900), START, START + HOUR):
            assert (await rulebooks.rulebook_at(session, TEAM, instant)).version == RULEBOOK.version


async def test_a_change_holds_for_windows_that_start_after_it_was_loaded(database):
    await found(database)
    changed_at = START + timedelta(days=3)
    async with database.transaction() as session:
        assert not await rulebooks.keep_rulebook(session, TEAM, RULEBOOK, START + HOUR)
        assert await rulebooks.keep_rulebook(session, TEAM, CHANGED, changed_at)
        assert not await rulebooks.keep_rulebook(session, TEAM, CHANGED, changed_at + HOUR)

        async def version(instant):
            return (await rulebooks.rulebook_at(session, TEAM, instant)).version

        assert await version(changed_at - HOUR) == RULEBOOK.version
        assert await version(changed_at) == CHANGED.version
        waiting, since = await rulebooks.next_rulebook(session, TEAM, changed_at - HOUR)
        assert (waiting.version, since) == (CHANGED.version, changed_at)
        assert await rulebooks.next_rulebook(session, TEAM, changed_at) is None

        assert await rulebooks.keep_rulebook(session, TEAM, RULEBOOK, changed_at + HOUR)
        assert await version(changed_at + HOUR) == RULEBOOK.version
        assert await version(changed_at) == CHANGED.version


async def test_versions_follow_the_order_of_storing_also_after_a_clock_that_was_wrong(database):
    await found(database)
    future = START + timedelta(days=4000)
    async with database.transaction() as session:
        assert await rulebooks.keep_rulebook(session, TEAM, CHANGED, future)
        assert await rulebooks.keep_rulebook(session, TEAM, RULEBOOK, START + HOUR)
        assert not await rulebooks.keep_rulebook(session, TEAM, RULEBOOK, START + 2 * HOUR)
        for instant in (START + HOUR, future, future + HOUR):
            assert (await rulebooks.rulebook_at(session, TEAM, instant)).version == RULEBOOK.version


@dataclass(frozen=True, slots=True)
class Wider(KpiSettings):
    """The settings of a later release."""

    patience_minutes: int = 0


@pytest.mark.parametrize("is_first_release", [True, False])
async def test_an_upgrade_with_a_new_setting_keeps_versions_and_the_proof(database, monkeypatch, is_first_release):
    """A release that knows one setting more: no new rulebook, no new judge of a day, nothing to report."""
    await found(database)
    async with database.transaction() as session:
        record = await rulebooks.rulebook_record_at(session, TEAM, START)
        if is_first_release:
            record.content = {key: value for key, value in record.content.items() if key != "schema"}
            record.version = version_of(record.content)
        version = record.version
    await scored(database, MONDAY)

    monkeypatch.setattr("scoring.rules.KpiSettings", Wider)
    upgraded = Rulebook(RULEBOOK.rules, Wider())
    async with database.transaction() as session:
        assert not await rulebooks.keep_rulebook(session, TEAM, upgraded, START + HOUR)
        assert (await rulebooks.rulebook_at(session, TEAM, START + HOUR)).version == version
    await scored(database, TUESDAY)
    async with database.reading() as session:
        assert await verify(session, TEAM) == []

    async with database.transaction() as session:
        stricter = Rulebook(RULEBOOK.rules, Wider(patience_minutes=60))
        assert await rulebooks.keep_rulebook(session, TEAM, stricter, START + HOUR)
    async with database.reading() as session:
        assert await verify(session, TEAM) == []


async def test_a_rulebook_that_was_altered_does_not_stop_the_start(database):
    await found(database)
    async with database.transaction() as session:
        (await rulebooks.rulebook_record_at(session, TEAM, START)).content = {"schedule": {"cutoff": 18}}
        assert await rulebooks.loaded_schedules(session, TEAM) == []
        assert await rulebooks.keep_rulebook(session, TEAM, RULEBOOK, START + HOUR)


async def test_money_is_versioned_apart_and_exact(database):
    await found(database)
    terms = MoneyTerms(
        "USD", Decimal("0.10"), Decimal("33.33"), Decimal("12.5"), Decimal("-1.00"), Decimal("90071992547409.93")
    )
    async with database.transaction() as session:
        assert not await rulebooks.keep_money(session, TEAM, MoneyTerms(), START + HOUR)
        assert await rulebooks.keep_money(session, TEAM, terms, START + HOUR)
        assert await rulebooks.money_at(session, TEAM, START) == MoneyTerms()
        stored = await rulebooks.money_at(session, TEAM, START + HOUR)
    assert stored == terms
    assert str(stored.base) == "0.10"


async def test_a_team_may_gain_and_lose_its_money(database):
    await found(database)
    async with database.transaction() as session:
        assert await rulebooks.keep_money(session, TEAM, None, START + HOUR)
        assert not await rulebooks.keep_money(session, TEAM, None, START + 2 * HOUR)
        assert await rulebooks.money_at(session, TEAM, START) == MoneyTerms()
        assert await rulebooks.money_at(session, TEAM, START + HOUR) is None
        assert await rulebooks.next_money(session, TEAM) is None
        assert await rulebooks.keep_money(session, TEAM, MoneyTerms(), START + 3 * HOUR)
        assert await rulebooks.next_money(session, TEAM) == MoneyTerms()


@pytest.mark.parametrize("loaded", [None, MoneyTerms()])
async def test_the_default_course_of_the_first_release_means_what_the_upgraded_settings_say(database, loaded):
    """0.1.0 stored the default course for a team without money too."""
    await found(database)
    async with database.transaction() as session:
        [row] = await session.scalars(select(MoneyVersionRecord))
        row.content = {key: value for key, value in row.content.items() if key != "schema"}
        assert await rulebooks.keep_money(session, TEAM, loaded, START + HOUR)
        for instant in (START, START + HOUR):
            assert await rulebooks.money_at(session, TEAM, instant) == loaded


async def test_a_team_without_versions_says_so(database):
    async with database.transaction() as session:
        with pytest.raises(NotFound):
            await rulebooks.rulebook_at(session, TEAM, START)
        with pytest.raises(NotFound):
            await rulebooks.money_at(session, TEAM, START)
