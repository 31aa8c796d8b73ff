"""Write the event of a finished day: all that its points and sums follow from."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.snapshot import evidence_of
from storage.days import rulebooks
from storage.days.codec import reading_to_json
from storage.db.models import (
    AbsenceRecord,
    JournalRowRecord,
    ManagerRecord,
    MoneyVersionRecord,
    RulebookRecord,
    RunRecord,
    SparedRecord,
    TeamRecord,
)
from storage.db.sql import lock_team
from storage.db.types import canonical_json, decimal_text, instant_text
from storage.journal.begin import begin_for
from storage.journal.chain import COMPANY, append, digest_of, find_head
from storage.journal.kinds import JournalKind
from storage.journal.messages import DayMessages
from storage.journal.states import content_hash, text_hash
from storage.ledger.chain import new_salt
from storage.values import AbsenceState, RunLease, StoredSnapshot

RUNS = RunRecord.__tablename__
_ENCODE = msgspec.json.Encoder().encode


async def close_day(
    session: AsyncSession,
    lease: RunLease,
    snapshots: Sequence[StoredSnapshot],
    *,
    at: datetime,
    missing: Mapping[str, str] | None = None,
) -> str:
    """Write the event of a day whose points are written, and return the day's digest: the head of the journal.

    `missing` says by KPI why readings are absent, as `runs.finish` stores. Call in the transaction that finishes the
    run, after `writer.append` and after the messages of the day were written.
    """
    owner = await lock_team(session, lease.team)
    await begin_for(session, owner, at)
    run = await session.get_one(RunRecord, lease.run_id)
    salts = _new_salts(session, run)
    content = await _day_content(session, owner, run, snapshots, salts)
    content["missing"] = missing_hash(missing or {}, salts.lasting_salt)
    content["ledger"] = [owner.ledger_seq, owner.ledger_hash]
    company = await find_head(session, COMPANY)
    content["company"] = company.to_json() if company else None
    head = await append(session, owner.id, JournalKind.DAY_FINISHED, content, at)
    return digest_of(head.hash)


async def _day_content(
    session: AsyncSession,
    owner: TeamRecord,
    run: RunRecord,
    snapshots: Sequence[StoredSnapshot],
    salts: JournalRowRecord,
) -> dict[str, Any]:
    """Return what the event of a day states, from what is stored; titles and names hashed with the salts of the run."""
    rulebook = await session.get_one(RulebookRecord, run.rulebook_id)
    course = await rulebooks.money_record_at(session, owner.id, run.window_start)
    messages = await DayMessages.load(session, run.id)
    window = (run.window_earlier, run.window_earlier_end, run.window_start, run.cutoff)
    return {
        "day": run.day.isoformat(),
        "run": run.id,
        "connection": run.connection,
        "window": [None if at is None else instant_text(at) for at in window],
        "rehearsed": run.rehearsed,
        "rulebook": _version(rulebook),
        "course": None if course is None else _version(course),
        "managers": [
            [item.snapshot.manager.crm_user, facts_hash(item), titles_hash(item, salts.salt)]
            for item in sorted(snapshots, key=lambda item: item.snapshot.manager.crm_user)
        ],
        "names": dict(name_hashes(snapshots, salts.lasting_salt)),
        "spared": await spared_hash(session, run.id),
        "messages": [messages.people_hash(salts.lasting_salt), messages.facts_hash(salts.salt)],
        "absent": sorted(item.snapshot.manager.crm_user for item in snapshots if item.absent),
        "absences": await _absences(session, run.connection, run.day),
    }


def _version(row: RulebookRecord | MoneyVersionRecord) -> list[Any]:
    return [row.id, row.version, content_hash(row.content)]


async def _absences(session: AsyncSession, connection: str, day: date) -> list[int]:
    """List the ids of the absences in force on a day."""
    query = (
        select(AbsenceRecord.id)
        .join(ManagerRecord, ManagerRecord.id == AbsenceRecord.manager_id)
        .where(
            ManagerRecord.connection == connection,
            AbsenceRecord.state == AbsenceState.APPROVED.value,
            AbsenceRecord.first <= day,
            AbsenceRecord.last >= day,
        )
    )
    return list(await session.scalars(query.order_by(AbsenceRecord.id)))


def _new_salts(session: AsyncSession, run: RunRecord) -> JournalRowRecord:
    """Make the salts of a run: for titles, and for names and explanations, which retention leaves."""
    row = JournalRowRecord(name=RUNS, row=str(run.id), salt=new_salt(), lasting_salt=new_salt(), state=None)
    session.add(row)
    return row


def name_hashes(snapshots: Iterable[StoredSnapshot], salt: str) -> Iterator[tuple[str, str]]:
    """Iterate over CRM users and hashed names of snapshots."""
    for item in snapshots:
        manager = item.snapshot.manager
        yield manager.crm_user, text_hash(salt, manager.crm_user, manager.name)


def missing_hash(missing: Mapping[str, str], salt: str) -> str:
    """Hash the explanations of absent readings, which may name people."""
    return text_hash(salt, "missing", canonical_json(missing))


async def spared_hash(session: AsyncSession, run_id: int) -> str:
    """Hash the records that a run spared for new owners."""
    return (await spared_hashes(session, [run_id]))[run_id]


async def spared_hashes(session: AsyncSession, run_ids: Collection[int]) -> dict[int, str]:
    """Hash the records that each run spared for new owners."""
    row = SparedRecord
    rows = await session.execute(
        select(row.run_id, ManagerRecord.crm_user, row.kpi, row.record)
        .join(ManagerRecord, ManagerRecord.id == row.manager_id)
        .where(row.run_id.in_(run_ids))
    )
    spared: dict[int, list[list[Any]]] = {run_id: [] for run_id in run_ids}
    for run_id, *record in rows:
        spared[run_id].append(record)
    return {run_id: content_hash(sorted(records)) for run_id, records in spared.items()}


def facts_hash(item: StoredSnapshot) -> str:
    """Hash what a snapshot counts: readings, evidence without titles and links, absence, keys of the last evidence."""
    found = hashlib.sha256()
    for line in _facts(item):
        found.update(line)
        found.update(b"\n")
    return found.hexdigest()


def _facts(item: StoredSnapshot) -> Iterator[bytes]:
    yield _ENCODE(["absent", item.absent])
    for kpi, reading in sorted(item.snapshot.readings.items()):
        yield canonical_json([kpi, reading_to_json(reading, items=False)]).encode()
        for each in evidence_of(reading):
            money = each.amount
            amount = None if money is None else [decimal_text(money.amount), money.currency]
            since = None if each.since is None else instant_text(each.since)
            yield _ENCODE([each.kind, each.id, amount, since, each.again, each.deal, each.late, each.spared])
    if circumstances := item.circumstances.to_json():
        yield canonical_json(["circumstances", circumstances]).encode()
    for kpi, keys in sorted(item.last.items()):
        yield _ENCODE(["last", kpi, sorted(keys)])


def titles_hash(item: StoredSnapshot, salt: str) -> str:
    """Hash name, titles, links, loss reasons and names of empty fields of a snapshot with the salt of the run.

    Names and reasons are left out where there are none: so were all items of earlier releases.
    """
    found = hashlib.sha256(_ENCODE([salt, item.snapshot.manager.name]))
    for kpi, reading in sorted(item.snapshot.readings.items()):
        for each in evidence_of(reading):
            told = [part for part in (each.missing_fields, each.loss_reason) if part]
            found.update(_ENCODE([kpi, each.id, each.title, each.url, *told]))
    return found.hexdigest()
