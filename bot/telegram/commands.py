"""List all commands, for menus and `/help`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Command:
    """Describe a command and the roles that have the command."""

    name: str
    roles: frozenset[str]
    in_groups: bool = False

    @property
    def text(self) -> str:
        """Return the text key of the description."""
        return f"command-{self.name}"


_EVERYBODY = frozenset({"manager", "head", "hr", "admin"})

COMMANDS = (
    Command("today", frozenset({"manager"})),
    Command("me", frozenset({"manager"})),
    Command("team", frozenset({"head", "admin"})),
    Command("week", frozenset({"head", "admin"})),
    Command("month", frozenset({"head", "admin"})),
    Command("who", frozenset({"head", "admin"})),
    Command("appeals", frozenset({"head", "admin"})),
    Command("pardon", frozenset({"head", "admin"})),
    Command("adjust", frozenset({"head", "admin"})),
    Command("export", frozenset({"hr", "admin"})),
    Command("leaderboard", _EVERYBODY, in_groups=True),
    Command("rules", _EVERYBODY, in_groups=True),
    Command("invite", frozenset({"admin"})),
    Command("bind", frozenset({"admin"}), in_groups=True),
    Command("health", frozenset({"admin"})),
    Command("language", _EVERYBODY),
    Command("help", _EVERYBODY),
)


def commands_for(roles: Iterable[str]) -> tuple[Command, ...]:
    """Return the commands of a user with these roles."""
    own = frozenset(roles)
    return tuple(command for command in COMMANDS if command.roles & own)


def nearest(typed: str, roles: Iterable[str]) -> str:
    """Return the command of these roles that is most like a mistyped one; empty if none is."""
    return next(iter(get_close_matches(typed, [command.name for command in commands_for(roles)], n=1)), "")
