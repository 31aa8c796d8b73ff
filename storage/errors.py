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
│   └── InviteRefused        with the reason as a value, for the bot's own words
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
