"""Define Bitrix24's lists: an immutable query says what is asked, a progress how far the list has been read.

Most lists are read by `keyset.py`; the methods here know no such way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_clients.bitrix24.api import COMMANDS, PAGE, OperationLimit, Reply
from crm_clients.bitrix24.rows import PortalRow
from crm_clients.bitrix24.values import Row, command, number, rows_of
from crm_clients.errors import CrmError, CrmNonsense, CrmUnavailable
from crm_clients.shared.answers import TryAgain

ATTEMPTS = 6
"""Failures of a page in a row after which a list is given up."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ListQuery(ABC):
    """Describe the rows asked of a list method, and the use made of the rows."""

    method: str
    params: Mapping[str, Any] | Callable[[], Mapping[str, Any]]
    """All parameters but paging; a function where too many to be kept written out."""
    fold: Callable[[Sequence[Any]], Iterable[Any]]
    """Makes facts of a page of rows; where `make` is set, only notes further questions and gives the input of `make`.
    """
    make: Callable[[Sequence[Any]], Iterable[Any]] | None = None
    """Makes facts from the output of `fold`, while the next request is on the way."""
    what: str
    """Name of the rows in error texts."""
    row: type[PortalRow] | None = None
    """Form of a row; `fold` then takes decoded rows, and a row of another form fails the row's owner, else the list."""
    owner: str = ""
    """Field that holds the user to whom a row counts, where not `row.owner`."""
    check: Callable[[Any], None] | None = None
    """Raises MalformedRow for a decoded row that lacks a field that the settings need."""
    see: Callable[[Iterable[int]], None] | None = None
    """Takes the ids of a page, also of rows that do not fit."""
    group: str = ""
    """Kind of record; lists of a group fail together where a request fails. Default: `what`."""
    key: str = "ID"
    """Name of the id in a row."""
    filter_key: str = ""
    """Name of the id in a filter, where different from `key`."""
    rows_at: str = ""
    """Name under which the rows lie in a result."""
    expected_pages: int = 1
    ask_last: bool = False
    """Asked after all lists read together with this list, for the answer must be the youngest."""

    @abstractmethod
    def start(self) -> QueryProgress:
        """Begin to read the list."""

    def asked(self) -> Mapping[str, Any]:
        """Write out the parameters."""
        return self.params() if callable(self.params) else self.params


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OffsetQuery(ListQuery):
    """Read a list by row numbers, where a method knows no other way; rows may come twice if the list changes."""

    start_names: tuple[str, ...] = ("start",)
    """Names of the parameter for the first row of a page."""

    def start(self) -> OffsetProgress:
        """Begin with the first row."""
        return OffsetProgress(self)


class SingleCall(ListQuery):
    """Call a method that answers without rows."""

    def start(self) -> CallProgress:
        """Begin with the only command."""
        return CallProgress(self)


def single_call(method: str, params: Mapping[str, Any], *, what: str, group: str = "") -> CallProgress:
    """Begin a call; the answer is kept as `value`."""
    return SingleCall(method=method, params=params, fold=lambda _rows: (), what=what, group=group).start()


class QueryProgress(ABC):
    """Hold how far a list has been read: the next commands, and why reading ended."""

    def __init__(self, query: ListQuery) -> None:
        self.query = query
        self.group = query.group or query.what
        self.pages_left = query.expected_pages
        self._problems: list[CrmError] = []
        """Shared by the halves of a list."""
        self.failures = 0
        """Failures in a row."""
        self.in_parts = False
        """Whether the list took more than a single request."""
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
        """Count the pages to ask for at once."""
        return max(1, min(COMMANDS, self.pages_left))

    @property
    def open(self) -> bool:
        """Tell whether more pages may follow."""
        return not self.is_over and self.problem is None

    @abstractmethod
    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Write the commands for the next pages; the name of each begins with `name`."""

    @abstractmethod
    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Take the replies to `commands`, and yield the pages that were really read."""

    def split_range(self) -> QueryProgress | None:
        """Leave a half of the rest to another progress, where the list can be read from two places."""
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


class OffsetProgress(QueryProgress):
    """Hold the row numbers where pages begin that are still to be asked for."""

    def __init__(self, query: OffsetQuery) -> None:
        super().__init__(query)
        self._start_names = query.start_names
        self._starts = [page * PAGE for page in range(query.expected_pages)]
        self._known: set[int] = set()

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Ask for the next pages by first row."""
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
            if total and not rows:
                raise CrmNonsense(f"{self.query.method}: the portal counts rows ({total}) and shows none")
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
        self.total: int | None = None
        """Rows that the list has in all, where asked for."""

    def commands(self, name: str, pages: int) -> dict[str, str]:
        """Write the only command."""
        return {f"{name}p0": command(self.query.method, self.query.asked())}

    def accept(self, replies: Mapping[str, Reply]) -> Iterator[Sequence[Row]]:
        """Keep the answer; there are no rows."""
        for reply in replies.values():
            if not self._has_failed(reply):
                self.value, self.total, self.is_over = reply.value, reply.total, True
        yield from ()


def problem_of(lists: Iterable[QueryProgress]) -> CrmError | None:
    """Tell why some lists could not be read in full; None if all were."""
    return next((progress.problem for progress in lists if progress.problem is not None), None)
