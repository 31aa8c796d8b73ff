"""Authorised requests to amoCRM: with a token that holds, at the address where the account is now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from crm_clients.amocrm.answers import BadRequest, Row, Unauthorized, judge, of_form, rows_of
from crm_clients.amocrm.auth import Keys, MovedAway
from crm_clients.amocrm.pacing import MeasuredPace
from crm_clients.base import ReadStats
from crm_clients.errors import CrmRefused, RightsMissing
from crm_clients.shared.http import Deadline, Http, Judge

PAGE, EVENTS_PAGE = 250, 100

Sink = Callable[[list[Row]], Awaitable[bool | None]]
"""Takes the rows of a page; False: enough."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one answer; whether it was the last."""

    rows: list[Row]
    last: bool

    def touches(self, following: Page, key: str) -> bool:
        """Whether the other begins with a row of this one that has kept its place: then none between them was missed.

        Any other row in both proves nothing where rows move: it may have been moved behind those that were missed.
        """
        first = following.rows[0] if following.rows else {"id": None}
        return any(row["id"] == first["id"] and row.get(key) == first.get(key) for row in self.rows)


class Requests:
    """Authorised requests to one account."""

    def __init__(self, http: Http, keys: Keys, pace: MeasuredPace) -> None:
        self._http, self.keys, self.pace = http, keys, pace

    @property
    def http(self) -> Http:
        """The wire."""
        return self._http

    @property
    def stats(self) -> ReadStats:
        """What reading has cost so far."""
        return self._http.stats

    async def get(self, path: str, query: str, deadline: Deadline, what: str, judge: Judge = judge) -> Any:
        """One answer; None for 204."""
        self.pace.ensure_welcome()
        try:
            return await self._authorised(path, query, deadline, what, judge)
        except (RightsMissing, BadRequest):
            raise
        except CrmRefused as refusal:
            self.pace.refusal = refusal
            raise

    def forget_refusal(self) -> None:
        """Ask again: another read begins, or one method is refused and not the account."""
        self.pace.refusal = None

    async def _authorised(self, path: str, query: str, deadline: Deadline, what: str, judge: Judge) -> Any:
        token = await self.keys.access()
        renewed = moved = False
        while True:
            try:
                return await self._ask(token, path, query, deadline, what, judge)
            except Unauthorized:
                if renewed:
                    text = "amoCRM does not accept a token that it has just renewed (HTTP 401): connect again"
                    raise CrmRefused(text) from None
                token, renewed = await self.keys.renew(token), True
            except MovedAway:
                if moved or not await self.keys.find_home():
                    raise
                moved = True

    async def _ask(self, token: str, path: str, query: str, deadline: Deadline, what: str, judge: Judge) -> Any:
        # The query goes as it stands: encoded brackets would make long filters half as long again.
        url = f"{self.keys.home}/api/v4/{path}{'?' + query if query else ''}"
        headers = {"Authorization": f"Bearer {token}"}
        return await self._http.call("GET", url, deadline=deadline, what=what, headers=headers, judge=judge)

    async def page(
        self,
        path: str,
        query: str,
        deadline: Deadline,
        what: str,
        *,
        limit: int = PAGE,
        number: int = 1,
        judge: Judge = judge,
    ) -> Page:
        """One page of a list. Whatever is not a list of rows is asked for again."""
        asked = "&".join(filter(None, (query, f"limit={limit}", f"page={number}")))
        name = path.rsplit("/", 1)[-1]

        fits = of_form(lambda data: data is None or rows_of(data, name) is not None, f"list of {name}", judge)
        data = await self.get(path, asked, deadline, what, fits)
        await asyncio.sleep(0)  # a full page took its time to be parsed, and takes as much again to be gone through
        rows = rows_of(data, name) or []
        links = data.get("_links") if rows else None
        last = not links.get("next") if isinstance(links, dict) and links else len(rows) < limit
        return Page(rows, last or not rows)


async def give_up(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel requests that nobody waits for any longer."""
    waiting = list(tasks)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
