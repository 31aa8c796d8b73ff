"""The rows of a made-up amoCRM account; every field that can change keeps its history."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

WON, LOST = 142, 143
UNSORTED = 1
"""`type` of the stage of incoming leads, which nobody has accepted yet."""
MEETING = 2

T = TypeVar("T")
Row = dict[str, Any]


class History(Generic[T]):
    """A value over time."""

    __slots__ = ("at", "values")

    def __init__(self, at: int, value: T) -> None:
        self.at = [at]
        self.values = [value]

    def put(self, at: int, value: T) -> None:
        assert at >= self.at[-1], "history runs forward"
        self.at.append(at)
        self.values.append(value)

    @property
    def last(self) -> T:
        return self.values[-1]

    def before(self, instant: int) -> T:
        """The value just before `instant`; the first one if there was none yet."""
        return self.values[max(bisect_left(self.at, instant) - 1, 0)]

    def steps(self, until: int) -> Iterator[tuple[int, T]]:
        for at, value in zip(self.at, self.values, strict=True):
            if at >= until:
                return
            yield at, value


@dataclass(slots=True)
class User:
    id: int
    name: str
    active: bool = True
    group: int | None = None
    admin: bool = False


@dataclass(slots=True)
class Lead:
    id: int
    name: str
    created_at: int
    created_by: int
    stage: History[tuple[int, int]]
    owner: History[int]
    price: History[int | None]
    reason: History[int | None]
    fields: History[dict[str, Any]]
    updated_at: int
    closed_at: int | None = None
    deleted: bool = False


@dataclass(slots=True)
class Task:
    id: int
    text: str
    entity_type: str | None
    entity_id: int | None
    type_id: int
    created_at: int
    created_by: int
    owner: History[int]
    due: History[int]
    done: History[bool]
    updated_at: int
    deleted: bool = False


@dataclass(slots=True)
class Company:
    id: int
    name: str
    created_at: int
    created_by: int
    owner: History[int]
    updated_at: int
    deleted: bool = False


@dataclass(slots=True)
class Note:
    id: int
    entity_type: str
    entity_id: int
    type: str
    created_by: int
    responsible: int
    created_at: int
    updated_at: int
    params: dict[str, Any]
    deleted: bool = False


@dataclass(slots=True)
class Event:
    id: str
    type: str
    entity_type: str
    entity_id: int
    created_by: int
    created_at: int
    before: list[Row]
    after: list[Row]


@dataclass(slots=True)
class Stage:
    id: int
    name: str
    type: int = 0
