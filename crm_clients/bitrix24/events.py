"""Read the events of a day in Bitrix24: companies, meetings and calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crm_clients.bitrix24.control.known_records import KnownRecords
from crm_clients.bitrix24.control.questions import known_calls, known_companies
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress
from crm_clients.bitrix24.meetings import MeetingReader
from crm_clients.bitrix24.objects import COMPANY, CONTACT, DEAL, LEAD, place
from crm_clients.bitrix24.rows import CallRow, CompanyRow, OwnedCompanyRow
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.values import is_yes, stamp
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.doubts import owner_doubt
from crm_clients.shared.rows import malformed, unreadable
from scoring.phone_numbers import last_digits
from scoring.records import Call, Change, Company, Doubtful, RecordKind, Unreadable

TALKED = "200"
"""CALL_FAILED_CODE of a call that was answered."""
UNTOLD = "OTHER"
"""CALL_FAILED_CODE of a call whose end nobody defined."""
INCOMING = frozenset({2, 3})
"""CALL_TYPE: incoming, incoming and redirected."""
INFORMATION = 5
"""CALL_TYPE of an automatic announcement."""
ORDINARY_CALL = timedelta(minutes=10)
"""How long before the window an ordinary call may have begun that ended in the window."""
LONG_CALLS = ((timedelta(hours=2), 600), (timedelta(hours=24), 7200))
"""Long calls that ended in the window: how long before the window begun at most, and seconds of talk at least."""

CALLS, EVENTS = 3, 50
"""Pages of open deals for each page expected of a day's calls, and of meetings or new companies."""

_ENTITIES = {"LEAD": LEAD, "DEAL": DEAL, "CONTACT": CONTACT, "COMPANY": COMPANY}


class EventReader:
    """Read the companies, meetings and calls of the window."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._window = session.request.window
        self._since = session.request.since
        """Start of the window before: telephony delivers calls late, and people mark meetings done late."""
        known: dict[RecordKind, Callable[[ReadSession], KnownRecords[Any]]] = {
            RecordKind.COMPANIES: known_companies,
            RecordKind.CALLS: known_calls,
        }
        self.known = {kind: make(session) for kind, make in known.items() if kind in session.request.kinds}
        """Known records that the lists of a kind must show."""

    def start(self, pages: int) -> dict[RecordKind, list[QueryProgress]]:
        """Begin to read the kinds that are asked for; `pages` are expected of the open deals."""
        starts: dict[RecordKind, Callable[[], list[QueryProgress]]] = {
            RecordKind.COMPANIES: lambda: self._companies(pages // EVENTS + 1),
            RecordKind.MEETINGS: lambda: MeetingReader(self._session).start(pages // EVENTS + 1),
            RecordKind.CALLS: lambda: self._calls(pages // CALLS + 1),
        }
        return {kind: start() for kind, start in starts.items() if kind in self._session.request.kinds}

    def _companies(self, pages: int) -> list[QueryProgress]:
        """Begin to read the companies created in this window or the window before.

        Our own company's details are no company.
        """
        cutoff = self._window.cutoff
        conditions = {">=createdTime": stamp(self._since), "<createdTime": stamp(cutoff, up=True)}
        by_creator = self._session.config.companies_credit == "creator"
        row_type = CompanyRow if by_creator else OwnedCompanyRow
        params = {"entityTypeId": COMPANY, "filter": conditions, "select": row_type.select()}
        kind = RecordKind.COMPANIES
        return [
            KeysetQuery(
                method="crm.item.list",
                params=params,
                fold=self._fold_companies,
                row=row_type,
                see=self.known[kind].see,
                owner="createdBy" if by_creator else "assignedById",
                what="companies",
                group=kind,
                key="id",
                rows_at="items",
                expected_pages=pages,
            ).start()
        ]

    def _fold_companies(self, rows: Sequence[CompanyRow]) -> Iterator[Company | Doubtful]:
        """Give the companies; of a company changed since the cutoff another user may have been the responsible."""
        self.known[RecordKind.COMPANIES].keep([row.id for row in rows if row.createdTime in self._window])
        for row in rows:
            if is_yes(row.isMyCompany) or not self._since <= row.createdTime < self._window.cutoff:
                continue
            manager = row.assignedById if isinstance(row, OwnedCompanyRow) else row.createdBy
            company = Company(str(row.id), clean_title(row.title or ""), str(manager or ""), row.createdTime)
            if isinstance(row, OwnedCompanyRow) and row.updatedTime >= self._window.cutoff:
                yield owner_doubt(company, self._session.request.members)
                company = msgspec.structs.replace(company, changed=frozenset({Change.OWNER}))
            yield company

    def _calls(self, pages: int) -> list[QueryProgress]:
        """Begin to read the calls that ended in the window or in the window before.

        Such a call began in one of them or just before; long calls that began earlier are asked for by their length.
        """
        end = self._since - ORDINARY_CALL
        lists = [self._calls_begun(end, self._window.cutoff, 0, pages)]
        for back, seconds in LONG_CALLS:
            lists.append(self._calls_begun(self._since - back, end, seconds, 1))
            end = self._since - back
        return lists

    def _calls_begun(self, since: datetime, until: datetime, seconds: int, pages: int) -> QueryProgress:
        conditions = {">=CALL_START_DATE": stamp(since), "<CALL_START_DATE": stamp(until, up=True)}
        if seconds:
            conditions[">=CALL_DURATION"] = str(seconds)
        return KeysetQuery(
            method="voximplant.statistic.get",
            params={"FILTER": conditions},
            fold=self._fold_calls,
            row=CallRow,
            see=self.known[RecordKind.CALLS].see,
            what="calls",
            group=RecordKind.CALLS,
            expected_pages=pages,
        ).start()

    def _fold_calls(self, rows: Sequence[CallRow]) -> Iterator[Call | Unreadable]:
        for row in rows:
            ended = row.CALL_START_DATE + timedelta(seconds=row.CALL_DURATION)
            if row.CALL_TYPE == INFORMATION or not self._since <= ended < self._window.cutoff:
                continue
            incoming, answered = row.CALL_TYPE in INCOMING, _is_answered(row)
            if answered is None and incoming:
                if ended not in self._window:
                    continue  # doubted on its own day
                problem = malformed({"ID": row.ID}, "calls", "the portal does not say whether anybody answered")
                yield unreadable(problem, RecordKind.CALLS, row.manager)
                continue
            entity = _ENTITIES.get((row.CRM_ENTITY_TYPE or "").upper())
            yield Call(
                id=str(row.ID),
                title=last_digits(row.PHONE_NUMBER or "") or f"#{row.ID}",
                manager=row.manager,
                ended_at=ended,
                seconds=row.CALL_DURATION if answered else 0,
                incoming=incoming,
                answered=bool(answered),
                place=place(entity, row.CRM_ENTITY_ID),
            )


def _is_answered(row: CallRow) -> bool | None:
    """Tell whether a call was answered; None where neither a code nor talk time tells."""
    code = str(row.CALL_FAILED_CODE or "").upper()
    if code not in ("", UNTOLD):
        return code == TALKED
    return True if row.CALL_DURATION else None
