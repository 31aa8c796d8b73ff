"""Define the errors of storage: one line of text for people, without passwords.

StorageError
├── DatabaseUnreachable      no server, wrong login, not a database, no such folder
├── DatabaseLocked           another process holds a lock too long; worth a retry
├── DatabaseReadOnly         the file, the folder or the server takes no writes
├── DiskFull                 nothing was lost: the transaction was rolled back
├── SchemaMismatch           another migration; `reglament migrate`
├── AlreadyRunning           another `reglament run` works on this SQLite file
├── LeaseLost                another process took the run over; drop the results
├── Refused                  the request contradicts stored data; the text says why
│   ├── InviteRefused        with the reason as a value, for the bot's own words
│   └── AppealRefused        likewise
└── NotFound                 no such team, manager, entry, ...
"""

from __future__ import annotations

from enum import StrEnum

UNREADABLE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
"""Errors of reading stored data that were altered beyond reading; `verify` names such data."""


class StorageError(Exception):
    """Report a failure of storage in one line that says how to go on."""


class DatabaseUnreachable(StorageError):
    """Report that no database answers at the address."""


class DatabaseLocked(StorageError):
    """Report a lock of another process; a later attempt may succeed."""


class DatabaseReadOnly(StorageError):
    """Report a database that can be read but not written."""


class DiskFull(StorageError):
    """Report a full disk; the transaction was rolled back."""


class SchemaMismatch(StorageError):
    """Report tables of another version, or missing triggers of the ledger."""


class AlreadyRunning(StorageError):
    """Report that the SQLite file already has a `reglament run`."""


class LeaseLost(StorageError):
    """Report that the run belongs to another process by now."""


class Refused(StorageError):
    """Report a well-formed request that contradicts stored data."""


class NotFound(StorageError):
    """Report a name or id without a row."""


class InviteProblem(StrEnum):
    """Name the reasons for refusing an invite."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    OTHER_CHAT = "other_chat"
    """The person already has another chat."""
    OTHER_PERSON = "other_person"
    """The chat already belongs to another person."""
    YOURS = "yours"
    """The invite connected this chat before: nothing is left to do."""


class InviteRefused(Refused):
    """Report an invite that cannot be accepted, with the reason as a value."""

    def __init__(self, problem: InviteProblem) -> None:
        self.problem = problem
        super().__init__(f"the invite cannot be accepted: {problem.value.replace('_', ' ')}")


class AppealProblem(StrEnum):
    """Name the reasons for refusing an appeal, or an act on an appeal."""

    NO_DAY = "no_day"
    """The day was not scored: no finished run."""
    NOT_BROKEN = "not_broken"
    """No rule of that id took points on the day, or the points were given back since."""
    TOO_LATE = "too_late"
    TOO_LONG = "too_long"
    """The text is too long."""
    DECIDED = "decided"
    """The appeal was decided or withdrawn before."""
    OWN = "own"
    """Nobody decides about an own appeal."""
    NOT_YOURS = "not_yours"
    """Only the person who filed may withdraw."""
    CHANGED = "changed"
    """The points are no longer taken: they can be excused, not given as kept."""


_APPEAL_TEXTS = {
    AppealProblem.NO_DAY: "that day was not scored, so nothing was taken and there is nothing to appeal",
    AppealProblem.NOT_BROKEN: "no such rule took points of this manager on that day (or they were given back since)",
    AppealProblem.TOO_LATE: "an appeal could be filed until {detail}",
    AppealProblem.TOO_LONG: "the text of an appeal has at most {detail} characters",
    AppealProblem.DECIDED: "the appeal was decided already: {detail}",
    AppealProblem.OWN: "nobody decides about an own appeal: it goes to the owner",
    AppealProblem.NOT_YOURS: "only who filed an appeal may withdraw it",
    AppealProblem.CHANGED: "the points are no longer taken (an absence or a correction came since): excuse or refuse",
}


class AppealRefused(Refused):
    """Report an appeal, or an act on an appeal, that is refused; the reason as a value for the bot's own words."""

    def __init__(self, problem: AppealProblem, detail: str = "") -> None:
        self.problem, self.detail = problem, detail
        super().__init__(_APPEAL_TEXTS[problem].format(detail=detail))
