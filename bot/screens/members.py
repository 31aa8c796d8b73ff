"""Load the members of a team as people are shown: by the alphabet, namesakes told apart (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bot.screens.view import LABEL
from bot.texts import shortened
from scoring.names import alphabetical, fold, is_meant, is_whole, told_apart
from storage.db.database import Session
from storage.people import people
from storage.values import Member


async def load_members(session: Session, key: str) -> list[Member]:
    """Load the members of a team."""
    every = await people.members(session, key)
    names = told_apart({member.crm_user: member.name for member in every})
    return [replace(member, name=names[member.crm_user]) for member in every]


async def load_unconnected(session: Session, key: str) -> list[Member]:
    """Load the members of a team without a connected chat."""
    return [member for member in await load_members(session, key) if not member.connected]


async def load_shown_name(session: Session, member: Member) -> str:
    """Load the name under which a member is shown, which no other member of the team has."""
    every = await load_members(session, member.team) if member.team else []
    return next((found.name for found in every if found.id == member.id), member.name)


async def load_name_apart(session: Session, key: str, crm_user: str, name: str) -> str:
    """Load the name under which somebody is shown who may be no member of the team any more."""
    names = {member.crm_user: member.name for member in await people.members(session, key)}
    return told_apart(names | {crm_user: name})[crm_user]


@dataclass(frozen=True, slots=True)
class FoundMember:
    """Describe a member of one of several teams, as a button shows the member."""

    team: str
    crm_user: str
    name: str
    label: str
    """Name, followed by the title of the team where members of several teams are shown, and by the CRM id if that
    does not tell namesakes apart."""


async def load_found(session: Session, titles: Mapping[str, str], written: str = "") -> list[FoundMember]:
    """Load the members of teams (key → title) whose name is meant by what was written; nothing written: all.

    Members whose whole name was written win over members with a longer name. Their own CRM id names a member too.
    """
    every = [(key, member) for key in titles for member in await people.members(session, key)]
    meant = [(key, member) for key, member in every if not written or _is_meant(member, written)]
    whole = [(key, member) for key, member in meant if is_whole(member.name, written)]
    return _labelled(whole or meant, titles)


def _is_meant(member: Member, written: str) -> bool:
    *words, last = written.split() or [""]
    by_id = last.removeprefix("#") == member.crm_user
    return is_meant(member.name, written) or (by_id and (not words or is_meant(member.name, " ".join(words))))


def _labelled(found: Iterable[tuple[str, Member]], titles: Mapping[str, str]) -> list[FoundMember]:
    pairs = sorted(found, key=lambda pair: (alphabetical(pair[1].name), titles[pair[0]], pair[1].crm_user))
    several = len({key for key, _ in pairs}) > 1
    labels = [f"{member.name} · {titles[key]}" if several else member.name for key, member in pairs]
    alike = [fold(shortened(label, LABEL)) for label in labels]
    return [
        FoundMember(
            key,
            member.crm_user,
            member.name,
            f"{label} #{member.crm_user}" if alike.count(fold(shortened(label, LABEL))) > 1 else label,
        )
        for (key, member), label in zip(pairs, labels, strict=True)
    ]
