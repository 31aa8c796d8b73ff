"""What storage can fail with, in one line for people, without passwords.

StorageError
├── DatabaseUnreachable      no server, wrong login, not a database, no such folder
├── DatabaseLocked           another process holds it too long; worth a retry
├── DatabaseReadOnly         the file, its folder or the server does not take writes
├── DiskFull                 nothing was lost: the transaction was rolled back
├── SchemaMismatch           another migration; `reglament migrate`
├── AlreadyRunning           another `reglament run` works on this SQLite file
├── LeaseLost                another process took the run over; drop what was computed
├── Refused                  the request contradicts what is stored; the text says why
│   └── InviteRefused        with the reason as a value, for the bot's own words
└── NotFound                 no such team, manager, entry, ...
"""

from __future__ import annotations

from enum import StrEnum


class StorageError(Exception):
    """Base of all; its text is one line that says what to do."""


class DatabaseUnreachable(StorageError):
    """There is no database to talk to."""


class DatabaseLocked(StorageError):
    """Somebody else holds it; trying again later may help."""


class DatabaseReadOnly(StorageError):
    """It can be read but not written."""


class DiskFull(StorageError):
    """No room; the transaction was rolled back."""


class SchemaMismatch(StorageError):
    """The tables are of another version than this program, or the ledger's guards are missing."""


class AlreadyRunning(StorageError):
    """The SQLite file already has its one `reglament run`."""


class LeaseLost(StorageError):
    """The run belongs to another process by now."""


class Refused(StorageError):
    """Well-formed, but it contradicts what is stored."""


class NotFound(StorageError):
    """What was named does not exist."""


class InviteProblem(StrEnum):
    """Why an invite does not work."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    USED = "used"
    OTHER_CHAT = "other_chat"
    """The person already has another chat."""
    OTHER_PERSON = "other_person"
    """The chat already belongs to another person."""
    YOURS = "yours"
    """It connected this very chat: nothing is left to do."""


class InviteRefused(Refused):
    """An invite that cannot be accepted."""

    def __init__(self, problem: InviteProblem) -> None:
        self.problem = problem
        super().__init__(f"the invite cannot be accepted: {problem.value.replace('_', ' ')}")
