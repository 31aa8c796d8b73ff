"""Why a CRM could not be read.

CrmError
├── CrmUnavailable      transient: connection refused, time-out, 5xx, cut or non-JSON answer; worth another attempt
│   └── DeadlineExceeded    the whole read took longer than `read_timeout_seconds`
├── CrmRefused          permanent until somebody acts: wrong key, blocked account, missing right
│   └── RightsMissing       logged in, but may not see what must be read
└── CrmNonsense         the CRM answered something its documentation rules out; the client must not guess
"""

from __future__ import annotations


class CrmError(Exception):
    """A CRM could not be read. The text is for people: what happened, what to do; never a secret."""


class CrmUnavailable(CrmError):
    """Transient: try again later."""


class DeadlineExceeded(CrmUnavailable):
    """The deadline for the whole read passed."""


class CrmRefused(CrmError):
    """The CRM refuses us until somebody acts; retrying makes it worse."""


class RightsMissing(CrmRefused):
    """The key is valid but may not see what must be read."""


class CrmNonsense(CrmError):
    """The answer contradicts the CRM's documentation."""
