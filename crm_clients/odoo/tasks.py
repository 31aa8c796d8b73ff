"""Read Odoo's activities and planned calendar meetings as tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from crm_clients.errors import CrmNonsense
from crm_clients.odoo.links import document
from crm_clients.odoo.rows import ActivityRow, DoneActivityRow, EventRow, KeptActivityRow, decoded, user_of
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, id_of, naive, name_of, utc
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.doubts import owner_doubt
from crm_clients.shared.rows import malformed, sifted_rows
from scoring.records import NOTHING, Change, Doubtful, RecordKind, Task, Unreadable

_WHAT = "activities"
_UNTOLD = frozenset({Change.OWNER, Change.DEADLINE})
"""Changes that an activity written since the cutoff may have seen; the document of an activity never changes."""


async def read_tasks(session: ReadSession) -> AsyncIterator[Task | Doubtful | Unreadable]:
    """Yield the activities of the members and of all deals, and the planned calendar meetings of deals."""
    row_type = await row_type_of(session)
    domain = _of_members_and_deals(session.request.members)
    if row_type is KeptActivityRow:
        done_since: Domain = ["&", ["date_done", "!=", False], ["write_date", ">=", naive(session.cutoff)]]
        domain += ["|", ["active", "=", True], *done_since]

    def task(raw: Row) -> Task:
        return _activity(raw, row_type, session)

    fields = row_type.__struct_fields__
    async for page in session.lists.raw_guarded_pages("mail.activity", domain, fields, _WHAT):
        sifted = sifted_rows(page, task, _WHAT, RecordKind.TASKS, user_of)
        for problem in sifted.unreadable:
            yield problem
        for record in sifted.rows:
            session.bound_deals.update(map(int, record.deals))
            yield record
            if record.changed:
                yield owner_doubt(record, session.request.members)
    if row_type is not KeptActivityRow:
        async for done in _done_since_cutoff(session):
            yield done
    async for meeting in _planned_meetings(session):
        yield meeting


async def row_type_of(session: ReadSession) -> type[ActivityRow]:
    """Tell by the fields whether this Odoo keeps done activities, archived; before 17 they are deleted."""
    known = await session.lists.fields("mail.activity", _WHAT)
    if ("date_done" in known) is not ("active" in known):
        raise CrmNonsense(f"{_WHAT}: Odoo does not say whether it keeps those that are done")
    return KeptActivityRow if "active" in known else ActivityRow


def _of_members_and_deals(members: Collection[str]) -> Domain:
    """Filter activities; without members nothing is known of who matters, and all are read."""
    if not members:
        return []
    return ["|", ["res_model", "=", "crm.lead"], ["user_id", "in", [int(user) for user in members if user.isdigit()]]]


def _activity(raw: Row, row_type: type[ActivityRow], session: ReadSession) -> Task:
    row = decoded(raw, row_type, _WHAT)
    is_active = row.active if isinstance(row, KeptActivityRow) else True
    written, changed = utc(row.write_date), utc(row.write_date) >= session.cutoff
    if not is_active and not changed:
        raise malformed(raw, _WHAT, "the activity is done, and was not asked for")
    return Task(
        id=str(row.id),
        title=clean_title(row.summary or name_of(row.activity_type_id)),
        manager=id_of(row.user_id),
        deadline=row.date_deadline,
        created_at=session.past(row.create_date, raw, _WHAT),
        done_at=None if is_active else written,
        deals=frozenset({str(row.res_id)}) if row.res_model == "crm.lead" else frozenset(),
        place=document(row.res_model, row.res_id),
        changed=_UNTOLD if changed else NOTHING,
    )


async def _done_since_cutoff(session: ReadSession) -> AsyncIterator[Task | Doubtful]:
    """Yield the activities of deals that were done since the cutoff, from the messages that are left of them.

    Before 17 nothing else is left: whether a deadline had passed is not told, so that who did it is doubtful.
    """
    users = await session.users_by_contact()
    domain: Domain = [["mail_activity_type_id", "!=", False], ["date", ">=", naive(session.cutoff)]]
    async for page in session.lists.guarded_pages("mail.message", domain, DoneActivityRow, _WHAT):
        for row in page:
            if row.author_id is not None and row.author_id[0] in users:
                yield Doubtful(RecordKind.TASKS, frozenset({users[row.author_id[0]]}), Change.COMPLETION)
            if row.model == "crm.lead" and row.res_id:
                deals = frozenset({str(row.res_id)})
                yield Task(f"done-{row.id}", clean_title(row.record_name), "", done_at=utc(row.date), deals=deals)


async def _planned_meetings(session: ReadSession) -> AsyncIterator[Task]:
    """Yield calendar meetings of a deal that are still to come: the deal's next step, even without an activity."""
    domain: Domain = [["opportunity_id", "!=", False], ["active", "=", True], ["stop", ">=", naive(session.cutoff)]]
    async for page in session.lists.pages("calendar.event", domain, EventRow, "meetings"):
        for row in page:
            yield Task(
                id=f"event-{row.id}",
                title=clean_title(row.name),
                manager=id_of(row.user_id),
                created_at=utc(row.create_date),
                deals=frozenset({id_of(row.opportunity_id)}),
                place=document("calendar.event", row.id),
            )
