"""Who is told what, as deliveries to be written with the ledger (pure; docs/product.md §5, §8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from scoring.scorecard import Outcome, Scorecard
from storage.days.codec import readings_to_json
from storage.messages.kinds import DeliveryKind, run_event, to_group, to_person, to_telegram
from storage.values import Member, Run


@dataclass(frozen=True, slots=True)
class Notification:
    """One delivery to be written."""

    event: str
    kind: DeliveryKind
    recipient: str
    reference: Mapping[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a team's messages may go to."""

    members: tuple[Member, ...] = ()
    heads: frozenset[int] = frozenset()
    """Telegram ids, from settings and database."""
    admins: frozenset[int] = frozenset()
    group: bool = False
    """Whether the leaderboard goes anywhere."""


def evening(
    run: Run, cards: Iterable[Scorecard], audience: Audience, earlier: Iterable[date] = ()
) -> list[Notification]:
    """After the cutoff: everybody's own score, the group's leaderboard, the heads' digest, and what was not scored.

    `earlier` days were caught up with this one and get a line in it.
    """
    every = list(cards)
    scored = {card.manager.crm_user for card in every}
    team, event = run.team, run_event(run.id)
    about: dict[str, Any] = {"team": team, "day": run.day.isoformat()}
    caught_up = [day.isoformat() for day in earlier]
    with_earlier = about | {"earlier": caught_up} if caught_up else about
    result = [
        Notification(
            event, DeliveryKind.PERSONAL, to_person(member.person_id), with_earlier | {"crm_user": member.crm_user}
        )
        for member in audience.members
        if member.person_id is not None and member.connected and member.crm_user in scored
    ]
    if audience.group and any(card.count(Outcome.KEPT) + card.count(Outcome.BROKEN) for card in every):
        result.append(Notification(event, DeliveryKind.BOARD, to_group(team), about))
    result += [
        Notification(event, DeliveryKind.DIGEST, to_telegram(head), with_earlier) for head in sorted(audience.heads)
    ]
    if any(card.count(Outcome.NO_DATA) for card in every):
        result += _told(event, DeliveryKind.NO_DATA, audience.heads | audience.admins, about)
    return result


def delayed(run: Run, audience: Audience, *, retry_until: datetime, problem: str) -> list[Notification]:
    """The CRM is down: the heads hear it once, and until when it is tried."""
    about = {
        "team": run.team,
        "day": run.day.isoformat(),
        "retry_until": retry_until.isoformat(),
        "problem": problem,
    }
    return _told(run_event(run.id), DeliveryKind.DELAYED, audience.heads, about)


def alarm(team: str, day: date, connection: str, audience: Audience, problem: str) -> list[Notification]:
    """The CRM refuses us: the admins hear it once a day."""
    about = {"team": team, "day": day.isoformat(), "connection": connection, "problem": problem}
    return _told(f"alarm:{connection}:{day}", DeliveryKind.ALARM, audience.admins, about)


def departed(day: date, member: Member, heads: Iterable[int], not_before: datetime | None = None) -> list[Notification]:
    """Somebody left the CRM: the heads hear it once, with what he left behind."""
    about = {"team": member.team, "day": day.isoformat(), "crm_user": member.crm_user, "name": member.name}
    told = _told(f"departed:{member.id}:{day}", DeliveryKind.DEPARTED, heads, about)
    return [replace(item, not_before=not_before) for item in told]


def reminders(team: str, day: date, cards: Iterable[Scorecard], audience: Audience) -> list[Notification]:
    """Before the cutoff: only to whom it helps, with what is broken as read now."""
    members = {member.crm_user: member for member in audience.members}
    result = []
    for card in cards:
        member = members.get(card.manager.crm_user)
        broken = [line for line in card.lines if line.outcome is Outcome.BROKEN]
        if member is None or member.person_id is None or not member.connected or not broken:
            continue
        reference = {
            "team": team,
            "day": day.isoformat(),
            "crm_user": member.crm_user,
            "readings": readings_to_json(card.snapshot.readings),
        }
        result.append(
            Notification(f"reminder:{team}:{day}", DeliveryKind.REMINDER, to_person(member.person_id), reference)
        )
    return result


def _told(event: str, kind: DeliveryKind, whom: Iterable[int], about: Mapping[str, Any]) -> list[Notification]:
    return [Notification(event, kind, to_telegram(telegram_id), about) for telegram_id in sorted(whom)]
