"""Compare a backup with the anchors before the backup takes the place of the database."""

from __future__ import annotations

import asyncio
from pathlib import Path

from reglament.config.settings import Settings
from reglament.errors import WorkFailed
from reglament.witnesses.anchors import read_anchors
from reglament.witnesses.differences import Differences, compare
from storage.db.database import Session
from storage.journal import anchored
from storage.journal.digests import journal_days


async def anchored_after_backup(settings: Settings, session: Session) -> Differences:
    """Find the anchors that a backup lacks; the next start goes on without these only if an operator says so.

    Raises WorkFailed for a backup with a digest of an anchored day that was never anchored, or with a day that was put
    in later: another past. A missing file of anchors says nothing.
    """
    if not settings.anchor.file:
        return Differences()
    try:
        read = await asyncio.to_thread(read_anchors, Path(settings.anchor.file))
    except FileNotFoundError:
        return Differences()
    known = {day.digest for day in read.days}
    accepted = await anchored.accepted_digests(session)
    found = await compare(session, read, await journal_days(session), accepted)
    texts = [gap.text for gap in found.gaps if gap.owner or (gap.stored and gap.stored not in known)]
    texts += [each.text for each in found.unwitnessed]
    if texts:
        raise WorkFailed(f"the backup contradicts the anchors in {settings.anchor.file}: {texts[0]}")
    return found
