"""Read held meetings: the messages that done activities of a meeting type leave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from crm_clients.errors import CrmRefused
from crm_clients.odoo.links import document
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import ActivityTypeRow, DoneActivityRow, decoded, user_of
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, naive, utc
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.rows import malformed, sifted_rows
from scoring.records import Meeting, RecordKind, Unreadable

_WHAT = "meetings"


async def meeting_types(lists: ListReader, wanted: Sequence[str]) -> dict[int, str]:
    """Read the activity types that are meetings, by id: the `wanted` types (names or ids), else Odoo's own."""
    rows = await lists.rows("mail.activity.type", [], ActivityTypeRow, "activity types")
    if not wanted:
        return {row.id: row.name for row in rows if row.category == "meeting"}
    return {row.id: row.name for row in rows if str(row.id) in wanted or row.name in wanted}


async def read_meetings(session: ReadSession) -> AsyncIterator[Meeting | Unreadable]:
    """Yield the meetings held in the window and in the window before, each credited to the author of the message."""
    reader = _MeetingReader(
        session,
        await meeting_types(session.lists, session.config.meeting_types),
        await session.users_by_contact(),
    )
    domain: Domain = [
        ["mail_activity_type_id", "in", sorted(reader.types)],
        ["date", ">=", naive(session.start)],
        ["date", "<", naive(session.cutoff, up=True)],
    ]
    fields = DoneActivityRow.__struct_fields__
    async for page in session.lists.raw_guarded_pages("mail.message", domain, fields, _WHAT):
        sifted = sifted_rows(page, reader.meeting, _WHAT, RecordKind.MEETINGS, reader.owner)
        for problem in sifted.unreadable:
            yield problem
        for record in sifted.rows:
            yield record


class _MeetingReader:
    """Make meetings of the messages of done activities."""

    def __init__(self, session: ReadSession, types: dict[int, str], users: dict[int, str]) -> None:
        """Take the types of meetings by id, and the users by the contact that messages name.

        Raises CrmRefused if no type is a meeting.
        """
        if not types:
            raise CrmRefused("meetings: no activity type is a meeting: name some in meeting_types")
        self.types, self._users, self._session = types, users, session

    def owner(self, row: Mapping[str, Any]) -> str:
        """Tell whom a raw row is credited to; a contact that is no user has an id that no user has."""
        contact = user_of(row, "author_id")
        return self._users.get(int(contact), f"contact-{contact}") if contact.isdecimal() else contact

    def meeting(self, raw: Row) -> Meeting:
        """Make a meeting of a raw row. Raises MalformedRow."""
        row = decoded(raw, DoneActivityRow, _WHAT)
        if row.mail_activity_type_id[0] not in self.types or not self._session.covers(utc(row.date)):
            raise malformed(raw, _WHAT, "the row is none of those that were asked for")
        title = ": ".join(part for part in (self.types[row.mail_activity_type_id[0]], row.record_name) if part)
        manager = "" if row.author_id is None else self._users.get(row.author_id[0], "")
        place = document(row.model, row.res_id)
        return Meeting(str(row.id), clean_title(title), manager, utc(row.date), place=place)
