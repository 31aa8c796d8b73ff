"""Read the companies that were added in the window, and in the window before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from crm_clients.odoo.rows import PartnerRow, decoded, user_of
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, Row, id_of, naive, utc
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.doubts import owner_doubt
from crm_clients.shared.rows import malformed, sifted_rows
from scoring.records import NOTHING, Change, Company, Doubtful, RecordKind, Unreadable

_WHAT = "companies"


async def read_companies(session: ReadSession) -> AsyncIterator[Company | Doubtful | Unreadable]:
    """Yield new companies, credited to creator or salesperson as `companies_credit` says.

    A company archived before the cutoff is left out. A company archived or given away since the cutoff is doubtful, as
    Odoo tells neither when nor whose it was.
    """
    reader = _CompanyReader(session)
    domain: Domain = [
        ["is_company", "=", True],
        ["create_date", ">=", naive(session.start)],
        ["create_date", "<", naive(session.cutoff, up=True)],
        "|",
        ["active", "=", True],
        ["write_date", ">=", naive(session.cutoff)],
    ]
    fields = PartnerRow.__struct_fields__
    async for page in session.lists.whole_pages("res.partner", domain, fields, _WHAT):
        sifted = sifted_rows(page, reader.company, _WHAT, RecordKind.COMPANIES, reader.owner)
        for problem in sifted.unreadable:
            yield problem
        for record in sifted.rows:
            yield record
            if record.changed and session.config.companies_credit == "owner":
                yield owner_doubt(record, session.request.members)


class _CompanyReader:
    """Make companies of rows."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._by_owner = session.config.companies_credit == "owner"

    def owner(self, row: Mapping[str, Any]) -> str:
        """Tell who is credited for a raw row."""
        return user_of(row, "user_id" if self._by_owner else "create_uid")

    def company(self, raw: Row) -> Company:
        """Make a company of a raw row. Raises MalformedRow."""
        row = decoded(raw, PartnerRow, _WHAT)
        created = utc(row.create_date)
        if not self._session.covers(created):
            raise malformed(raw, _WHAT, "`create_date` lies outside of what was asked for")
        changed = utc(row.write_date) >= self._session.cutoff
        return Company(
            str(row.id),
            clean_title(row.name),
            id_of(row.user_id if self._by_owner else row.create_uid),
            created,
            frozenset({Change.OWNER}) if changed and (self._by_owner or not row.active) else NOTHING,
        )
