"""An honest chain under another key, and a forged past under the old key: the team of an anchor is compared too."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reglament.errors import WorkFailed
from reglament.witnesses.anchors import append_anchors, read_anchors
from reglament.witnesses.differences import compare, find_gaps, find_unwitnessed
from reglament.witnesses.start import compare_with_anchors
from storage.journal.digests import JournalDay, journal_days
from storage.people import teams
from storage.verify.verification import verify
from tests.reglament.witnesses.test_anchors import anchoring, days_of
from tests.storage.company import ANNA, MONDAY, TEAM, TUESDAY, cutoff, found, kept, readings, scored

WEDNESDAY = TUESDAY + timedelta(days=1)
LATER = cutoff(WEDNESDAY) + timedelta(hours=1)


@pytest.fixture
async def anchored(database, tmp_path):
    """Three honest days, anchored."""
    await found(database)
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await scored(database, day)
    anchors = anchoring(database, tmp_path / "anchors.jsonl")
    await anchors.anchor()
    return anchors


async def rename(database, at=LATER) -> None:
    async with database.transaction() as session:
        await teams.rename(session, TEAM, "sales_old", author="cli", at=at)


async def splice(database) -> None:
    """The honest team gets another key; another team takes the old key, with days of the past."""
    await rename(database)
    await found(database)
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        await scored(database, day, [kept(ANNA, readings())])


async def without_ids(file) -> None:
    """Rewrite the lines as an older release wrote them."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    days = [{name: value for name, value in line.items() if name != "team_id"} for line in lines if "day" in line]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in days))


@pytest.mark.parametrize("is_old", [False, True], ids=["ids", "keys"])
async def test_a_renamed_team_keeps_its_anchors(database, anchored, tmp_path, is_old):
    if is_old:
        await without_ids(tmp_path / "anchors.jsonl")
    await rename(database)
    await compare_with_anchors(anchored.process)
    await anchored.anchor()


@pytest.mark.parametrize("is_old", [False, True], ids=["ids", "keys"])
async def test_days_put_in_under_the_key_of_an_anchored_team_are_named(database, anchored, tmp_path, is_old):
    file = tmp_path / "anchors.jsonl"
    if is_old:
        await without_ids(file)
    await splice(database)
    with pytest.raises(WorkFailed, match="a day that was put in later") as refused:
        await compare_with_anchors(anchored.process)
    for day in (MONDAY, TUESDAY):
        assert f"{TEAM} {day}: digest" in str(refused.value)
    before = file.read_text()
    for each in (anchored, anchoring(database, file)):
        with pytest.raises(WorkFailed, match="contradicts the anchors"):
            await each.anchor()
    assert file.read_text() == before
    await compare_with_anchors(anchored.process, accept=True)
    await compare_with_anchors(anchored.process)


async def test_verify_alone_names_a_past_from_before_the_team_was_known_and_accounts_scored_twice(database, anchored):
    await splice(database)
    async with database.reading() as session:
        told = [problem.text for problem in await verify(session, TEAM)]
        old = [problem.text for problem in await verify(session, "sales_old")]
    early = f"3 days ({MONDAY} to {WEDNESDAY}) were finished before the company knew of the team"
    twice = f"account {ANNA.crm_user} was scored by two teams on 3 days ({MONDAY} to {WEDNESDAY})"
    beside = f"2 days ({MONDAY} to {TUESDAY}) of a later team with the key {TEAM}"
    beside = f"{beside} lie before the last day of another team under the key ({WEDNESDAY}): two pasts of a key"
    assert any(each.startswith(early) for each in told), told
    assert told.count(twice) == 1
    assert old == [twice, beside]


async def test_two_pasts_of_a_key_are_named_whatever_the_instants_and_accounts_are(database, anchored):
    await rename(database)
    await found(database)
    for day in (MONDAY, TUESDAY):
        await scored(database, day, [])
    async with database.reading() as session:
        told = [problem.text for problem in await verify(session, TEAM)]
    assert any("two pasts of a key" in each for each in told), told


async def test_a_key_that_goes_and_comes_back_has_a_single_past(database):
    await found(database)
    await scored(database, MONDAY)
    for number, (old, new) in enumerate([(TEAM, "sales_old"), ("sales_old", TEAM)]):
        async with database.transaction() as session:
            at = cutoff(TUESDAY + timedelta(days=number)) + timedelta(minutes=5)
            await teams.rename(session, old, new, author="cli", at=at)
        await scored(database, TUESDAY + timedelta(days=number), team=new)
    async with database.reading() as session:
        assert await verify(session, TEAM) == []


async def test_a_team_of_later_takes_over_people_on_the_day_of_the_change(database):
    await found(database)
    await scored(database, MONDAY)
    await scored(database, TUESDAY)
    async with database.transaction() as session:
        await teams.rename(session, TEAM, "sales_old", author="cli", at=cutoff(TUESDAY) + timedelta(seconds=70))
    await found(database)
    await scored(database, WEDNESDAY)
    async with database.reading() as session:
        assert await verify(session, TEAM) == []
        assert await verify(session, "sales_old") == []


async def test_a_digest_stands_for_the_team_of_its_anchor_only(database, anchored, tmp_path):
    days = await days_of(database)
    [gap] = find_gaps([replace(days[0], team_id=2)], days)
    assert gap.text.endswith("for another team than sales, which has it in the journal")
    [gap] = find_gaps([replace(days[0], team="others", team_id=0)], days)
    assert gap.owner == TEAM
    assert find_gaps([replace(days[0], team="renamed since")], days) == []


def journal_day(team: int, number: int, *, seq: int = 0, minutes: int = 0, key: str = "") -> JournalDay:
    day = MONDAY + timedelta(days=number)
    key = key or f"team_{team}"
    at = cutoff(day) + timedelta(minutes=minutes)
    return JournalDay(key, day, f"{team}-{number}", seq or number + 2, at, team, frozenset({key}))


def test_a_day_may_wait_for_its_anchor_and_no_later_day_may_be_anchored_before():
    honest = [journal_day(1, number) for number in range(4)]
    waiting = [journal_day(1, 4), journal_day(2, 3, minutes=-30)]
    assert find_unwitnessed(honest, [*honest, *waiting]) == []
    assert find_unwitnessed([], [*honest, *waiting]) == []
    between = [journal_day(1, 2, seq=2), journal_day(2, 1), journal_day(2, 2, key="team_1", minutes=9000)]
    between = [replace(day, digest=f"forged-{day.digest}") for day in between]
    told = find_unwitnessed(honest, [*honest, *between])
    assert [each.day for each in told] == between
    assert {each.after for each in told} == {honest[-1]}
    assert find_unwitnessed(honest, [*honest, *between], {day.digest for day in between}) == []


async def test_days_given_up_prove_no_order(database, anchored, tmp_path):
    file = tmp_path / "anchors.jsonl"
    lost = [journal_day(1, number, key=TEAM) for number in (4, 5)]
    append_anchors(file, lost)
    await compare_with_anchors(anchored.process, accept=True)
    await scored(database, MONDAY + timedelta(days=4))
    await compare_with_anchors(anchored.process)
    async with database.reading() as session:
        found_now = await compare(session, read_anchors(file), await journal_days(session))
        assert [gap.anchored for gap in found_now.gaps] == lost
        assert found_now.unwitnessed == ()
        assert len(await journal_days(session)) == 4
