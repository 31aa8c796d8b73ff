"""Find the person of an absence by CRM user id or by name, as people write them."""

from __future__ import annotations

from collections.abc import Sequence

from reglament.errors import SettingsError
from scoring.names import fold, is_meant, is_whole
from storage.values import Absence, Member

SHORTEST_BEGINNING = 3
"""Letters of the beginnings of a name that are understood: a single letter is a slip."""


def find_person(members: Sequence[Member], written: str) -> Member:
    """Find the manager meant by `12`, `main:12`, `Анна Петрова` or `петрова`.

    Raises SettingsError if nobody or several are meant.
    """
    text = written.strip()
    by_id = [member for member in members if text in (member.crm_user, account_of(member))]
    if by_id:
        return _only(by_id, written)
    whole = [member for member in members if is_whole(member.name, text)]
    is_beginning = len(fold(text)) >= SHORTEST_BEGINNING
    meant = whole or [member for member in members if is_beginning and is_meant(member.name, text)]
    there = [member for member in meant if member.active]
    return _only(there or meant, written)


def _only(found: Sequence[Member], written: str) -> Member:
    if not found:
        raise SettingsError(f"{written!r}: nobody of the CRM has this id or name; `reglament people` lists everybody")
    if len(found) > 1:
        listed = ", ".join(map(named, found))
        raise SettingsError(f"{written!r} may be {listed}: write the id instead of the name")
    return found[0]


def named(who: Member | Absence) -> str:
    """Write name and account: `Анна Петрова (main:12)`."""
    return f"{who.name} ({account_of(who)})"


def account_of(who: Member | Absence) -> str:
    """Write connection and CRM user: `main:12`."""
    return f"{who.connection}:{who.crm_user}"
