"""An item of evidence is stored once and named day by day; days, keys and entries read as before."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from scoring.snapshot import Cause, Evidence, NotRead, Range, Reading, Spared, Value
from storage.days import queries, retention, runs, snapshots
from storage.days.codec import readings_to_json
from storage.db import schema
from storage.db.database import Database
from storage.db.models import LedgerRecord, SnapshotRecord
from storage.evidence import pack
from storage.ledger import writer
from storage.ledger.entries import select_entries
from storage.values import StoredSnapshot
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
    deal,
    found,
    kept,
    readings,
    scored,
    task,
)

WEDNESDAY = TUESDAY + timedelta(days=1)


async def day_of(database: Database, day: date, *read: StoredSnapshot) -> None:
    """A whole day as the settlement stores it: compared with the days before."""
    async with database.reading() as session:
        users = [item.snapshot.manager.crm_user for item in read]
        kpis = {kpi for item in read for kpi in item.snapshot.readings}
        last = await snapshots.last_keys(session, TEAM, day, users, kpis)
    compared = [
        StoredSnapshot(item.snapshot, item.absent, last[item.snapshot.manager.crm_user].only(item.snapshot.readings))
        for item in read
    ]
    await scored(database, day, compared)


async def packed_ids(database: Database, day: date) -> list[list[str]]:
    """Ids that the snapshots of a day hold themselves."""
    async with database.reading() as session:
        run = await runs.find(session, TEAM, day)
        packs = await session.scalars(
            select(SnapshotRecord.evidence_pack)
            .where(SnapshotRecord.run_id == run.id)
            .order_by(SnapshotRecord.manager_id)
        )
        return [pack.decode(each).ids for each in packs]


async def stored(database: Database, day: date) -> list[StoredSnapshot]:
    async with database.reading() as session:
        run = await runs.find(session, TEAM, day)
        return await snapshots.stored_snapshots(session, run.id)


async def test_only_the_first_day_of_an_item_holds_the_item(database):
    await found(database)
    await day_of(database, MONDAY, kept(ANNA, readings(overdue=[task(1), task(2)])))
    await day_of(database, TUESDAY, kept(ANNA, readings(overdue=[task(3), task(2), task(1)])))
    renamed = readings(overdue=[task(3), task(2, "Another title")], won="7")
    await day_of(database, WEDNESDAY, kept(ANNA, renamed))
    assert await packed_ids(database, MONDAY) == [["1", "1", "2"]]
    assert await packed_ids(database, TUESDAY) == [["3"]]
    assert await packed_ids(database, WEDNESDAY) == [["1", "2"]]
    [tuesday], [wednesday] = await stored(database, TUESDAY), await stored(database, WEDNESDAY)
    assert tuesday.snapshot.readings == readings(overdue=[task(3), task(2), task(1)])
    assert wednesday.snapshot.readings == renamed
    assert readings_to_json(wednesday.snapshot.readings) == readings_to_json(renamed)
    assert wednesday.last["overdue_tasks"] == {"task:1", "task:2", "task:3"}
    async with database.reading() as session:
        assert await verify(session, TEAM) == []


async def test_a_day_that_was_not_read_does_not_store_the_items_again(database):
    await found(database)
    await day_of(database, MONDAY, kept(ANNA, readings(overdue=[task(1)])))
    await day_of(database, TUESDAY, kept(ANNA, {"overdue_tasks": NotRead(Cause.INCOMPLETE)}))
    await day_of(database, WEDNESDAY, kept(ANNA, readings(overdue=[task(1)])))
    assert await packed_ids(database, WEDNESDAY) == [[]]
    [wednesday] = await stored(database, WEDNESDAY)
    assert wednesday.last == dict((await stored(database, TUESDAY))[0].last) | {
        "calls_held": frozenset(),
        "deals_won": {"deal:1"},
        "won_amount": {"deal:1"},
    }


async def test_doubtful_values_and_flags_come_back(database):
    await found(database)
    items = (
        task(1),
        Evidence("task", "2", "", "", spared=Spared.INHERITED),
        Evidence("call", "3", "Звонок", "", late=True),
    )
    doubtful: dict[str, Reading] = {
        "overdue_tasks": NotRead(Cause.CHANGED, range=Range(Value(1, items), 3)),
        "deals_open": Value(4),
    }
    await day_of(database, MONDAY, kept(ANNA, doubtful))
    [monday] = await stored(database, MONDAY)
    assert readings_to_json(monday.snapshot.readings) == readings_to_json(dict(sorted(doubtful.items())))
    await day_of(database, TUESDAY, kept(ANNA, {"overdue_tasks": Value(2, items)}))
    await day_of(database, WEDNESDAY, kept(ANNA, readings()))
    [wednesday] = await stored(database, WEDNESDAY)
    assert wednesday.last["overdue_tasks"] == {"task:1", "call:3"}  # what was spared did not count
    assert repr(wednesday.last).startswith("{")
    assert len(wednesday.last) == 1
    assert "deals_open" not in wednesday.last


async def test_a_second_attempt_keeps_what_was_read_and_stores_the_rest(database):
    await found(database)
    await day_of(database, MONDAY, kept(ANNA, readings(overdue=[task(1)])))
    claim = await claimed(database, TUESDAY)
    first = readings(overdue=[task(1), task(2)]) | {"won_amount": NotRead(Cause.INCOMPLETE)}
    async with database.transaction() as session:
        last = await snapshots.last_keys(session, TEAM, TUESDAY, [ANNA.crm_user], readings())
        both = [kept(ANNA, first, last=last[ANNA.crm_user]), kept(BORIS, readings())]
        await runs.store_snapshots(session, claim.lease, both, at=cutoff(TUESDAY))
    second = readings(overdue=[task(9)], won="7")
    async with database.transaction() as session:
        again = [kept(ANNA, second, last=last[ANNA.crm_user])]
        merged = await runs.store_snapshots(session, claim.lease, again, at=cutoff(TUESDAY))
    whole = first | {"won_amount": second["won_amount"]}
    assert [item.snapshot.readings for item in merged] == [whole, readings()]
    assert await stored(database, TUESDAY) == merged
    assert await packed_ids(database, TUESDAY) == [["2", "1"], ["1"]]


async def test_entries_have_their_keys_though_the_ledger_has_a_hash_alone(database):
    await found(database)
    await day_of(database, MONDAY, kept(ANNA, readings(overdue=[task(1), task(2)])))
    async with database.transaction() as session:
        why: dict[str, Any] = {"author": "head", "reason": "because", "at": cutoff(TUESDAY)}
        reversal = await writer.reverse(session, TEAM, 2, **why)
        assert reversal.evidence == ("task:1", "task:2")
        month = await queries.entries(session, TEAM, MONDAY, MONDAY)
        assert [entry.evidence for entry in month] == [(), ("task:1", "task:2"), ("deal:1",), ("task:1", "task:2")]
        bare = await queries.entries(session, TEAM, MONDAY, MONDAY, evidence=False)
        assert [entry.evidence for entry in bare] == [()] * 4
        rows = (await session.scalars(select(LedgerRecord).order_by(LedgerRecord.seq))).all()
        assert [row.payload for row in rows][:3] == ["", "", ""]
        assert rows[1].evidence == rows[3].evidence
        assert (rows[1].evidence["count"], len(rows[1].evidence["sha256"])) == (2, 64)
        forging = await session.begin_nested()
        await session.execute(update(SnapshotRecord).values(evidence_lists=None, readings={}))
        assert (await select_entries(session, LedgerRecord.seq == 2))[0].evidence == ()
        assert await verify(session, TEAM) != []
        await forging.rollback()


async def test_retention_takes_titles_that_no_younger_day_shows(database):
    await found(database)
    for day, items in ((MONDAY, [1, 2]), (TUESDAY, [2]), (WEDNESDAY, [2, 3])):
        overdue = [task(number, f"Client {number}") for number in items]
        await day_of(database, day, kept(ANNA, readings(overdue=overdue, won=str(day.day))))
    async with database.transaction() as session:
        assert await retention.blank(session, cutoff(TUESDAY) - timedelta(hours=1)) == 1
        monday = await queries.day(session, TEAM, MONDAY)
        assert [item.title for item in monday.cards[0].lines[1].items] == ["", ""]
        assert [item.url for item in monday.cards[0].lines[1].items] == ["", ""]
        wednesday = await queries.day(session, TEAM, WEDNESDAY)
        assert [item.title for item in wednesday.cards[0].lines[1].items] == ["Client 2", "Client 3"]
        assert await verify(session, TEAM) == []
        [titles, *_] = [
            pack.decode(each).titles
            for each in await session.scalars(select(SnapshotRecord.evidence_pack).order_by(SnapshotRecord.run_id))
        ]
        assert titles == ["", "", "Client 2"]
        assert await retention.blank(session, cutoff(WEDNESDAY) + timedelta(hours=1)) == 2
        packs = (await session.scalars(select(SnapshotRecord.evidence_pack))).all()
        assert {title for each in packs for title in pack.decode(each).titles} == {""}
        assert await verify(session, TEAM) == []


async def _as_an_earlier_release(database: Database) -> None:
    """Rewrite all snapshots as plain readings, the way the first release stored them."""
    async with database.transaction() as session:
        rows = await session.execute(select(SnapshotRecord.run_id, SnapshotRecord.manager_id))
        for run_id, manager_id in rows.all():
            items = await snapshots.stored_snapshots(session, run_id)
            [item] = [each for each in items if each.snapshot.manager == {1: ANNA, 2: BORIS}[manager_id]]
            last = {kpi: sorted(keys) for kpi, keys in item.last.items()}
            plain = {"readings": readings_to_json(item.snapshot.readings), "last_keys": last}
            row = update(SnapshotRecord).where(SnapshotRecord.run_id == run_id, SnapshotRecord.manager_id == manager_id)
            await session.execute(row.values(plain | {"evidence_lists": None, "evidence_pack": None}))


async def test_snapshots_of_an_earlier_release_are_read_compared_blanked_and_packed(database):
    await found(database)
    await day_of(database, MONDAY, kept(ANNA, readings(overdue=[task(1), task(2)])))
    await _as_an_earlier_release(database)
    await day_of(database, TUESDAY, kept(ANNA, readings(overdue=[task(2)])))
    [monday], [tuesday] = await stored(database, MONDAY), await stored(database, TUESDAY)
    assert monday.snapshot.readings == readings(overdue=[task(1), task(2)])
    assert tuesday.last["overdue_tasks"] == {"task:1", "task:2"}
    assert await packed_ids(database, TUESDAY) == [["1", "2"]]
    async with database.transaction() as session:
        assert await verify(session, TEAM) == []
        assert (await queries.entries(session, TEAM, MONDAY, MONDAY))[1].evidence == ("task:1", "task:2")
        assert await retention.blank(session, cutoff(TUESDAY) - timedelta(hours=1)) == 1
        assert await verify(session, TEAM) == []
        assert await session.scalar(select(func.count()).where(SnapshotRecord.evidence_lists.is_(None))) == 0
    assert await packed_ids(database, MONDAY) == [["1", "1", "2"]]
    [tuesday] = await stored(database, TUESDAY)
    assert tuesday.last["overdue_tasks"] == {"task:1", "task:2"}


async def test_a_downgrade_writes_everything_back(database, database_url):
    await found(database)
    await day_of(database, MONDAY, kept(ANNA, readings(overdue=[task(1), task(2)])), kept(BORIS, readings()))
    await day_of(database, TUESDAY, kept(ANNA, readings(overdue=[task(2)], won="3")), kept(BORIS, readings()))
    before = [await stored(database, day) for day in (MONDAY, TUESDAY)]
    await database.close()
    schema.downgrade(database_url, "0007")
    schema.upgrade(database_url)
    async with await Database.open(database_url) as again:
        assert [await stored(again, day) for day in (MONDAY, TUESDAY)] == before
        async with again.reading() as session:
            lists = await session.scalars(select(SnapshotRecord.evidence_lists))
            assert set(lists) == {None}
            assert await verify(session, TEAM) == []


def test_the_same_items_are_equal_whoever_holds_them():
    from storage.evidence.encode import encode_evidence
    from storage.evidence.lists import decode
    from storage.evidence.stored import ItemBook, LastKeys, StoredEvidence, keys_of

    items = tuple(task(number) for number in range(7))
    encoded = encode_evidence(4, {"overdue_tasks": Value(7, items)}, LastKeys({}))
    named = decode(encoded.lists)
    evidence = StoredEvidence(ItemBook(named.sources, [encoded.pack]), named.addresses["overdue_tasks"])
    assert evidence == items
    assert (hash(evidence), evidence[1], evidence[1:3], len(evidence)) == (hash(items), items[1], items[1:3], 7)
    assert repr(evidence).endswith(", …)")
    assert keys_of(evidence) == keys_of(items)
    assert evidence != items[:6]
    broken = StoredEvidence(ItemBook([(4, 8)], [encoded.pack]), [0])
    with pytest.raises(ValueError, match="7 items instead of 8"):
        list(broken)
    assert LastKeys.of({"a": frozenset({"task:1"})}).items_of("a") == ()
    assert deal(1, "5").since is None
    assert task(1).since == START
