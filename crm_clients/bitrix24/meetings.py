"""Read the meetings that were held: completed activities of the types that the settings name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress
from crm_clients.bitrix24.meeting_types import MeetingType, meeting_types
from crm_clients.bitrix24.objects import place
from crm_clients.bitrix24.rows import MeetingRow
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.values import is_yes, stamp
from crm_clients.shared.cleaning import clean_title
from scoring.records import NOTHING, Change, Meeting, RecordKind

_UNTOLD = frozenset({Change.COMPLETION})


class MeetingReader:
    """Read the completed meetings that started in this window or the window before.

    Bitrix24 does not tell when a meeting was completed. A meeting changed since the cutoff may have been completed
    since, so that whether it was held at the cutoff is doubtful; the next day counts what this day did not.
    """

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._cutoff = session.request.window.cutoff
        self._span = {
            "COMPLETED": "Y",
            ">=START_TIME": stamp(session.request.since),
            "<START_TIME": stamp(self._cutoff, up=True),
        }

    def start(self, pages: int) -> list[QueryProgress]:
        """Begin to read; `pages` are expected of each type of meeting."""
        return [self._query(kind, pages) for kind in meeting_types(self._session.config.meeting_types)]

    def _query(self, kind: MeetingType, pages: int) -> QueryProgress:
        def fold(rows: Sequence[MeetingRow]) -> Iterator[Meeting]:
            for row in rows:
                if is_yes(row.COMPLETED) and kind.includes(row):
                    yield _meeting(row, _UNTOLD if self._cutoff <= row.LAST_UPDATED else NOTHING)

        return KeysetQuery(
            method="crm.activity.list",
            params={"select": kind.row.select(), "filter": {**self._span, **kind.condition}},
            fold=fold,
            row=kind.row,
            what="meetings",
            group=RecordKind.MEETINGS,
            expected_pages=pages,
        ).start()


def _meeting(row: MeetingRow, changed: frozenset[Change]) -> Meeting:
    return Meeting(
        str(row.ID),
        clean_title(row.SUBJECT or ""),
        row.manager,
        started_at=row.START_TIME,
        place=place(row.OWNER_TYPE_ID, row.OWNER_ID),
        changed=changed,
    )
