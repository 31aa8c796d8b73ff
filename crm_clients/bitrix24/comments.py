"""Find human comments on Bitrix24's deals, which the portal tells only deal by deal, 50 in a request."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from crm_clients.bitrix24.api import refused
from crm_clients.bitrix24.lists import OffsetQuery, QueryProgress, problem_of
from crm_clients.bitrix24.rows import CommentRow
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.users import UserDirectory
from crm_clients.errors import CrmError, MalformedRow
from crm_clients.shared.comment_cache import CommentCache
from scoring.records import Comment, RecordKind

WHAT = "comments"
PORTION = 2000
"""Deals asked about before the comments found are kept: no deal is asked twice if the read ends early."""


class CommentReader:
    """Find comments of the deals of which no comment is remembered."""

    def __init__(self, session: ReadSession, users: UserDirectory) -> None:
        self._session, self._users = session, users
        self._cutoff = session.request.window.cutoff
        self._known = CommentCache()
        self._found: set[int] = set()
        self._humans: frozenset[int] = frozenset()

    async def recall(self) -> None:
        """Load the comments that earlier reads found."""
        self._known = await CommentCache.load(self._session.memory, int(self._cutoff.timestamp()))

    def knows(self, deal: int) -> bool:
        """Tell whether the deal is known to have a comment."""
        return deal in self._known

    async def read(self, deals: array[int]) -> CrmError | None:
        """Ask about `deals`; return the problem if not all could be asked."""
        if not deals:
            return None
        try:
            self._humans = await self._users.humans(self._session.deadline)
        except CrmError as error:
            if refused(error):
                raise
            return error
        problem = None
        for start in range(0, len(deals), PORTION):
            asked = list(self._start(deals[start : start + PORTION]))
            await self._session.read(asked)
            problem = problem_of(asked)
            if problem:
                break
            await self._keep()
        if problem:
            await self._keep()
        return problem

    async def _keep(self) -> None:
        found = chain(self._known.deals, tuple(self._found))
        known = await asyncio.to_thread(CommentCache, found, int(self._cutoff.timestamp()))
        await known.save(self._session.memory)

    def _start(self, deals: Iterable[int]) -> Iterator[QueryProgress]:
        for deal in deals:
            params = {
                "filter": {"ENTITY_TYPE": "deal", "ENTITY_ID": deal},
                "select": CommentRow.select(),
                "order": {"CREATED": "ASC"},
            }
            yield OffsetQuery(
                method="crm.timeline.comment.list",
                params=params,
                fold=self._of(deal),
                row=CommentRow,
                what=WHAT,
                group=RecordKind.COMMENTS,
            ).start()

    def _of(self, deal: int) -> Callable[[Sequence[CommentRow]], Iterator[Comment]]:
        def fold(rows: Sequence[CommentRow]) -> Iterator[Comment]:
            for row in rows:
                if row.ENTITY_ID not in (None, deal):
                    raise MalformedRow(
                        f"{WHAT}: row {row.ID} is of deal {row.ENTITY_ID}, and deal {deal} was asked for"
                    )
                human = row.AUTHOR_ID in self._humans
                if human and self._cutoff > row.CREATED and deal not in self._found:
                    self._found.add(deal)
                    yield Comment(str(deal), row.CREATED)

        return fold
