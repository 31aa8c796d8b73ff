"""Ask for records that are known to exist: a list that lacks such a record is not whole (docs/product.md §11).

A portal that answers a list with nothing, and without an error, cannot be told from an empty portal by that answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from crm_clients.bitrix24.api import RecordMissing
from crm_clients.bitrix24.lists import CallProgress
from crm_clients.bitrix24.session import ReadSession
from crm_clients.errors import CrmError, CrmNonsense

KEPT = 5
"""Records remembered from the beginning of a list, and as many from the end."""


class KnownRecords:
    """Hold records that the last read found open; each must come again, unless closed or deleted since."""

    def __init__(
        self, session: ReadSession, name: str, ask: Callable[[int], CallProgress], is_open: Callable[[Any], bool | None]
    ) -> None:
        """Take the name of the records, and how to ask for a record.

        `is_open` judges the answer: whether the record must have come; None for an answer that shows no record.
        """
        self._session, self._name, self._ask, self._is_open = session, name, ask, is_open
        self._known: list[int] = []
        self._missing: set[int] = set()
        self._first: list[int] = []
        self._last: list[int] = []

    async def recall(self) -> None:
        """Load the records of the last read; none if unusable."""
        try:
            self._known = [int(key) for key in json.loads(await self._session.memory.get(self._key) or "[]")]
        except (ValueError, TypeError):
            self._known = []
        self._missing = set(self._known)

    def see(self, ids: Iterable[int], still_open: Sequence[int]) -> None:
        """Note the records that came, and which of them are open."""
        if self._missing:
            self._missing.difference_update(ids)
        self._first += still_open[: KEPT - len(self._first)]
        self._last = [*self._last, *still_open[-KEPT:]][-KEPT:]

    async def settle(self) -> CrmError | None:
        """Ask for each known record that did not come, and remember records for the next read.

        Return the problem if a record exists that did not come, or if the portal neither gives nor denies a record.
        """
        asked = {key: self._ask(key) for key in sorted(self._missing)}
        if asked:
            await self._session.read(list(asked.values()))
        for key, call in asked.items():
            if isinstance(call.problem, RecordMissing):
                continue
            if call.problem is not None:
                return call.problem
            is_open = self._is_open(call.value)
            if is_open is None:
                return CrmNonsense(f"{self._name}: the portal neither shows nor denies row {key}, known from before")
            if is_open:
                return CrmNonsense(f"{self._name}: the list lacks row {key}, which exists, so the list is not whole")
        await self._remember()
        return None

    @property
    def _key(self) -> str:
        return f"known {self._name}"

    async def _remember(self) -> None:
        """Save the records found open; the saved records stay as long as all of them came."""
        found = list(dict.fromkeys([*self._first, *self._last]))
        if self._missing or len(self._known) < len(found):
            await self._session.memory.put(self._key, json.dumps(found))
