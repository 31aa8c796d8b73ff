"""Ask for records that are known to exist: a list that lacks such a record is not whole (docs/product.md §11).

A portal that answers a list with nothing, and without an error, cannot be told from an empty portal by that answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic

from crm_clients.bitrix24.api import COMMANDS, RecordMissing
from crm_clients.bitrix24.keyset import NewestQuery
from crm_clients.bitrix24.lists import CallProgress
from crm_clients.bitrix24.rows import R, portal_row
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.values import Row, number
from crm_clients.errors import CrmError, CrmNonsense, MalformedRow
from crm_clients.shared.id_set import IdSet

KEPT = 5
"""Records remembered from the beginning of a list, and as many from the end."""


class KnownRecords(Generic[R]):
    """Hold records known from the last read and the newest records of the portal; the lists of a read must show each.

    A record that was changed or deleted since may be missing: every missing record is asked for by id.
    """

    def __init__(
        self,
        session: ReadSession,
        newest: NewestQuery,
        row: type[R],
        ask: Callable[[int], CallProgress],
        shown: Callable[[Any], Row | None],
        must_come: Callable[[R], bool],
    ) -> None:
        """Take the question for the newest records, the question for a record by id, and the rule for the lists.

        `newest` is to be prefetched, so that the question rides in a request that is sent anyway.
        `shown` finds the row in the answer by id: None if the portal denies the record; raises CrmNonsense if the
        portal neither shows nor denies the record. `must_come` tells of a row of the form `row` whether the lists must
        show the record.
        """
        self.newest = newest.start()
        self._session, self._query, self._row = session, newest, row
        self._ask, self._shown, self._must_come = ask, shown, must_come
        self._known: list[int] = []
        self._seen = IdSet()
        self._first: list[int] = []
        self._last: list[int] = []

    async def recall(self) -> None:
        """Load the records of the last read; none if unusable."""
        try:
            self._known = [int(key) for key in json.loads(await self._session.memory.get(self._key) or "[]")]
        except (ValueError, TypeError):
            self._known = []

    def see(self, ids: Iterable[int]) -> None:
        """Note records that a list has shown, also in rows that do not fit."""
        for key in ids:
            self._seen.add(key)

    def keep(self, ids: Sequence[int]) -> None:
        """Note records that the lists of the next read must show, to remember a few."""
        self._first += ids[: KEPT - len(self._first)]
        self._last = [*self._last, *ids[-KEPT:]][-KEPT:]

    async def settle(self, otherwise: int = 0, named: Iterable[int] = ()) -> CrmError | None:
        """Ask for each known record that did not come, and remember records for the next read.

        `otherwise` is a record that another list names, asked for where the portal shows not even a newest record;
        `named` are records that another list names and that must come, unless changed or deleted.
        Return the problem if a record that must have come did not, or if the portal neither gives nor denies a record.
        """
        await self._session.read([self.newest])
        if self.newest.problem is not None:
            return self.newest.problem
        lacking = [key for key in named if key not in self._seen][:COMMANDS]  # any of these proves the same
        expected = {*self._known, *self._newest(), *lacking}
        if otherwise and not self.newest.rows:
            expected.add(otherwise)
        asked = {key: self._ask(key) for key in sorted(expected) if key not in self._seen}
        if asked:
            await self._session.read(list(asked.values()))
        for key, call in asked.items():
            if problem := self._problem(key, call):
                return problem
        await self._remember()
        return None

    def _newest(self) -> Iterator[int]:
        """Yield the newest records that must come; a row that does not fit proves nothing."""
        for raw in self.newest.rows:
            try:
                if self._is_expected(raw):
                    yield number(raw[self._query.key])
            except MalformedRow:
                continue

    def _problem(self, key: int, call: CallProgress) -> CrmError | None:
        """Judge the answer to the question for a record that did not come."""
        if call.problem is not None:
            return None if isinstance(call.problem, RecordMissing) else call.problem
        try:
            row = self._shown(call.value)
            if row is None or not self._is_expected(row):
                return None
        except MalformedRow as error:
            return error
        except CrmNonsense:
            return CrmNonsense(f"{self._query.what}: the portal neither shows nor denies row {key}, known from before")
        return CrmNonsense(f"{self._query.what}: the list lacks row {key}, which exists, so the list is not whole")

    def _is_expected(self, raw: Row) -> bool:
        """Tell whether the lists must show a row. Raises MalformedRow."""
        return self._must_come(portal_row(raw, self._row, self._query.what, self._session.api.clock.now()))

    @property
    def _key(self) -> str:
        return f"known {self._query.what}"

    async def _remember(self) -> None:
        """Save the records kept, unless the same are saved."""
        found = list(dict.fromkeys([*self._first, *self._last]))
        if found != self._known:
            await self._session.memory.put(self._key, json.dumps(found))
