"""Look up disputed records of an Odoo database: by id, and the activities and meetings of a deal."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from crm_clients.odoo.deals import DealReader
from crm_clients.odoo.links import document
from crm_clients.odoo.rows import ActivityRow, DatedActivityRow, DoneActivityRow, EventRow, KeptActivityRow
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.tasks import row_type_of
from crm_clients.odoo.values import Domain, id_of, naive, name_of, utc
from crm_clients.shared.cleaning import clean_title
from scoring.appeals.proofs import ProofReason, Recalled
from scoring.kpi import Scope
from scoring.records import NOTHING, Change, Task

FIELDS: Mapping[ProofReason, str] = {
    ProofReason.DONE: "date_done",
    ProofReason.DEADLINE: "date_deadline",
    ProofReason.TASK: "create_date",
    ProofReason.COMMENT: "date",
    ProofReason.CLOSED: "date_closed",
    ProofReason.STAGE: "date_last_stage_update",
    ProofReason.FILLED: "write_date",
    ProofReason.OWNER: "user_id",
}
"""Field of the database that tells, by reason."""
_WHAT = "disputed activities"
_UNTOLD = frozenset({Change.OWNER, Change.DEADLINE})
"""Changes that an activity written since the cutoff may have seen."""


class RecordLookup:
    """Look records up by id."""

    def __init__(self, session: ReadSession, scope: Scope) -> None:
        self._session, self._scope = session, scope

    async def tasks(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look activities up; Odoo before 17 deletes what is done, so that done work is not told."""
        rows = await self._activities([["id", "in", sorted(int(key) for key in ids if key.isdigit())]])
        return {str(row.id): Recalled(self._task(row), utc(row.write_date)) for row in rows}

    async def deals(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look deals up, with their messages."""
        await self._session.api.connect(self._session.deadline)
        found = await DealReader(self._session).by_ids([int(key) for key in ids])
        return {deal.id: Recalled(deal, written) for deal, written in found}

    async def tasks_of(self, deals: AbstractSet[str]) -> list[Task]:
        """List the activities and the calendar meetings of deals."""
        leads = sorted(map(int, deals))
        domain: Domain = [["res_model", "=", "crm.lead"], ["res_id", "in", leads]]
        found = [self._task(row) for row in await self._activities(domain)]
        found += await self._done(leads)
        lists, since = self._session.lists, naive(self._session.cutoff)
        events: Domain = [["opportunity_id", "in", leads], ["active", "=", True], ["stop", ">=", since]]
        found += [_meeting(row) for row in await lists.rows("calendar.event", events, EventRow, _WHAT)]
        return found

    async def _activities(self, domain: Domain) -> list[ActivityRow]:
        await self._session.api.connect(self._session.deadline)
        keeps = await row_type_of(self._session) is KeptActivityRow
        row_type = DatedActivityRow if keeps else ActivityRow
        return [*await self._session.lists.rows("mail.activity", domain, row_type, _WHAT)]

    async def _done(self, leads: list[int]) -> list[Task]:
        """List, before Odoo 17, the messages of work done since the cutoff; when it was planned is not told."""
        if await row_type_of(self._session) is KeptActivityRow:
            return []
        domain: Domain = [
            ["model", "=", "crm.lead"],
            ["res_id", "in", leads],
            ["mail_activity_type_id", "!=", False],
            ["date", ">=", naive(self._session.cutoff)],
        ]
        rows = await self._session.lists.rows("mail.message", domain, DoneActivityRow, _WHAT)
        return [
            Task(
                f"done-{row.id}", clean_title(row.record_name), "", done_at=utc(row.date),
                deals=frozenset({str(row.res_id)}), changed=frozenset({Change.BINDING}),
            )
            for row in rows
        ]  # fmt: skip

    def _task(self, row: ActivityRow) -> Task:
        written, done_at = utc(row.write_date), None
        changed = _UNTOLD if written >= self._session.cutoff else NOTHING
        if isinstance(row, DatedActivityRow) and not row.active:
            done_at, day = written, row.date_done
            if day is not None and day < self._scope.cutoff_day:
                done_at = self._scope.instant(day)
            elif written >= self._session.cutoff and (day is None or day == self._scope.cutoff_day):
                changed |= {Change.COMPLETION}
        return Task(
            id=str(row.id),
            title=clean_title(row.summary or name_of(row.activity_type_id)),
            manager=id_of(row.user_id),
            deadline=row.date_deadline,
            created_at=utc(row.create_date),
            done_at=done_at,
            deals=frozenset({str(row.res_id)}) if row.res_model == "crm.lead" else frozenset(),
            place=document(row.res_model, row.res_id),
            changed=changed,
        )


def _meeting(row: EventRow) -> Task:
    """Make the next step of a planned meeting; since when the meeting is of the deal is not told."""
    deals = frozenset({id_of(row.opportunity_id)})
    untold = frozenset({Change.BINDING})
    return Task(
        f"event-{row.id}",
        clean_title(row.name),
        id_of(row.user_id),
        None,
        utc(row.create_date),
        deals=deals,
        changed=untold,
    )
