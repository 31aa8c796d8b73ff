"""Bitrix24's lists, read by chained pages: a command may take the last id of the page before it.

A page is 50 rows, a batch 50 commands: so one request walks 2,500 rows. Of a long list it is asked where it ends, so
that its second half can be walked at the same time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from itertools import pairwise
from math import ceil
from typing import Any

from crm_clients.bitrix24.api import COMMANDS, PAGE, OperationLimit, Reply, command
from crm_clients.bitrix24.values import Row, number, rows_of
from crm_clients.errors import CrmError, CrmNonsense, CrmUnavailable
from crm_clients.shared.http import TryAgain

GROWTH = 4
"""How many times as many pages are expected of a list that was longer than expected."""
LONG = 10
"""Pages asked for at once of a list of which it is worth a command to learn where it ends."""
HALVED = 2 * COMMANDS
"""Pages that are left of a list of which it is worth the rest of a page to walk its halves at the same time."""
MARGIN = 0.05
"""What part of the pages that seem to be left is asked for besides, if there is room: ids may lie closer there."""
ATTEMPTS = 6
"""How often in a row a page may fail."""


class KeysetQuery:
    """One list, read to its first short page by ascending ids: counting nothing, and safe from rows that shift.

    A row may come twice in a page: activities do that are bound to several of the objects asked for.
    """

    def __init__(
        self,
        method: str,
        params: Mapping[str, Any],
        fold: Callable[[Sequence[Row]], Any],
        *,
        what: str,
        group: str = "",
        key: str = "ID",
        by: str = "",
        at: str = "",
        pages: int = 1,
        asked_last: bool = False,
        make: Callable[[Any], Any] | None = None,
    ) -> None:
        """`fold` makes facts of rows; `pages` is how many are expected; `at` is where the rows lie in a result.

        With `make`, `fold` only notes what is asked for next, and `make` makes facts of what it gives, when their turn
        comes: meanwhile the next request is on its way.

        `key` is the id's name in a row, `by` its name in a filter where that is another. `asked_last`: not before all
        that it is read with have been asked, nor while they are on their way, for its answer must be younger.
        """
        self.method, self.params, self.fold, self.make, self.what = method, params, fold, make, what
        self.group, self.asked_last = group or what, asked_last
        self.left = pages
        """Pages that seem to be left."""
        self.failures = 0
        self.in_parts = False
        """Whether it took more than one request."""
        self.over = False
        self._problems: list[CrmError] = []
        """Shared with its other half."""
        self._key, self._by, self._at = key, by or key, at
        self._after = 0
        self._pages, self._expected = 0, pages
        """Read, and expected in all."""
        self.is_filler = False
        """Whether it is to fill the room that others leave: then nobody needs to know beforehand how long it is."""
        self._end = 0
        """The last id, as far as it was asked for and told."""
        self._stop = 0
        """The last id of this half; 0: to the end."""

    @property
    def problem(self) -> CrmError | None:
        """Why it could not be read in full."""
        return self._problems[0] if self._problems else None

    @problem.setter
    def problem(self, error: CrmError) -> None:
        self._problems.append(error)

    @property
    def want(self) -> int:
        """Pages to ask for at once."""
        return max(1, min(COMMANDS, self.left))

    @property
    def margin(self) -> int:
        """Pages to ask for besides, if there is room: of a list whose end is known only by its ids."""
        return ceil(self.want * MARGIN) if self._end > 0 and self.left < COMMANDS else 0

    @property
    def open(self) -> bool:
        """Whether there is more to ask for."""
        return not self.over and self.problem is None

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """The next pages, each beginning after the last row of the one before; of a long list once its end too."""
        is_long = pages >= LONG and self._pages + pages < self._expected
        behind, after = self._behind(), str(self._after)
        asks_end = is_long and not self._end and not self.is_filler
        end = {f"{name}end": self._behind("DESC", select=[self._by]) + after} if asks_end else {}
        commands = {}
        for page in range(pages - len(end)):
            commands[f"{name}p{page}"] = behind + after
            after = self._last_of(f"{name}p{page}")
        return commands | end

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """The pages that were really read. What came after a short or failed page is asked for again, or not at all."""
        begun, pages = self._after, 0
        for name, reply in replies.items():
            if name.endswith("end"):
                self._note_end(reply)
                continue
            if reply.error is not None or not reply.known:
                self._failed(reply)
                return
            rows = rows_of(reply.value, self._at)
            ids = [number(row[self._key]) for row in rows]
            if ids and (ids[0] <= self._after or any(a > b for a, b in pairwise(ids))):
                if pages:
                    break
                raise CrmNonsense(f"{self.method} does not go on behind the last id: the list cannot be read")
            self.failures = 0
            if ids:
                begun = begun if begun else ids[0]
                self._after = ids[-1]
                yield rows if not self._stop or ids[-1] <= self._stop else rows[: bisect_right(ids, self._stop)]
            pages += 1
            if len(rows) < PAGE or 0 < self._stop <= self._after:
                self.over = True
                return
        self._expect(pages, self._after - begun)

    def halve(self) -> KeysetQuery | None:
        """The second half of what is left, to be read beside the first; None if that is too little, or nobody knows.

        A problem of one is a problem of both.
        """
        ahead = (self._stop or self._end) - self._after
        if not self.open or self.left <= HALVED or ahead <= 0:
            return None
        second = copy(self)
        self._stop = second._after = self._after + ahead // 2
        self.left = second.left = self.left // 2
        return second

    def _note_end(self, reply: Reply) -> None:
        """A hint: what was not told was not asked well, and is asked no more."""
        rows = rows_of(reply.value, self._at) if reply.error is None and reply.known else []
        self._end = max((number(row[self._key]) for row in rows), default=-1)

    def _expect(self, pages: int, ids: int) -> None:
        """How many more pages to ask for, after so many full ones that hold so many ids."""
        self._pages += pages
        self.in_parts = True
        ahead = (self._stop or self._end) - self._after
        if self._end > 0 and ids > 0 and ahead >= 0:
            self.left = min(ceil(ahead * pages / ids), ceil(ahead / PAGE))
        else:
            if self._pages >= self._expected:
                self._expected = self._pages * GROWTH
            self.left = self._expected - self._pages

    def _failed(self, reply: Reply) -> None:
        self.failures += 1
        self.in_parts = True
        error = reply.error or TryAgain(f"{self.method}: the portal said nothing of a part of the request")
        if not isinstance(error, TryAgain):
            self.problem = error
        elif not isinstance(error, OperationLimit) and self.failures >= ATTEMPTS:
            self.problem = CrmUnavailable(str(error))

    def _behind(self, order: str = "ASC", **other: Any) -> str:
        """The command for a page up to the id that it begins behind; `other` parameters stand for those of its own."""
        params = {**self._asked(), **{key: value for key, value in other.items() if key in self.params}}
        if self.method == "voximplant.statistic.get":
            return command(self.method, {**params, "SORT": self._by, "ORDER": order, f"FILTER[>{self._by}]": ""})
        return command(self.method, {**params, "order": {self._by: order}, "start": -1, f"filter[>{self._by}]": ""})

    def _asked(self) -> Mapping[str, Any]:
        """All parameters but those of paging."""
        return self.params

    def _last_of(self, name: str) -> str:
        inside = f"[{self._at}]" if self._at else ""
        return f"$result[{name}]{inside}[{PAGE - 1}][{self._key}]"


class OffsetQuery(KeysetQuery):
    """A list that is only read by page numbers; rows may come twice where it changes meanwhile."""

    def __init__(
        self,
        method: str,
        params: Mapping[str, Any],
        fold: Callable[[Sequence[Row]], Any],
        start: str = "start",
        **rest: Any,
    ) -> None:
        """`start` is what the method calls the first row of a page, where its documentation differs from all others."""
        super().__init__(method, params, fold, **rest)
        self._starts = [0]
        self._spellings = {"start", start}
        self._known: set[int] = set()

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """The next pages."""
        return {
            f"{name}p{start}": command(self.method, {**self.params, **dict.fromkeys(self._spellings, start)})
            for start in self._starts[:pages]
        }

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """The pages that were read."""
        for reply in replies.values():
            if reply.error is not None or not reply.known:
                self._failed(reply)
                return
            self.failures = 0
            start = self._starts.pop(0)
            rows = rows_of(reply.value, self._at)
            self._turned(start, rows)
            if start == 0:
                following, total = reply.next or len(rows), max(reply.total or 0, (reply.next or -1) + 1)
                self._starts = list(range(following, total, PAGE)) if rows else []
            elif not self._starts and (reply.next or 0) > start:
                self._starts = [reply.next or 0]  # it has grown meanwhile
            yield rows
        self.over = not self._starts
        self.left = len(self._starts)

    def _turned(self, start: int, rows: Sequence[Row]) -> None:
        """Raises CrmNonsense where a further page is an earlier one again."""
        ids = {number(row[self._key]) for row in rows}
        if start and ids and ids <= self._known:
            raise CrmNonsense(f"{self.method} does not turn the page: the list cannot be read")
        self._known |= ids
