"""What people write by hand between two evenings is witnessed too: the last events of the chains are anchored."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import text

from crm_clients.base import Severity
from reglament.commands.verify import verify
from reglament.commands.witnesses import compare_witnesses
from reglament.errors import WorkFailed
from reglament.witnesses.anchors import append_anchors, read_anchors
from reglament.witnesses.start import check_anchors, compare_with_anchors
from storage.db import append_only
from storage.journal import anchored
from storage.journal.changes import write_changes
from storage.journal.heads import journal_heads
from storage.ledger import writer
from storage.people import absences
from storage.values import AbsenceKind
from tests.reglament.witnesses.test_anchors import anchoring
from tests.storage.company import ANNA, BORIS, CRM, MONDAY, TEAM, TUESDAY, cutoff, found, scored

MORNING = cutoff(MONDAY) + timedelta(hours=15)
WHY: dict[str, Any] = {"author": "Olga Made-up", "reason": "because", "at": MORNING}


async def by_hand(session) -> None:
    """A sick leave and an adjustment on the next morning."""
    await absences.record(
        session, CRM, BORIS.crm_user, first=TUESDAY, last=TUESDAY, kind=AbsenceKind.SICK, note="flu",
        author="Olga Made-up", at=MORNING,
    )  # fmt: skip
    await writer.adjust(session, TEAM, ANNA.crm_user, 2, day=MONDAY, **WHY)


async def evening(database, tmp_path):
    """A finished day, anchored."""
    await found(database)
    await scored(database)
    anchors = anchoring(database, tmp_path / "anchors.jsonl")
    await anchors.anchor()
    return anchors, tmp_path / "anchors.jsonl"


async def test_what_is_written_by_hand_is_anchored_at_the_next_look_and_only_once(database, tmp_path):
    anchors, file = await evening(database, tmp_path)
    before = len(file.read_text().splitlines())
    async with database.transaction() as session:
        await by_hand(session)
    await anchors.anchor()
    await anchors.anchor()
    new = read_anchors(file).heads[-2:]
    assert len(file.read_text().splitlines()) == before + 2
    assert [(head.team, head.team_id) for head in new] == [("company", 0), (TEAM, 1)]
    async with database.reading() as session:
        assert list(new) == await journal_heads(session)
    await compare_with_anchors(anchors.process)


class _PutBack(Exception):
    pass


async def put_back(database):
    """Write by hand, and put the database of the evening before back; return the heads that were anchored between."""
    heads = []
    with suppress(_PutBack):
        async with database.transaction() as session:
            await by_hand(session)
            await write_changes(session)
            heads += await journal_heads(session)
            raise _PutBack
    return heads


async def test_a_database_of_the_evening_before_does_not_go_on_quietly(database, tmp_path):
    anchors, file = await evening(database, tmp_path)
    lost = await put_back(database)
    append_anchors(file, lost)
    with pytest.raises(WorkFailed, match="the journal has no such event") as refused:
        await compare_with_anchors(anchors.process)
    assert f"{TEAM}: anchored with event {lost[-1].seq}" in str(refused.value)
    [told] = await check_anchors(anchors.process)
    assert (told.severity, told.text) == (Severity.ERROR, str(refused.value))
    with pytest.raises(WorkFailed, match="contradicts the anchors"):
        await anchors.anchor()
    await compare_with_anchors(anchors.process, accept=True)
    await compare_with_anchors(anchors.process)
    await anchors.anchor()
    async with database.reading() as session:
        assert {head.digest for head in await journal_heads(session)} <= read_anchors(file).digests


async def test_verify_says_what_no_message_witnesses_and_what_the_anchors_know(database, database_url, tmp_path):
    anchors, file = await evening(database, tmp_path)
    settings = anchors.process.settings
    settings.database.url = database_url
    lost = await put_back(database)
    async with database.transaction() as session:
        await writer.adjust(session, TEAM, ANNA.crm_user, 1, day=MONDAY, **WHY)

    async def against(work) -> tuple[bool, str]:
        said = StringIO()
        return await work(Console(file=said, width=300)), said.getvalue()

    _, told = await against(lambda console: verify(settings, TEAM, None, console))
    assert "UTC is witnessed by a message (1 later events), nor after event 1 of the company" in told
    fine, told = await against(lambda console: compare_witnesses(settings, TEAM, file, None, console))
    assert fine, told
    [end] = [line for line in told.splitlines() if line.startswith(f"{TEAM}: ")]
    assert end.startswith(f"{TEAM}: nothing after event ")
    assert end.endswith(" is anchored (1 later events)")
    append_anchors(file, lost)
    fine, told = await against(lambda console: compare_witnesses(settings, TEAM, file, None, console))
    assert not fine
    assert f"company: anchored with event {lost[0].seq}" in told
    assert f"{TEAM}: anchored with event {lost[1].seq}" in told


@pytest.mark.parametrize("details", ["{}", "[]", "null", '{"digests": 5, "lost": []}', "not json", "[" * 100_000])
async def test_altered_rows_and_events_are_findings_and_no_tracebacks(database, database_url, tmp_path, details):
    anchors, file = await evening(database, tmp_path)
    settings = anchors.process.settings
    settings.database.url = database_url
    async with database.transaction() as session:
        anchored.accept(session, str(file), ["a" * 32], is_lost=False, author="Olga Made-up", at=MORNING)
    async with database.transaction() as session:
        connection = await session.connection()
        await connection.run_sync(append_only.remove, append_only.JOURNAL)
        await session.execute(text("UPDATE audit_log SET details = :details"), {"details": details})
        payload = details if details.startswith("[") else "[]"
        await session.execute(text("UPDATE journal_events SET payload = :payload"), {"payload": payload})
    said = StringIO()
    assert not await verify(settings, None, None, Console(file=said, width=300))
    assert not await compare_witnesses(settings, None, file, None, Console(file=said, width=300))
    assert "its columns do not say what it states" in said.getvalue()
    assert f"{TEAM} {MONDAY}: anchored with digest" in said.getvalue()
    with pytest.raises(WorkFailed, match="the journal has no such day"):
        await compare_with_anchors(anchors.process)
