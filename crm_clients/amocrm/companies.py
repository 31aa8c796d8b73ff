"""Read companies added in the window, credited to the creator or, by the settings, to the owner."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.control.known_rows import KnownRows
from crm_clients.amocrm.history.changes import OWNER_CHANGED, ChangesSinceCutoff
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.wire import WireCompany, WireEvent, as_int
from crm_clients.shared.cleaning import clean_title
from scoring.records import Company

LATEST = 50
"""Companies made last, of which the list must show those of the window."""


async def read_companies(session: ReadSession) -> None:
    """Read companies created in the window. Raises CrmError."""
    by_owner = session.config.companies_credit == "owner"
    changes = ChangesSinceCutoff(session.cutoff)
    companies: list[Company] = []

    known = KnownRows(session, "companies", "companies")

    async def take(rows: list[Row]) -> None:
        known.note(rows)
        for raw in rows:
            row = session.decode(raw, WireCompany, "companies")
            if session.covers(row.created_at) and not row.is_deleted:
                companies.append(_company(row, by_owner=by_owner))

    def must_be_listed(row: Row) -> bool:
        is_there = not row.get("is_deleted") and known.is_settled(row)
        return is_there and session.covers(as_int(row.get("created_at")))

    async def learn(events: list[WireEvent]) -> None:
        changes.add(events)

    span = f"filter[created_at][from]={session.start}&filter[created_at][to]={session.cutoff - 1}"
    await known.ask_latest("order[id]=desc", LATEST)
    await session.lists.shifting(session.query("companies", f"{span}&order[id]=asc", "companies"), take)
    await known.ensure(must_be_listed)
    if by_owner and companies and session.is_past_cutoff:
        what = "owners of companies since the cutoff"
        await session.read_events((OWNER_CHANGED,), session.cutoff, None, what, learn)
    await session.emit(_at_cutoff(company, changes) for company in companies)


def _company(row: WireCompany, *, by_owner: bool) -> Company:
    user = row.responsible_user_id if by_owner else row.created_by
    return Company(
        id=str(row.id),
        title=clean_title((row.name or "").strip()) or f"#{row.id}",
        manager=str(user or ""),  # 0: a robot or an integration
        created_at=datetime.fromtimestamp(row.created_at, UTC),
    )


def _at_cutoff(company: Company, changes: ChangesSinceCutoff) -> Company:
    owner = changes.owner("company", int(company.id), int(company.manager or 0))
    return msgspec.structs.replace(company, manager=str(owner or ""))
