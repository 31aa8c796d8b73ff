"""Find the handler of a command, as people write commands."""

from __future__ import annotations

from dataclasses import replace
from unicodedata import normalize

from aiogram.filters import Command, CommandObject, CommandStart


class Asked(Command):
    """Accept these commands as people write them: `/Week`, `/WEEK@ThisBot`, ` /week`, `／week`."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names, ignore_case=True)

    @classmethod
    def extract_command(cls, text: str) -> CommandObject:
        """Return the command in small letters, and its arguments as written."""
        return _written(super().extract_command(_normal(text)))


class Started(CommandStart):
    """Accept `/start` with a parameter, as a link `t.me/bot?start=…` sends."""

    @classmethod
    def extract_command(cls, text: str) -> CommandObject:
        """Return the command in small letters, and the parameter as written."""
        return _written(super().extract_command(_normal(text)))


def command_in(text: str) -> str | None:
    """Return the command that a text begins with, known or not; None for any other text."""
    word = _normal(text).split(maxsplit=1)[:1]
    return word[0][1:].partition("@")[0].casefold() if word and word[0].startswith("/") else None


def _normal(text: str) -> str:
    """Convert full-width characters of the first word, so that `／week` is a command."""
    word, space, rest = text.lstrip().partition(" ")
    return f"{normalize('NFKC', word)}{space}{rest}"


def _written(command: CommandObject) -> CommandObject:
    return replace(command, command=command.command.casefold())
