"""The death of a process at any seam: after it nothing that the dead process tries has any effect."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError


class Killed(BaseException):
    """Stand for SIGKILL: no handler of the production code may catch it."""


class Seam:
    """Count the steps at which a process can die; die at a chosen one."""

    def __init__(self) -> None:
        self.steps = 0
        self.left: int | None = None
        self.dead = False

    def arm(self, after: int) -> None:
        """Die after so many more steps."""
        self.left = after

    def revive(self) -> None:
        """Start the next process."""
        self.left, self.dead = None, False

    def __call__(self) -> None:
        self.steps += 1
        if self.left is not None:
            self.left -= 1
            self.dead = self.dead or self.left <= 0
        if self.dead:
            raise Killed


@contextmanager
def database_seam(seam: Seam, locked: Callable[[], bool]) -> Iterator[None]:
    """Make every statement a step; while `locked`, refuse those that write."""

    def before(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seam()
        if locked() and statement.lstrip().upper().startswith(("INSERT", "UPDATE", "BEGIN IMMEDIATE")):
            raise OperationalError(statement, None, sqlite3.OperationalError("database is locked"))

    event.listen(Engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", before)
