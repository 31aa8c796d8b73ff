"""Compare a list with rows that are known by another question: a list that lacks such a row is not whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.rows import as_id
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.wire import as_int
from crm_clients.errors import CrmUnavailable


class KnownRows:
    """Hold ids of known rows that a list has not shown yet."""

    def __init__(self, session: ReadSession, path: str, what: str) -> None:
        self._session, self._path, self._what = session, path, what
        self._rows: dict[int, Row] = {}

    async def ask_latest(self, filters: str, limit: int) -> None:
        """Ask for the latest rows of the account, in other words than the list does. Raises CrmError."""
        query = self._session.query(self._path, filters, f"the latest rows of {self._path}")
        page = await self._session.api.page(query, limit=limit)
        self._rows.update((as_id(row["id"]), row) for row in page.rows)

    def note(self, rows: Iterable[Row]) -> None:
        """Leave out rows that the list shows."""
        for row in rows:
            self._rows.pop(as_id(row.get("id")), None)

    def is_settled(self, row: Row) -> bool:
        """Tell whether a row has not changed since the read began, so that it cannot have left the list."""
        return as_int(row.get("updated_at")) < self._session.settled

    def latest(self, is_wanted: Callable[[Row], bool], most: int) -> list[int]:
        """Return the ids of some wanted rows that the list has not shown, the latest first."""
        return [key for key, row in self._rows.items() if key and is_wanted(row)][:most]

    async def ensure(self, is_expected: Callable[[Row], bool]) -> None:
        """Ask by id for the expected rows that the list lacks. Raises CrmUnavailable if amoCRM shows such a row."""
        missing = self.latest(is_expected, len(self._rows))
        await ensure_hidden(self._session, self._path, self._what, missing, is_expected)


async def ensure_hidden(
    session: ReadSession, path: str, what: str, missing: Iterable[int], is_expected: Callable[[Row], bool]
) -> None:
    """Ask by id for rows that a list lacks. Raises CrmUnavailable if amoCRM shows a row that the list must show."""
    ids = set(missing)

    async def take(rows: list[Row]) -> None:
        for row in rows:
            if as_id(row.get("id")) in ids and is_expected(row):
                raise CrmUnavailable(f"{what}: amoCRM's list lacks row {row['id']}, so the list is not whole")

    await session.lists.by_ids(session.query(path, "", what), "id", ids, take)
