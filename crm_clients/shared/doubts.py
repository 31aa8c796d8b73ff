"""State doubts that CRMs share: of a changed record without a history of owners any member may have been the owner."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from scoring.records import NOTHING, Change, Company, Deal, Doubtful, RecordKind, Task

Owned = Deal | Task | Company
_KINDS: Mapping[type[Owned], RecordKind] = {
    Deal: RecordKind.DEALS,
    Task: RecordKind.TASKS,
    Company: RecordKind.COMPANIES,
}


def owner_doubt(record: Owned, members: frozenset[str]) -> Doubtful:
    """State that any of `members` may have owned a record at the cutoff; the record is told as read."""
    state = record.state if isinstance(record, Deal) else None
    as_read = msgspec.structs.replace(record, changed=NOTHING)
    return Doubtful(_KINDS[type(record)], members, Change.OWNER, state, as_read)
