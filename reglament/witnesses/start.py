"""Compare the database with its anchors at the start: an older database must not go on quietly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from crm_clients.base import Finding, Severity
from reglament.errors import WorkFailed
from reglament.process import Process
from reglament.witnesses.anchors import AnchorFile, read_anchors
from reglament.witnesses.differences import Differences, compare
from storage.journal import anchored
from storage.journal.digests import journal_days

log = structlog.get_logger()

NAMED = 10
"""Differences named in the error; the rest is counted."""
AUTHOR = "reglament run"


async def compare_with_anchors(process: Process, *, accept: bool = False) -> None:
    """Compare the journal with the file of anchors. Raises WorkFailed for an older or another database.

    `accept` goes on, and the audit log and hence the journal keep which days and events were given up. A file that
    cannot be read proves nothing and stops nothing; `health` names that trouble.
    """
    file = process.settings.anchor.file
    if not file:
        return
    try:
        read, found = await _compare(process, file)
    except FileNotFoundError:
        await _without_file(process, file, accept=accept)
        return
    except WorkFailed as error:
        log.error("anchors_not_compared", problem=str(error))
        return
    if read.damaged:
        log.warning("anchors_damaged", file=file, lines=list(read.damaged))
    if found and not accept:
        raise WorkFailed(explain(found, file))
    if found:
        await _accept(process, file, found.digests, is_lost=False)


async def _compare(process: Process, file: str) -> tuple[AnchorFile, Differences]:
    """Read the file and find in what the journal differs. Raises FileNotFoundError, WorkFailed."""
    read = await asyncio.to_thread(read_anchors, Path(file))
    async with process.db.reading() as session:
        accepted = await anchored.accepted_digests(session)
        return read, await compare(session, read, await journal_days(session), accepted)


async def check_anchors(process: Process) -> list[Finding]:
    """Tell whether the file of anchors can be read, and whether the database is as new as its anchors."""
    file = process.settings.anchor.file
    if not file:
        return []
    try:
        read, found = await _compare(process, file)
    except FileNotFoundError:
        async with process.db.reading() as session:
            begun = await anchored.is_begun(session, file)
        if begun:
            return [Finding(Severity.ERROR, file, "the file of anchors is missing: bring the disk back")]
        return [Finding(Severity.OK, file, "no anchors yet: the service begins the file at its start")]
    except WorkFailed as error:
        return [Finding(Severity.ERROR, file, str(error))]
    if found:
        return [Finding(Severity.ERROR, file, explain(found, file))]
    damaged = [
        Finding(Severity.WARNING, file, f"line {number} is no anchor: torn, or changed") for number in read.damaged
    ]
    told = f"anchors of {len(read.days)} days and {len(read.heads)} events, all in the journal"
    return [Finding(Severity.OK, file, told), *damaged]


async def _without_file(process: Process, file: str, *, accept: bool) -> None:
    """Tell of a file of anchors that was written to and is gone; accepted, a new file is begun."""
    async with process.db.reading() as session:
        begun = await anchored.is_begun(session, file)
    if begun and accept:
        await _accept(process, file, [], is_lost=True)
    elif begun:
        log.error("anchors_missing", file=file, hint="bring the disk back, or start with --accept-anchors")


async def _accept(process: Process, file: str, digests: Sequence[str], *, is_lost: bool) -> None:
    async with process.db.transaction() as session:
        anchored.accept(session, file, digests, is_lost=is_lost, author=AUTHOR, at=process.now())
    log.warning("anchors_accepted", file=file, digests=len(digests), lost=is_lost)


def explain(found: Differences, file: str) -> str:
    """Write in what the database differs from the anchors, and what to do."""
    more = f"\n… and {len(found.all) - NAMED} more" if len(found.all) > NAMED else ""
    lines = "\n".join(each.text for each in found.all[:NAMED])
    return (
        f"this database is older than the anchors in {file}, or another one:\n{lines}{more}\n"
        "Restore a newer backup. To go on all the same: `reglament run --accept-anchors`, which the journal keeps"
    )
