"""Answers of a wrong form: whatever field of whatever answer is mutated, no KPI is silently another.

Every field of every answer that a client takes is mutated by form, one field a case. Each KPI must then equal its
unmutated value or be absent with a reason that names the row. A client's test takes part by deriving from
`MutationTests` instead of `Conformance`. `MUTATIONS=all` runs all cases, `MUTATIONS=3/40` the third of forty slices of
all cases, else a seeded one of every field and form runs.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import httpx
import msgspec

from crm_clients.base import CrmUser
from crm_clients.errors import CrmError
from crm_clients.shared.cleaning import LONGEST_NAME, LONGEST_TITLE
from scoring.records import Fact
from scoring.snapshot import NotRead, Reading, Value
from tests.crm_clients.client_under_test import Readings
from tests.crm_clients.company import company
from tests.crm_clients.conformance import Conformance
from tests.crm_clients.faults import Break, Unreliable
from tests.crm_clients.world import FakeClock, Quirks, World

MISSING, TWICE = object(), object()
SEED = 12
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff]")
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Case:
    """A place in an answer, and the form it is given there."""

    request: bytes
    about: str
    """What was asked, in the words of the client's test."""
    path: Path
    form: str
    value: Any
    """What stands there instead; MISSING: nothing; TWICE: the same list twice."""
    row: str
    """Id of the row around it; empty outside of rows."""

    @property
    def field(self) -> str:
        """The place without the numbers of rows."""
        return f"{self.about}: {'.'.join('*' if isinstance(step, int) else step for step in self.path) or 'all'}"

    def __str__(self) -> str:
        return f"{self.field} of row {self.row or '–'} {self.form} ({str(self.value)[:40]!r})"


def forms(value: Any) -> Iterator[tuple[str, Any]]:
    """Wrong forms of a value, by name."""
    yield "missing", MISSING
    if value is not None:
        yield "null", None
    yield from (("of another type", other) for other in _other_types(value))
    if isinstance(value, str | list | dict) and value:
        yield "empty", type(value)()
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield from (("out of range", number) for number in (10**40, -1) if number != value)
    if isinstance(value, str) and value:
        yield "over-long", value + "Я" * 3000
        yield "with NUL", f"{value[:1]}\0{value[1:]}"
        if value.isdecimal():
            yield from (("out of range", number) for number in (str(10**40), "-1"))
        if _DATE.match(value):
            yield "a malformed date", _DATE.sub("2026-13-45", value, count=1)
            yield from (("out of range", _DATE.sub(day, value, count=1)) for day in ("9999-12-31", "0001-01-01"))


