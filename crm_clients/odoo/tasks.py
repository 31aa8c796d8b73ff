"""Read Odoo's activities and planned calendar meetings as tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from crm_clients.odoo.links import document
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, day, instant, label, many2one_id, naive, reference
from scoring.records import Task

_WHAT = "activities"
_FIELDS = ("summary", "activity_type_id", "user_id", "date_deadline", "create_date", "res_model", "res_id")


async def read_tasks(session: ReadSession) -> AsyncIterator[Task]:
    """Yield the activities of the members and of all deals, and the planned calendar meetings of deals."""
    known = await session.lists.field_types("mail.activity", _WHAT)
    keeps_done = "date_done" in known  # done activities are archived; before 17 they are deleted
    fields = [*_FIELDS, "active", "write_date"] if keeps_done else _FIELDS
    domain = _of_members_and_deals(session.request.members)
    if keeps_done:
        done_since: Domain = ["&", ["date_done", "!=", False], ["write_date", ">=", naive(session.cutoff)]]
        domain += ["|", ["active", "=", True], *done_since]
    async for page in session.lists.guarded_pages("mail.activity", domain, fields, _WHAT):
        for row in page:
            yield _activity(row)
    async for meeting in _planned_meetings(session):
        yield meeting


def _of_members_and_deals(members: Collection[str]) -> Domain:
    """Filter activities; without members nothing is known of who matters, and all are read."""
    if not members:
        return []
    return ["|", ["res_model", "=", "crm.lead"], ["user_id", "in", [int(user) for user in members if user.isdigit()]]]


def _activity(row: Row) -> Task:
    return Task(
        id=str(row["id"]),
        title=str(row["summary"] or label(row["activity_type_id"])),
        manager=many2one_id(row["user_id"]),
        deadline=day(row["date_deadline"]),
        created_at=instant(row["create_date"]),
        done_at=instant(row["write_date"]) if not row.get("active", True) else None,
        deals=frozenset({str(row["res_id"])}) if row["res_model"] == "crm.lead" else frozenset(),
        place=document(row["res_model"], row["res_id"]),
    )


async def _planned_meetings(session: ReadSession) -> AsyncIterator[Task]:
    """Yield calendar meetings of a deal that are still to come: the deal's next step, even without an activity."""
    domain: Domain = [["opportunity_id", "!=", False], ["stop", ">=", naive(session.cutoff)]]
    fields = ("name", "user_id", "opportunity_id", "create_date")
    async for page in session.lists.pages("calendar.event", domain, fields, "meetings"):
        for row in page:
            deal = reference(row["opportunity_id"])
            yield Task(
                id=f"event-{row['id']}",
                title=str(row["name"] or ""),
                manager=many2one_id(row["user_id"]),
                created_at=instant(row["create_date"]),
                deals=frozenset({str(deal)}) if deal else frozenset(),
                place=document("calendar.event", row["id"]),
            )
