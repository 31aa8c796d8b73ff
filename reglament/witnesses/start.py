"""Compare the database with its anchors at the start: an older database must not go on quietly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from crm_clients.base import Finding, Severity
from reglament.errors import WorkFailed
from reglament.process import Process
from reglament.witnesses.anchors import AnchorFile, Gap, find_gaps, read_anchors
from storage.journal import anchored
from storage.journal.digests import journal_days

log = structlog.get_logger()

NAMED = 10
"""Days named in the error; the rest is counted."""
AUTHOR = "reglament run"


async def compare_with_anchors(process: Process, *, accept: bool = False) -> None:
    """Compare the journal with the file of anchors. Raises WorkFailed for an older or another database.

    `accept` goes on, and the audit log and hence the journal keep which days were given up. A file that cannot be read
    proves nothing and stops nothing; `health` names that trouble.
    """
    file = process.settings.anchor.file
    if not file:
        return
    try:
        read, gaps = await _compare(process, file)
    except FileNotFoundError:
        await _without_file(process, file, accept=accept)
        return
    except WorkFailed as error:
        log.error("anchors_not_compared", problem=str(error))
        return
    if read.damaged:
        log.warning("anchors_damaged", file=file, lines=list(read.damaged))
    if gaps and not accept:
        raise WorkFailed(explain(gaps, file))
    if gaps:
        await _accept(process, file, [gap.anchored.digest for gap in gaps], is_lost=False)


async def _compare(process: Process, file: str) -> tuple[AnchorFile, list[Gap]]:
    """Read the file and find the days that the journal lacks. Raises FileNotFoundError, WorkFailed."""
    read = await asyncio.to_thread(read_anchors, Path(file))
    async with process.db.reading() as session:
        accepted = await anchored.accepted_digests(session)
        return read, find_gaps(read.days, await journal_days(session), accepted)


async def check_anchors(process: Process) -> list[Finding]:
    """Tell whether the file of anchors can be read, and whether the database is as new as its anchors."""
    file = process.settings.anchor.file
    if not file:
        return []
    try:
        read, gaps = await _compare(process, file)
    except FileNotFoundError:
        async with process.db.reading() as session:
            begun = await anchored.is_begun(session, file)
        if begun:
            return [Finding(Severity.ERROR, file, "the file of anchors is missing: bring the disk back")]
        return [Finding(Severity.OK, file, "no anchors yet: the service begins the file at its start")]
    except WorkFailed as error:
        return [Finding(Severity.ERROR, file, str(error))]
    if gaps:
        return [Finding(Severity.ERROR, file, explain(gaps, file))]
    damaged = [
        Finding(Severity.WARNING, file, f"line {number} is no anchor: torn, or changed") for number in read.damaged
    ]
    return [Finding(Severity.OK, file, f"{len(read.days)} anchors, all in the journal"), *damaged]


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
    log.warning("anchors_accepted", file=file, days=len(digests), lost=is_lost)


def explain(gaps: Sequence[Gap], file: str) -> str:
    """Write which anchored days the database lacks, and what to do."""
    more = f"\n… and {len(gaps) - NAMED} more" if len(gaps) > NAMED else ""
    days = "\n".join(gap.text for gap in gaps[:NAMED])
    return (
        f"this database is older than the anchors in {file}, or another one:\n{days}{more}\n"
        "Restore a newer backup. To go on without these days: `reglament run --accept-anchors`, which the journal keeps"
    )
