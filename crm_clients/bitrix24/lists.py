"""Bitrix24's lists: what is asked (a query, immutable), and how far each list has been read (its progress, mutable).

A page is 50 rows and a batch 50 commands. A command may take the last id of the page before, so one request reads
2,500 rows (`docs/crm/bitrix24.md`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
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
"""Pages asked for at once that make the last id of a list worth a command."""
SPLIT = 2 * COMMANDS
"""Pages left of a list that are worth reading from two places at the same time."""
MARGIN = 1.05
"""How many times the estimated pages are asked for: ids may lie closer together towards the end of a list."""
ATTEMPTS = 6
"""Failures of a page in a row that end the reading of its list."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ListQuery(ABC):
    """Describe what is asked of one list method, and what becomes of the rows."""

    method: str
    params: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    """All parameters but those of paging; a function where they are too many to be kept written out."""
    fold: Callable[[Sequence[Row]], Iterable[Any]]
    """Makes facts of a page of rows; where `make` is set, notes what is asked next and gives what `make` needs."""
    make: Callable[[Sequence[Any]], Iterable[Any]] | None = None
    """Makes facts of what `fold` gave, while the next request is on its way."""
    what: str
    """Name of the rows in error texts."""
    group: str = ""
    """Kind of record; lists of one group fail together where a request fails. Default: `what`."""
    key: str = "ID"
    """Name of the id in a row."""
    filter_key: str = ""
    """Name of the id in a filter, where different from `key`."""
    rows_at: str = ""
    """Name under which the rows lie in a result."""
    expected_pages: int = 1
    ask_last: bool = False
    """Asked after all lists that it is read with, for its answer must be younger than theirs."""

    @abstractmethod
    def start(self) -> QueryProgress:
        """Begin to read the list."""

    def asked(self) -> Mapping[str, Any]:
        """Write out the parameters."""
        return self.params() if callable(self.params) else self.params


