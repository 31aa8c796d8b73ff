"""What stops a command, in one line for people.

ReglamentError
├── SettingsError   wrong settings or usage: exit code 2
└── WorkFailed      the work could not be done: exit code 1
"""

from __future__ import annotations


class ReglamentError(Exception):
    """The text is one line: what is wrong and what to do. Never a secret."""

    exit_code = 1


class SettingsError(ReglamentError):
    """Wrong settings or wrong usage."""

    exit_code = 2


class WorkFailed(ReglamentError):
    """The work failed; nothing is lost."""
