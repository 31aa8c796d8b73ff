"""Read lists of Odoo's records page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from crm_clients.errors import CrmNonsense
from crm_clients.odoo.api import OdooApi
from crm_clients.odoo.values import Domain, Row
from crm_clients.shared.pacing import Deadline

PAGE = 1000
"""Rows asked for in a request."""
_ARCHIVED_TOO = {"active_test": False}


class ListReader:
    """Read the rows of models within a deadline, archived rows included.

    Everywhere `what` is the name of the list in errors.
    """

    def __init__(self, api: OdooApi, deadline: Deadline) -> None:
        self.api, self.deadline = api, deadline

    async def call(self, model: str, method: str, what: str, **arguments: Any) -> Any:
        """Return the result of a method of a model."""
        return await self.api.call(model, method, deadline=self.deadline, what=what, **arguments)

    async def pages(self, model: str, domain: Domain, fields: Sequence[str], what: str) -> AsyncIterator[list[Row]]:
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

    async def rows(self, model: str, domain: Domain, fields: Sequence[str], what: str) -> list[Row]:
        """Read all rows of a small table."""
        return [row async for page in self.pages(model, domain, fields, what) for row in page]

    async def guarded_pages(
        self, model: str, domain: Domain, fields: Sequence[str], what: str
    ) -> AsyncIterator[list[Row]]:
        """Yield the rows of a model that checks the document of each row (activities, messages).

        Odoo cuts a page of such a model first and hides rows afterwards: a page may even be empty with more to come.
        So all ids are asked for at once, without a limit, and then the rows by id.
        """
        ids = await self.call(model, "search", what, domain=domain, context=_ARCHIVED_TOO)
        ids = sorted(set(_typed(ids, int, what)))
        for start in range(0, len(ids), PAGE):
            yield await self._search_read(model, [["id", "in", ids[start : start + PAGE]]], fields, what)

    async def field_types(self, model: str, what: str) -> dict[str, str]:
        """Read which fields a model has in this database, with the types of the fields."""
        types = await self.call(model, "fields_get", what, attributes=["type"])
        if not isinstance(types, dict):
            raise CrmNonsense(f"{what}: Odoo does not say which fields they have")
        return {name: str(about.get("type")) for name, about in types.items()}

    async def _search_read(
        self, model: str, domain: Domain, fields: Sequence[str], what: str, **options: Any
    ) -> list[Row]:
        rows = await self.call(
            model, "search_read", what, domain=domain, fields=list(fields), context=_ARCHIVED_TOO, **options
        )
        typed: list[Row] = _typed(rows, dict, what)
        if any(not isinstance(row.get("id"), int) for row in typed):
            raise CrmNonsense(f"{what}: Odoo sent a row without an id")
        return typed


def _typed(rows: Any, kind: type, what: str) -> list[Any]:
    if not isinstance(rows, list) or any(not isinstance(row, kind) for row in rows):
        raise CrmNonsense(f"{what}: Odoo's answer is not a list of what was asked for")
    return rows
