"""A journal of the first form verifies on, and tells once what it did not tell: docs/decisions/0015-journal.md."""

from __future__ import annotations

import json
from bisect import bisect_right

import pytest_asyncio
from sqlalchemy import select

from storage.days import retention
from storage.db import append_only
from storage.db.models import AbsenceRecord, JournalEventRecord, JournalHeadRecord, JournalRowRecord, RunRecord
from storage.journal.chain import COMPANY, digest_of, payload_of
from storage.journal.retold import tell_again
from storage.journal.states import BY_NAME, text_hash
from storage.ledger.chain import NO_HASH, chained
from storage.people import absences
from storage.verify.verification import verify
from tests.storage.company import TEAM
from tests.storage.journal.test_proof import verdicts
from tests.storage.verify.attacks_on_rows import PEOPLE
from tests.storage.verify.history import LATER, findings, live_through
from tests.storage.verify.test_lawful import NEXT_MONTH

NOT_IN_FORM_1 = [
    name for name in PEOPLE if "invite" in name or "appeal" in name or "a team's" in name or "a team has" in name
]
NOT_IN_FORM_1 += ["an account is in no team", "a request is decided in another name"]


@pytest_asyncio.fixture
async def past(past):
    """The made-up past as the first form of the journal told it."""
    async with past.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(append_only.remove, append_only.JOURNAL)
        await _tell_in_form_1(session)
        await connection.run_sync(append_only.install, append_only.JOURNAL)
    return past


async def _tell_in_form_1(session):
    rows = {(row.name, row.row): row for row in await session.scalars(select(JournalRowRecord))}
    absence = await session.get_one(AbsenceRecord, 1)
    for (name, _), row in rows.items():
        if name in ("invites", "appeals"):
            await session.delete(row)
        elif name == "absences":
            row.state = _form_1(name, row.state, row.salt, absence)
        elif row.state is not None:
            row.state = _form_1(name, row.state)
        row.lasting_salt = ""
    company = await _rewrite(session, COMPANY, lambda content: _old_company(content, rows, absence))
    await _rewrite(session, 1, lambda content: _old_day(content, company))


def _form_1(name, state, salt="", absence=None):
    """Take away what form 2 added; names of an absence stand among the texts."""
    later = BY_NAME[name].later
    old = {key: value for key, value in state.items() if key not in later and key not in ("texts", "lasting")}
    texts = {key: value for key, value in state.get("texts", {}).items() if key not in later}
    if absence is not None:
        texts |= {key: text_hash(salt, key, getattr(absence, key)) for key in ("author", "decided_by")}
    return old | ({"texts": texts} if texts else {})


def _old_company(content, rows, absence):
    if "table" in content:
        name, row, state = content["table"], content["row"], content["state"]
        if name in ("invites", "appeals"):
            return None
        if name == "absences":
            return content | {"state": _form_1(name, state, rows[name, row].salt, absence)}
        return content | {"state": _form_1(name, state)}
    kept = [
        [name, row, _form_1(name, state)] for name, row, state in content["rows"] if name not in ("invites", "appeals")
    ]
    return {"rows": kept}


def _old_day(content, company):
    old = {key: value for key, value in content.items() if key not in ("names", "missing", "spared", "messages")}
    if content.get("company"):
        numbers = [number for number, _, _ in company]
        old["company"] = list(company[bisect_right(numbers, content["company"][0]) - 1][1:])
    return old


async def _rewrite(session, chain, rewrite):
    """Write the events of a chain anew, without those that `rewrite` drops; return old number, number and hash."""
    query = select(JournalEventRecord).where(JournalEventRecord.chain == chain).order_by(JournalEventRecord.seq)
    seq, hash_, written = 0, NO_HASH, []
    for event in (await session.scalars(query)).all():
        number, content = event.seq, rewrite(json.loads(event.payload)["content"])
        if content is None:
            await session.delete(event)
            await session.flush()
            continue
        seq, old = seq + 1, digest_of(event.hash)
        event.seq = seq
        event.payload = payload_of(event, content)
        event.hash = hash_ = chained(hash_, event.payload)
        await session.flush()
        written.append((number, seq, hash_))
        for run in await session.scalars(select(RunRecord).where(RunRecord.digest == old)):
            run.digest = digest_of(hash_)
    head = await session.get_one(JournalHeadRecord, chain)
    head.seq, head.hash = seq, hash_
    return written


async def told(db):
    async with db.reading() as session:
        return [problem.text for problem in await verify(session, TEAM)]


async def retold(db):
    async with db.transaction() as session:
        return await tell_again(session, LATER)


async def test_a_journal_of_the_first_form_verifies_and_covers_no_more_than_it_tells(past):
    assert await told(past) == []
    async with past.reading() as session:
        assert set((await verdicts(session)).values()) == {True}
    assert await findings(past, ["UPDATE managers SET team_id = NULL", "UPDATE teams SET title = 'Another'"]) == []
    for name in ("the author of an absence is changed", "a person is renamed"):
        *statements, said = PEOPLE[name]
        assert any(said in each for each in await findings(past, statements)), name
    async with past.transaction() as session:
        await retention.blank(session, NEXT_MONTH)
    assert await told(past) == []


async def test_after_it_told_again_it_covers_all(past):
    assert await retold(past)
    assert not await retold(past)
    assert await told(past) == []
    unnamed = {}
    for name in NOT_IN_FORM_1:
        *statements, said = PEOPLE[name]
        found = await findings(past, statements)
        if not any(said in each for each in found):
            unnamed[name] = found
    assert unnamed == {}
    async with past.transaction() as session:
        await absences.cancel(session, 1, author="Olga Made-up", at=LATER)
        await retention.blank(session, NEXT_MONTH)
    assert await told(past) == []
    found = await findings(past, ["UPDATE absences SET author = 'Boris'"])
    assert any("absence 1: changed without an event: author" in each for each in found), found


async def test_what_was_changed_before_it_told_again_stays_a_finding(past):
    async with past.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE managers SET name = 'Another' WHERE id = 1")
        await connection.exec_driver_sql(
            "INSERT INTO absences (manager_id, first, last, kind, note, state, author, created_at)"
            " SELECT manager_id, first, last, kind, note, state, author, created_at FROM absences"
        )
    assert await retold(past)
    found = await told(past)
    assert "account 1: changed without an event: name" in found
    assert "absence 2: no event of the journal tells of it" in found


async def test_a_journal_that_begins_now_has_nothing_to_tell_again(database):
    assert not await retold(database)
    await live_through(database)
    assert not await retold(database)
