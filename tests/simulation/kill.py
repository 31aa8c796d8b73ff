"""The death of a process at any step: after it nothing that the dead process tries has any effect."""

from __future__ import annotations


class Killed(BaseException):
    """Stand for SIGKILL: no handler of the production code may catch it."""


class Seam:
    """Count the steps of a process that others can see; die at a chosen one.

    Steps are statements, commits (before and after), requests to Telegram (before and after) and to the CRM. Between
    two steps a death at one await differs from a death at another in nothing.
    """

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
        """Take a step."""
        self.steps += 1
        if self.left is not None:
            self.left -= 1
            self.dead = self.dead or self.left <= 0
        if self.dead:
            raise Killed


def was_killed(error: BaseException) -> bool:
    """Tell whether a death lies behind an exception, alone or in a group."""
    if isinstance(error, BaseExceptionGroup):
        return any(was_killed(each) for each in error.exceptions)
    return isinstance(error, Killed)
