"""Read lists of Odoo's records page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from crm_clients.errors import CrmNonsense
from crm_clients.odoo.api import OdooApi
from crm_clients.odoo.rows import R, decoded
from crm_clients.odoo.values import Domain, Row
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.rows import as_list, malformed

PAGE = 1000
"""Rows asked for in a request."""
_ARCHIVED_TOO = {"active_test": False}


class Field(msgspec.Struct, frozen=True):
    """Describe a field of a model."""

    type: str
    string: object = ""
    """Label, as the users of the database read the label."""


class ListReader:
    """Read the rows of models within a deadline, archived rows included.

    Everywhere `what` is the name of the list in errors.
    """

    def __init__(self, api: OdooApi, deadline: Deadline) -> None:
        self.api, self.deadline = api, deadline

    async def call(self, model: str, method: str, what: str, **arguments: Any) -> Any:
        """Return the result of a method of a model."""
        return await self.api.call(model, method, deadline=self.deadline, what=what, **arguments)

    async def pages(self, model: str, domain: Domain, row_type: type[R], what: str) -> AsyncIterator[list[R]]:
        """Yield decoded rows in the order of ids. Raises MalformedRow."""
        async for page in self.raw_pages(model, domain, row_type.__struct_fields__, what):
            yield [decoded(row, row_type, what) for row in page]

    async def rows(self, model: str, domain: Domain, row_type: type[R], what: str) -> list[R]:
        """Read all rows of a small table. Raises MalformedRow."""
        return [row async for page in self.pages(model, domain, row_type, what) for row in page]

    async def raw_pages(self, model: str, domain: Domain, fields: Sequence[str], what: str) -> AsyncIterator[list[Row]]:
        """Yield rows in the order of ids, so that no row is lost or shifted when others come or go.

        An empty page marks the end: a short page may be short because some rows are hidden from the key's user.
        """
        last = 0
        while True:
            rows = await self._search_read(model, [*domain, ["id", ">", last]], fields, what, order="id", limit=PAGE)
            if not rows:
                return
            fresh = [row for row in rows if row["id"] > last]
            if not fresh:
                raise CrmNonsense(f"{what}: Odoo repeats a page")
            last = max(row["id"] for row in fresh)
            yield fresh

    async def whole_pages(
        self, model: str, domain: Domain, fields: Sequence[str], what: str
    ) -> AsyncIterator[list[Row]]:
        """Yield rows as `raw_pages` does, and compare them with the ids that Odoo lists for the same question.

        A page that came empty or cut would end the list early. Raises CrmNonsense for a row that Odoo still lists.
        """
        lost = set(await self.ids(model, domain, what))
        async for rows in self.raw_pages(model, domain, fields, what):
            lost.difference_update(row["id"] for row in rows)
            yield rows
        if lost and (still := await self.ids(model, [*domain, ["id", "in", sorted(lost)]], what)):
            raise CrmNonsense(f"{what}: Odoo lists row {still[0]} and does not give it")

    async def guarded_pages(self, model: str, domain: Domain, row_type: type[R], what: str) -> AsyncIterator[list[R]]:
        """Yield the decoded rows of a model that checks the document of each row. Raises MalformedRow."""
        async for page in self.raw_guarded_pages(model, domain, row_type.__struct_fields__, what):
            yield [decoded(row, row_type, what) for row in page]

    async def raw_guarded_pages(
        self, model: str, domain: Domain, fields: Sequence[str], what: str
    ) -> AsyncIterator[list[Row]]:
        """Yield the rows of a model that checks the document of each row (activities, messages).

        Odoo cuts a page of such a model first and hides rows afterwards: a page may even be empty with more to come.
        So all ids are asked for at once, without a limit, and then the rows by id.
        """
        ids = await self.ids(model, domain, what)
        for start in range(0, len(ids), PAGE):
            yield await self._all_of(model, ids[start : start + PAGE], fields, what)

    async def ids(self, model: str, domain: Domain, what: str) -> list[int]:
        """Read the ids of all rows that fit, sorted."""
        ids = await self.call(model, "search", what, domain=domain, context=_ARCHIVED_TOO)
        if not isinstance(ids, list) or not all(map(_is_id, ids)):
            raise CrmNonsense(f"{what}: Odoo's answer is not a list of ids")
        return sorted(set(ids))

    async def fields(self, model: str, what: str) -> dict[str, Field]:
        """Read which fields a model has in this database, with types and labels."""
        told = await self.call(model, "fields_get", what, attributes=["type", "string"])
        try:
            return msgspec.convert(told, dict[str, Field])
        except msgspec.ValidationError:
            raise CrmNonsense(f"{what}: Odoo does not say which fields they have") from None

    async def _all_of(self, model: str, ids: list[int], fields: Sequence[str], what: str) -> list[Row]:
        """Read the rows of `ids`; a row may be deleted meanwhile. Raises CrmNonsense if a listed row does not come."""
        rows = await self._search_read(model, [["id", "in", ids]], fields, what)
        found = {row["id"] for row in rows}
        if strange := found.difference(ids):
            raise CrmNonsense(f"{what}: row {min(strange)} came and was not asked for")
        lost = sorted(set(ids) - found)
        if lost and (still := await self.ids(model, [["id", "in", lost]], what)):
            raise CrmNonsense(f"{what}: Odoo lists row {still[0]} and does not give it")
        return rows

    async def _search_read(
        self, model: str, domain: Domain, fields: Sequence[str], what: str, **options: Any
    ) -> list[Row]:
        rows: list[Row] = await self.call(
            model, "search_read", what, domain=domain, fields=list(fields), context=_ARCHIVED_TOO, **options
        )
        for row in as_list(rows, what):
            if not isinstance(row, dict) or not _is_id(row.get("id")):
                raise malformed(row, what, "is no record with an id")
        return rows


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**31
