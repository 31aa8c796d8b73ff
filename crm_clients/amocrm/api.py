"""Send authorised requests to amoCRM: with a valid token, to the present address of the account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from crm_clients.amocrm.answers import BadRequest, MovedAway, Row, Unauthorized, judge, require_form, rows_of
from crm_clients.amocrm.auth import Keys
from crm_clients.amocrm.pacing import MeasuredPace
from crm_clients.errors import CrmRefused, RightsMissing
from crm_clients.shared.answers import Judge
from crm_clients.shared.http import Http
from crm_clients.shared.pacing import Deadline

PAGE, EVENTS_PAGE = 250, 100
"""Rows of a page, at most: of entities, of events."""

Sink = Callable[[list[Row]], Awaitable[bool | None]]
"""Takes the rows of a page; False ends the list."""


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Describe a list: where to read, which rows, until when."""

    path: str
    filters: str
    """Query string without page and limit; brackets are not encoded."""
    deadline: Deadline
    what: str
    """Name of the list for people, used in error texts."""

    def narrowed(self, *filters: str) -> ListQuery:
        """Return the same list with further filters or an order."""
        return ListQuery(self.path, "&".join(filter(None, (self.filters, *filters))), self.deadline, self.what)


@dataclass(frozen=True, slots=True)
class RowPage:
    """Hold the rows of an answer."""

    rows: list[Row]
    last: bool
    """Whether the list ends here."""
    linked: bool = False
    """Whether the page links to the next."""


class AmocrmApi:
    """Send authorised requests to an account."""

    def __init__(self, http: Http, keys: Keys, pace: MeasuredPace) -> None:
        self.http, self._keys, self._pace = http, keys, pace
        self.shown: set[str] = set()
        """Lists that have shown a row since `begin`."""

    async def get(self, path: str, query: str, deadline: Deadline, what: str, judge: Judge = judge) -> Any:
        """Request an answer; None for HTTP 204. Raises CrmError.

        A refusal of the account stops every request of this read at once (`docs/crm/README.md`).
        """
        self._pace.ensure_welcome()
        try:
            return await self._authorised(path, query, deadline, what, judge)
        except (RightsMissing, BadRequest):
            raise
        except CrmRefused as refusal:
            self._pace.refusal = refusal
            raise

    def begin(self) -> None:
        """Begin a read: allow requests again, and forget which lists have shown a row."""
        self.forget_refusal()
        self.shown = set()

    def forget_refusal(self) -> None:
        """Allow requests again: amoCRM refused a method and not the account."""
        self._pace.refusal = None

    async def page(self, query: ListQuery, number: int = 1, *, limit: int = PAGE, judge: Judge = judge) -> RowPage:
        """Request a page of a list; an answer that is no list of rows is requested again. Raises CrmError."""
        name = query.path.rsplit("/", 1)[-1]
        fits = require_form(lambda data: data is None or rows_of(data, name) is not None, f"list of {name}", judge)
        filters = query.narrowed(f"limit={limit}", f"page={number}").filters
        data = await self.get(query.path, filters, query.deadline, query.what, fits)
        await asyncio.sleep(0)  # a full page took its time to be parsed, and takes as much again to be gone through
        rows = rows_of(data, name) or []
        if rows:
            self.shown.add(query.path)
        links = data.get("_links") if rows else None
        linked = isinstance(links, dict) and bool(links.get("next"))
        # A page that is full, or links to the next, is never the end.
        return RowPage(rows, not rows or (len(rows) < limit and not linked), linked)

    async def _authorised(self, path: str, query: str, deadline: Deadline, what: str, judge: Judge) -> Any:
        token = await self._keys.access()
        renewed = moved = False
        while True:
            try:
                return await self._ask(token, path, query, deadline, what, judge)
            except Unauthorized:
                if renewed:
                    text = "amoCRM does not accept a token that it has just renewed (HTTP 401): connect again"
                    raise CrmRefused(text) from None
                token, renewed = await self._keys.renew(token), True
            except MovedAway:
                if moved or not await self._keys.find_home():
                    raise
                moved = True

    async def _ask(self, token: str, path: str, query: str, deadline: Deadline, what: str, judge: Judge) -> Any:
        # The query goes as it stands: encoded brackets would make long filters half as long again.
        url = f"{self._keys.home}/api/v4/{path}{'?' + query if query else ''}"
        headers = {"Authorization": f"Bearer {token}"}
        return await self.http.call("GET", url, deadline=deadline, what=what, headers=headers, judge=judge)
