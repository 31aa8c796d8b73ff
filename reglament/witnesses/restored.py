"""Compare a backup with the anchors before the backup takes the place of the database."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reglament.config.settings import Settings
from reglament.errors import WorkFailed
from reglament.witnesses.anchors import find_gaps, read_anchors
from storage.db.database import Session
from storage.journal import anchored
from storage.journal.digests import JournalDay, journal_days


async def days_after_backup(settings: Settings, session: Session) -> tuple[JournalDay, ...]:
    """List the anchored days that a backup lacks; the next start goes on without these only if an operator says so.

    Raises WorkFailed for a backup with a digest of an anchored day that was never anchored: another past. A missing
    file of anchors says nothing.
    """
    if not settings.anchor.file:
        return ()
    try:
        read = await asyncio.to_thread(read_anchors, Path(settings.anchor.file))
    except FileNotFoundError:
        return ()
    known = {day.digest for day in read.days}
    gaps = find_gaps(read.days, await journal_days(session), await anchored.accepted_digests(session))
    other = next((gap for gap in gaps if gap.stored and gap.stored not in known), None)
    if other is not None:
        raise WorkFailed(f"the backup contradicts the anchors in {settings.anchor.file}: {other.text}")
    return tuple(gap.anchored for gap in gaps)