class KeysetQuery(ListQuery):
    """Read a list by ascending ids to the first short page: without counting, safe from rows that shift.

    A row may come twice in a page: an activity comes once for each object asked for that it is bound to.
    """

    def start(self) -> KeysetProgress:
        """Begin before the first id."""
        return KeysetProgress(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OffsetQuery(ListQuery):
    """Read a list by row numbers, where a method knows no other way; rows may come twice if the list changes."""

    start_names: tuple[str, ...] = ("start",)
    """Names of the parameter for the first row of a page."""

    def start(self) -> OffsetProgress:
        """Begin with the first row."""
        return OffsetProgress(self)


class SingleCall(ListQuery):
    """Call a method whose answer is no list."""

    def start(self) -> CallProgress:
        """Begin with the one command."""
        return CallProgress(self)


def single_call(method: str, params: Mapping[str, Any], *, what: str, group: str = "") -> CallProgress:
    """Begin a call whose answer is kept as `value`."""
    return SingleCall(method=method, params=params, fold=lambda _rows: (), what=what, group=group).start()


class QueryProgress(ABC):
    """Hold how far a list has been read: what to ask next, and why reading ended."""

    def __init__(self, query: ListQuery) -> None:
        self.query = query
        self.group = query.group or query.what
        self.pages_left = query.expected_pages
        self._problems: list[CrmError] = []
        """Shared by the halves of a list."""
        self.failures = 0
        """Failures in a row."""
        self.in_parts = False
        """Whether the list took more than one request."""
        self.is_over = False

    @property
    def problem(self) -> CrmError | None:
        """Tell why the list could not be read in full."""
        return self._problems[0] if self._problems else None

    @problem.setter
    def problem(self, error: CrmError) -> None:
        self._problems.append(error)

    @property
    def want(self) -> int:
        """Pages to ask for at once."""
        return max(1, min(COMMANDS, self.pages_left))

    @property
    def open(self) -> bool:
        """Whether there is more to ask for."""
        return not self.is_over and self.problem is None

    @abstractmethod
    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Write the commands for the next pages; the name of each begins with `name`."""

    @abstractmethod
    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Take the replies to `commands`, and yield the pages that were really read."""

    def split_range(self) -> QueryProgress | None:
        """Leave a half of what is left to another progress, where the list can be read from two places."""
        return None

    def _has_failed(self, reply: Reply) -> bool:
        """Note whether a command brought an answer; only a failure that waiting may heal is tried again."""
        if reply.error is None and reply.known:
            self.failures = 0
            return False
        self.failures += 1
        self.in_parts = True
        error = reply.error or TryAgain(f"{self.query.method}: the portal said nothing of a part of the request")
        if not isinstance(error, TryAgain):
            self.problem = error
        elif not isinstance(error, OperationLimit) and self.failures >= ATTEMPTS:
            self.problem = CrmUnavailable(str(error))
        return True


class KeysetProgress(QueryProgress):
    """Hold the last id read, and an estimate of the pages behind it."""

    def __init__(self, query: KeysetQuery) -> None:
        super().__init__(query)
        self._after = 0
        self._pages_read, self._expected = 0, query.expected_pages
        self._last_id: int | None = None
        """The greatest id of the list, as far as it was asked for: a hint, 0 where the portal did not tell."""
        self._stop = 0
        """The last id of this half of a list; 0: read to the end, whatever the hint was."""

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Begin each page after the last row of the page before; of a long list ask once for the last id too."""
        ascending, after = self._command("ASC"), str(self._after)
        asks_last_id = self._last_id is None and pages >= LONG and self._pages_read + pages < self._expected
        commands = {}
        for page in range(pages - asks_last_id):
            commands[f"{name}p{page}"] = ascending + after
            after = self._last_row_of(f"{name}p{page}")
        if asks_last_id:
            commands[f"{name}end"] = self._command("DESC", select=[self._filter_key]) + str(self._after)
        return commands

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Yield full pages up to the first short or failed page; what came behind that page is worth nothing.

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
        """Leave the second half of the ids ahead to another progress; None where too little is left, or unknown.

        A problem of one half is a problem of both.
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
        """Expect as many pages as the ids ahead would fill, if they lie as in the `pages` just read over `ids`."""
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
        """Write the command for a page up to the id that it begins behind; `other` replaces parameters of the query."""
        asked, key = self.query.asked(), self._filter_key
        params = {**asked, **{name: value for name, value in other.items() if name in asked}}
        if self.query.method == "voximplant.statistic.get":
            return command(self.query.method, {**params, "SORT": key, "ORDER": order, f"FILTER[>{key}]": ""})
        return command(self.query.method, {**params, "order": {key: order}, "start": -1, f"filter[>{key}]": ""})

    def _last_row_of(self, name: str) -> str:
        inside = f"[{self.query.rows_at}]" if self.query.rows_at else ""
        return f"$result[{name}]{inside}[{PAGE - 1}][{self.query.key}]"


class OffsetProgress(QueryProgress):
    """Hold the row numbers where pages begin that are still to be asked for."""

    def __init__(self, query: OffsetQuery) -> None:
        super().__init__(query)
        self._start_names = query.start_names
        self._starts = [page * PAGE for page in range(query.expected_pages)]
        self._known: set[int] = set()

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Ask for the next pages by their first row."""
        asked = self.query.asked()
        return {
            f"{name}p{start}": command(self.query.method, {**asked, **dict.fromkeys(self._start_names, start)})
            for start in self._starts[:pages]
        }

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Yield the pages that were read, and learn from the first how many there are."""
        for name, reply in replies.items():
            start = int(name.rpartition("p")[2])
            if start not in self._starts:
                continue  # a page that was asked for on a guess, behind the end
            if self._has_failed(reply):
                return
            self._starts.remove(start)
            rows = rows_of(reply.value, self.query.rows_at)
            self._check_turned(start, rows)
            self._note_rest(start, reply, len(rows))
            yield rows
        self.is_over = not self._starts
        self.pages_left = len(self._starts)

    def _note_rest(self, start: int, reply: Reply, rows: int) -> None:
        if start == 0:
            following, total = reply.next or rows, max(reply.total or 0, (reply.next or -1) + 1)
            self._starts = list(range(following, total, PAGE)) if rows else []
        elif not self._starts and (reply.next or 0) > start:
            self._starts = [reply.next or 0]  # it has grown meanwhile

    def _check_turned(self, start: int, rows: Sequence[Row]) -> None:
        """Raise CrmNonsense where a further page is an earlier page again."""
        ids = {number(row[self.query.key]) for row in rows}
        if start and ids and ids <= self._known:
            raise CrmNonsense(f"{self.query.method} does not turn the page: the list cannot be read")
        self._known |= ids


class CallProgress(QueryProgress):
    """Hold the answer of a single call."""

    def __init__(self, query: SingleCall) -> None:
        super().__init__(query)
        self.value: Any = None

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Write the one command."""
        return {f"{name}p0": command(self.query.method, self.query.asked())}

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Keep the answer; there are no rows."""
        for reply in replies.values():
            if not self._has_failed(reply):
                self.value, self.is_over = reply.value, True
        yield from ()


def problem_of(lists: Iterable[QueryProgress]) -> str:
    """Tell why some lists could not be read in full; empty if all were."""
    return next((str(progress.problem) for progress in lists if progress.problem is not None), "")
