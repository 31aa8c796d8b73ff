"""Name the reasons why a CRM could not be read.

CrmError
├── CrmUnavailable          transient: refused connection, time-out, 5xx, cut or non-JSON answer; worth another attempt
│   └── DeadlineExceeded    the whole read took longer than `read_timeout_seconds`
├── CrmRefused              permanent until a person acts: wrong key, blocked account, missing right
│   └── RightsMissing       the login works, but the key or the plan does not give all that must be read
├── CrmNonsense             the CRM's answer contradicts the CRM's documentation; the client must not guess
│   └── MalformedRow        a row of a list has another form than documented; the text names the row
└── ClientFault             a mistake of ours: the client, or the counting of its facts, raised an unforeseen exception
"""

from __future__ import annotations

from typing import ClassVar

from scoring.causes import Cause


class CrmError(Exception):
    """Report that a CRM could not be read: the text says to people how to mend the cause, and holds no secret."""

    cause: ClassVar[Cause] = Cause.INCOMPLETE
    """Why the KPIs that need the records are absent."""


class CrmUnavailable(CrmError):
    """Report a transient failure: a later attempt may succeed."""


class DeadlineExceeded(CrmUnavailable):
    """Report that the deadline for the whole read passed."""


class CrmRefused(CrmError):
    """Report a refusal that lasts until a person acts; further attempts make matters worse."""


class RightsMissing(CrmRefused):
    """Report that the key is valid but does not reach all that must be read: no right, no such method, plan ended.

    No outage: what needs the records is absent at once, and no further attempt is made.
    """

    cause = Cause.RIGHTS


class CrmNonsense(CrmError):
    """Report an answer that contradicts the CRM's documentation."""


class MalformedRow(CrmNonsense):
    """Report a row that lacks a documented field or has a field of another type; the text names the row."""


class ClientFault(CrmError):
    """Report an unforeseen exception of a client: the text names the kind and the place; the log holds the rest."""
