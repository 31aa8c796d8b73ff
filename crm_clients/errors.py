"""Name the reasons why a CRM could not be read.

CrmError
├── CrmUnavailable          transient: refused connection, time-out, 5xx, cut or non-JSON answer; worth another attempt
│   └── DeadlineExceeded    the whole read took longer than `read_timeout_seconds`
├── CrmRefused              permanent until a person acts: wrong key, blocked account, missing right
│   └── RightsMissing       the login works, but the key may not see all that must be read
└── CrmNonsense             the CRM's answer contradicts the CRM's documentation; the client must not guess
"""

from __future__ import annotations


class CrmError(Exception):
    """Report that a CRM could not be read: the text says to people how to mend the cause, and holds no secret."""


class CrmUnavailable(CrmError):
    """Report a transient failure: a later attempt may succeed."""


class DeadlineExceeded(CrmUnavailable):
    """Report that the deadline for the whole read passed."""


class CrmRefused(CrmError):
    """Report a refusal that lasts until a person acts; further attempts make matters worse."""


class RightsMissing(CrmRefused):
    """Report that the key is valid but may not see all that must be read."""


class CrmNonsense(CrmError):
    """Report an answer that contradicts the CRM's documentation."""
