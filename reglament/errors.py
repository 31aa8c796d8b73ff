"""Define the errors that stop a command with a line for people.

ReglamentError
├── SettingsError   wrong settings or usage: exit code 2
└── WorkFailed      the work could not be done: exit code 1
"""

from __future__ import annotations


class ReglamentError(Exception):
    """Stop the command with a single line of text: the problem and the remedy, never a secret."""

    exit_code = 1


class SettingsError(ReglamentError):
    """Report wrong settings or wrong usage."""

    exit_code = 2


class WorkFailed(ReglamentError):
    """Report that the work failed; stored data stay whole."""