def _other_types(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return ["yes", [value]]
    if isinstance(value, int | float):
        return [str(value), [value], {"value": value}, True]
    if isinstance(value, str):
        return [12345, [value], {"value": value}, True]
    if isinstance(value, list):
        return [{"0": value}, "text", 7]
    return [[], "text", 7]


def places(answer: Any, path: Path = (), row: str = "") -> Iterator[tuple[Path, Any, str]]:
    """Every place of an answer, with what stands there and the id of the row around it."""
    yield path, answer, row
    if isinstance(answer, dict):
        own = None if "jsonrpc" in answer else answer.get("id", answer.get("ID"))
        row = row if own is None or isinstance(own, dict | list | bool) else str(own)
        for key, value in answer.items():
            yield from places(value, (*path, key), row)
    elif isinstance(answer, list):
        for number, value in enumerate(answer):
            yield from places(value, (*path, number), row)


def mutated(answer: Any, path: Path, value: Any) -> Any:
    """A copy of the answer with another value at a place."""
    if not path:
        return None if value is MISSING else answer * 2 if value is TWICE else value
    changed = copy.deepcopy(answer)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    if value is MISSING:
        del inner[path[-1]]
    elif value is TWICE:
        inner[path[-1]] = inner[path[-1]] * 2
    else:
        inner[path[-1]] = value
    return changed


class MutationTests(Conformance):
    """Derive from it instead of from `Conformance`, and say what is documented to be optional."""

    most_cases: ClassVar[int] = 200
    """Cases of a run in `make check`."""
    most_doubled: ClassVar[int] = 8
    """Lists that come twice in a run."""

    def about(self, request: httpx.Request) -> str:
        """What is asked, without what differs from request to request."""
        return request.url.path

    def field(self, case: Case) -> str:
        """The field of a case, by which cases are alike."""
        return case.field

    def is_documented(self, case: Case) -> bool:
        """Whether the mutated answer still has a form that the CRM documents, so that the value may follow it."""
        return False

    async def test_no_answer_of_a_wrong_form_falsifies_a_kpi(self) -> None:
        wrong = []
        expected = self.count(company(), await self.facts(company()))
        for case in self._chosen(await self._cases(self._read)):
            try:
                facts = await self.facts(company(), when=self._mutating(case))
                found = self.count(company(), facts)
            except CrmError as error:
                if not _names(case, str(error)):
                    wrong.append(f"{case}: all is absent with the reason {str(error)!r}")
                continue
            except Exception as error:  # whatever it is, it names the case
                wrong.append(f"{case}: {type(error).__name__}: {error}")
                continue
            wrong += [f"{case}: {fault}" for fault in _faults(case, expected, found)]
            wrong += [f"{case}: {text!r} came through" for text in _bad_texts(facts)]
        assert not wrong, f"{len(wrong)} faults:\n" + "\n".join(wrong[:25])

    async def test_no_list_of_users_of_a_wrong_form_dismisses_anybody(self) -> None:
        wrong = []
        expected = _people(await self._users(self.server(company(), Quirks())))
        for case in self._chosen(await self._cases(self._users)):
            line = Unreliable(self.server(company(), Quirks()), self._mutating(case))
            try:
                users = await self._users(line)
            except CrmError:
                continue
            except Exception as error:
                wrong.append(f"{case}: {type(error).__name__}: {error}")
                continue
            if _people(users) != expected:
                wrong.append(f"{case}: {sorted(_people(users) ^ expected)}")
            wrong += [f"{case}: {user.name!r}" for user in users if _is_bad(user.name, LONGEST_NAME)]
        assert not wrong, f"{len(wrong)} faults:\n" + "\n".join(wrong[:25])

    async def test_rows_that_come_twice_in_an_answer_count_once(self) -> None:
        wrong = []
        expected = self.count(company(), await self.facts(company()))
        dice = random.Random(SEED)
        cases = [case for case in await self._cases(self._read) if case.form == "empty" and _are_rows(case)]
        for case in dice.sample(cases, min(len(cases), self.most_doubled)):
            facts = await self.facts(company(), when=self._mutating(replace(case, form="twice", value=TWICE)))
            wrong += [f"{case}: {fault}" for fault in _faults(case, expected, self.count(company(), facts))]
        assert not wrong, "\n".join(wrong)

    # Cases

    async def _cases(self, use: Callable[[httpx.AsyncBaseTransport], Any]) -> list[Case]:
        """All cases of the answers that a use of the client takes."""
        seen: dict[bytes, tuple[str, Any]] = {}
        server = self.server(company(), Quirks())

        async def note(request: httpx.Request, real: httpx.AsyncBaseTransport) -> httpx.Response:
            response = await real.handle_async_request(request)
            body = await response.aread()
            if body and not body.startswith(b"<"):
                seen[_key(request)] = (self.about(request), json.loads(body))
            return response

        await use(Unreliable(server, lambda _number, _request: note))
        return [
            Case(request, about, path, form, value, row)
            for request, (about, answer) in seen.items()
            for path, old, row in places(answer)
            for form, value in forms(old)
            if form != "missing" or (path and isinstance(path[-1], str))  # a shorter list is no wrong form
        ]

    def _chosen(self, cases: list[Case]) -> list[Case]:
        """A case of every field and form, or all, or a slice of all."""
        cases = [case for case in cases if not self.is_documented(case)]
        assert cases
        if wanted := os.environ.get("MUTATIONS"):
            number, _, slices = wanted.replace("all", "1/1").partition("/")
            return cases[int(number) - 1 :: int(slices)]
        dice = random.Random(SEED)
        groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
        for case in cases:
            groups[self.field(case), case.form].append(case)
        chosen = [dice.choice(group) for group in groups.values()]
        return dice.sample(chosen, min(len(chosen), self.most_cases))

    def _mutating(self, case: Case) -> Callable[[int, httpx.Request], Break | None]:
        async def mutate(request: httpx.Request, real: httpx.AsyncBaseTransport) -> httpx.Response:
            response = await real.handle_async_request(request)
            body = json.dumps(mutated(json.loads(await response.aread()), case.path, case.value)).encode()
            headers = {name: value for name, value in response.headers.items() if name != "content-length"}
            return httpx.Response(response.status_code, headers=headers, content=body, request=request)

        return lambda _number, request: mutate if _key(request) == case.request else None

    async def _read(self, line: httpx.AsyncBaseTransport) -> None:
        world = company()
        async with self.opened(line, FakeClock(world.now)) as client:
            async for _ in client.read(self.request(world)):
                pass

    async def _users(self, line: httpx.AsyncBaseTransport) -> list[CrmUser]:
        async with self.opened(line, FakeClock(World().now)) as client:
            users: list[CrmUser] = await client.users()
            return users


def _key(request: httpx.Request) -> bytes:
    return b" ".join((request.method.encode(), request.url.raw_path, request.content))


def _are_rows(case: Case) -> bool:
    """Tell whether a case is about a list of rows, outside of any row."""
    return case.value == [] and not case.row


def _people(users: list[CrmUser]) -> set[tuple[str, bool, bool, tuple[str, ...]]]:
    return {(user.id, user.active, user.human, tuple(sorted(user.departments))) for user in users}


def _faults(case: Case, expected: Readings, found: Readings) -> Iterator[str]:
    for user, readings in expected.items():
        for key, was in readings.items():
            reading = found[user][key]
            if not isinstance(was, Value):
                continue
            if isinstance(reading, NotRead):
                if not _names(case, reading.detail):
                    yield f"{key} of {user} is absent with the reason {reading.detail!r}"
            elif _content(reading) != _content(was):
                yield f"{key} of {user} is {_content(reading)}, not {_content(was)}"


def _content(reading: Reading) -> Any:
    assert isinstance(reading, Value), reading
    return reading.number, sorted(item.key for item in reading.items)


def _names(case: Case, reason: str) -> bool:
    """Whether a reason says where the fault is: the row, where the row still has its id."""
    is_id = bool(case.path) and case.path[-1] in ("id", "ID")
    return bool(reason) and (is_id or not case.row or case.row in reason)


def _bad_texts(facts: list[Fact]) -> Iterator[str]:
    for fact in facts:
        yield from (text for text in _texts(msgspec.to_builtins(fact)) if _is_bad(text, LONGEST_TITLE))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _is_bad(text: str, most: int) -> bool:
    return len(text) > most or _CONTROL.search(text) is not None
