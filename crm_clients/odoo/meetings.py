"""Read held meetings: the messages that done activities of a meeting type leave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from crm_clients.errors import CrmRefused
from crm_clients.odoo.links import document
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, instant, naive, reference
from scoring.records import Meeting

_FIELDS = ("date", "author_id", "model", "res_id", "record_name", "mail_activity_type_id")


async def meeting_types(lists: ListReader, wanted: Sequence[str]) -> dict[int, str]:
    """Read the activity types that are meetings, by id: the `wanted` types (names or ids), else Odoo's own."""
    rows = await lists.rows("mail.activity.type", [], ("name", "category"), "activity types")
    if not wanted:
        return {row["id"]: str(row["name"]) for row in rows if row["category"] == "meeting"}
    return {row["id"]: str(row["name"]) for row in rows if str(row["id"]) in wanted or row["name"] in wanted}


async def read_meetings(session: ReadSession) -> AsyncIterator[Meeting]:
    """Yield the meetings held in the window, each credited to the author of the message."""
    types = await meeting_types(session.lists, session.config.meeting_types)
    if not types:
        raise CrmRefused("meetings: no activity type is a meeting: name some in meeting_types")
    users = {reference(row["partner_id"]): str(row["id"]) for row in await session.accounts()}
    domain: Domain = [
        ["mail_activity_type_id", "in", sorted(types)],
        ["date", ">=", naive(session.start)],
        ["date", "<", naive(session.cutoff, up=True)],
    ]
    async for page in session.lists.guarded_pages("mail.message", domain, _FIELDS, "meetings"):
        for row in page:
            yield _meeting(row, types, users.get(reference(row["author_id"]), ""))


def _meeting(row: Row, types: dict[int, str], manager: str) -> Meeting:
    kind = types.get(reference(row["mail_activity_type_id"]) or 0, "")
    title = ": ".join(str(part) for part in (kind, row["record_name"]) if part)
    return Meeting(str(row["id"]), title, manager, instant(row["date"]), place=document(row["model"], row["res_id"]))
