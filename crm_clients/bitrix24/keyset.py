"""Read Bitrix24's lists by ascending ids.

A page is 50 rows and a batch 50 commands. A command may take the last id of the page before, so one request reads
2,500 rows (`docs/crm/bitrix24.md`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from itertools import pairwise
from math import ceil
from typing import Any

from crm_clients.bitrix24.api import COMMANDS, PAGE, Reply
from crm_clients.bitrix24.lists import ListQuery, QueryProgress
from crm_clients.bitrix24.values import Row, command, number, rows_of
from crm_clients.errors import CrmNonsense

GROWTH = 4
"""How many times as many pages are expected of a list that was longer than expected."""
LONG = 10
"""Pages asked for at once that make the last id of a list worth a command."""
SPLIT = 2 * COMMANDS
"""Pages left of a list that are worth reading from two places at the same time."""
MARGIN = 1.05
"""How many times the estimated pages are asked for: ids may lie closer together towards the end of a list."""


class KeysetQuery(ListQuery):
    """Read a list by ascending ids to the first short page: without counting, safe from rows that shift.

    A row may come twice in a page: an activity comes once for each object asked for that is bound to the activity.
    """

    def start(self) -> KeysetProgress:
        """Begin before the first id."""
        return KeysetProgress(self)


class KeysetProgress(QueryProgress):
    """Hold the last id read, and an estimate of the pages behind it."""

    def __init__(self, query: KeysetQuery) -> None:
        super().__init__(query)
        self._after = 0
        self._pages_read, self._expected = 0, query.expected_pages
        self._last_id: int | None = None
        """The greatest id of the list, as far as asked for: a hint; 0 where the portal did not tell."""
        self._stop = 0
        """The last id of this half of a list; 0 to read to the end, independent of the hint."""

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Begin each page after the last row of the page before; of a long list ask once for the last id too."""
        ascending, after = self._command("ASC"), str(self._after)
        asks_last_id = self._last_id is None and pages >= LONG and (not self._pages_read or pages < self.pages_left)
        commands = {}
        for page in range(pages - asks_last_id):
            commands[f"{name}p{page}"] = ascending + after
            after = self._last_row_of(f"{name}p{page}")
        if asks_last_id:
            commands[f"{name}end"] = self._command("DESC", select=[self._filter_key]) + str(self._after)
        return commands

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Yield full pages up to the first short or failed page; pages behind that page are ignored.

        Raises CrmNonsense if the portal does not go on behind the last id.
        """
        first, pages = self._after, 0
        for name, reply in replies.items():
            if name.endswith("end"):
                self._note_last_id(reply)
                continue
            if self._has_failed(reply):
                return
            rows = rows_of(reply.value, self.query.rows_at)
            ids = [number(row[self.query.key]) for row in rows]
            if ids and (ids[0] <= self._after or any(a > b for a, b in pairwise(ids))):
                if pages:
                    break
                raise CrmNonsense(f"{self.query.method} does not go on behind the last id: the list cannot be read")
            if ids:
                first, self._after = first or ids[0], ids[-1]
                yield rows if not 0 < self._stop < ids[-1] else rows[: bisect_right(ids, self._stop)]
            pages += 1
            if len(rows) < PAGE or 0 < self._stop <= self._after:
                self.is_over = True
                return
        self._estimate(pages, self._after - first)

    def split_range(self) -> KeysetProgress | None:
        """Leave the second half of the ids ahead to another progress; None for too few ids, or an unknown end.

        A problem of either half is a problem of both.
        """
        ahead = (self._stop or self._last_id or 0) - self._after
        if not self.open or self.pages_left <= SPLIT or ahead <= 0:
            return None
        second = copy(self)
        self._stop = second._after = self._after + ahead // 2
        self.pages_left = second.pages_left = self.pages_left // 2
        return second

    def _note_last_id(self, reply: Reply) -> None:
        rows = rows_of(reply.value, self.query.rows_at) if reply.error is None and reply.known else []
        self._last_id = max((number(row[self.query.key]) for row in rows), default=0)

    def _estimate(self, pages: int, ids: int) -> None:
        """Expect as many pages as the ids ahead would fill, if as dense as in the `pages` just read over `ids`."""
        self._pages_read += pages
        self.in_parts = True
        ahead = (self._stop or self._last_id or 0) - self._after
        if ids > 0 and ahead >= 0:
            self.pages_left = min(ceil(ahead * pages / ids * MARGIN), ahead // PAGE + 1)
            return
        if self._pages_read >= self._expected:
            self._expected = self._pages_read * GROWTH
        self.pages_left = self._expected - self._pages_read

    @property
    def _filter_key(self) -> str:
        return self.query.filter_key or self.query.key

    def _command(self, order: str, **other: Any) -> str:
        """Write the command for a page up to the id before that page; `other` replaces parameters of the query."""
        asked, key = self.query.asked(), self._filter_key
        params = {**asked, **{name: value for name, value in other.items() if name in asked}}
        if self.query.method == "voximplant.statistic.get":
            return command(self.query.method, {**params, "SORT": key, "ORDER": order, f"FILTER[>{key}]": ""})
        return command(self.query.method, {**params, "order": {key: order}, "start": -1, f"filter[>{key}]": ""})

    def _last_row_of(self, name: str) -> str:
        inside = f"[{self.query.rows_at}]" if self.query.rows_at else ""
        return f"$result[{name}]{inside}[{PAGE - 1}][{self.query.key}]"


class NewestQuery(KeysetQuery):
    """Ask for the newest page of a list alone, by descending ids."""

    def start(self) -> NewestProgress:
        """Begin with the only command."""
        return NewestProgress(self)


class NewestProgress(KeysetProgress):
    """Keep the newest page as `rows`, once it is there."""

    def __init__(self, query: NewestQuery) -> None:
        super().__init__(query)
        self.rows: Sequence[Row] = ()

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Write the only command."""
        return {f"{name}p0": self._command("DESC") + str(self._after)}

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Keep the page; none is handed over. Raises CrmNonsense for an answer that is no list of rows."""
        for reply in replies.values():
            if not self._has_failed(reply):
                self.rows, self.is_over = rows_of(reply.value, self.query.rows_at), True
        yield from ()
