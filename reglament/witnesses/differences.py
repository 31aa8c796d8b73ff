"""Compare anchors with a journal: each anchor must stand, and no day may have slipped in between anchored days."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from reglament.witnesses.anchors import AnchorFile
from storage.db.database import Session
from storage.journal.digests import JournalDay
from storage.journal.heads import ChainHead, digests_at

AT_ONCE = timedelta(hours=1)
"""Difference of instants within which a day may be anchored after another: replicas that finish at the same time."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Describe an anchored day that a journal lacks, or has with another digest, in another place or team."""

    anchored: JournalDay
    stored: str = ""
    """Digest of the day in the journal; empty: the journal has no such day."""
    owner: str = ""
    """Key of another team that has the digest now."""

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the digest of the anchor."""
        return (self.anchored.digest,)

    @property
    def text(self) -> str:
        """Write the gap in a line for an operator."""
        day = self.anchored
        what = f"{day.team} {day.day}: anchored with digest {day.digest} at {day.at:%Y-%m-%d %H:%M} UTC"
        if self.owner:
            return f"{what} for another team than {self.owner}, which has it in the journal"
        if self.stored == day.digest:
            return f"{what} as event {day.seq}, but the journal has it in another place"
        return f"{what}, but the journal has {f'digest {self.stored}' if self.stored else 'no such day'}"


@dataclass(frozen=True, slots=True)
class Unwitnessed:
    """Describe a finished day that was never anchored, although an anchored day comes after."""

    day: JournalDay
    after: JournalDay

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the digest of the day."""
        return (self.day.digest,)

    @property
    def text(self) -> str:
        """Write the day in a line for an operator."""
        day, after = self.day, self.after
        what = f"{day.team} {day.day}: digest {day.digest} of {day.at:%Y-%m-%d %H:%M} UTC was never anchored"
        return f"{what}, but {after.team} {after.day} after it was: a day that was put in later"


@dataclass(frozen=True, slots=True)
class LostEvents:
    """Describe the anchored events of a chain that a journal lacks, or has otherwise."""

    lost: tuple[ChainHead, ...]
    """At least one, oldest first."""

    @property
    def team(self) -> str:
        """Return the key of the team, or `company`."""
        return self.lost[-1].team

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the digests of the anchors."""
        return tuple(head.digest for head in self.lost)

    @property
    def text(self) -> str:
        """Write the events in a line for an operator."""
        first, last = self.lost[0], self.lost[-1]
        what = f"{self.team}: anchored with event {last.seq} of {last.at:%Y-%m-%d %H:%M} UTC, digest {last.digest}"
        since = f" (the first of {len(self.lost)} is event {first.seq})" if len(self.lost) > 1 else ""
        return f"{what}, but the journal has no such event{since}: written by hand or finished since, and lost"


Difference = Gap | Unwitnessed | LostEvents


@dataclass(frozen=True, slots=True)
class Differences:
    """Hold in what a journal differs from its anchors."""

    gaps: tuple[Gap, ...] = ()
    unwitnessed: tuple[Unwitnessed, ...] = ()
    lost: tuple[LostEvents, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.all)

    @property
    def all(self) -> tuple[Difference, ...]:
        """Return the differences of every kind."""
        return (*self.gaps, *self.unwitnessed, *self.lost)

    @property
    def digests(self) -> list[str]:
        """List the digests that an operator gives up or takes over with `--accept-anchors`."""
        return [digest for each in self.all for digest in each.digests]


async def compare(
    session: Session, read: AnchorFile, days: Sequence[JournalDay], accepted: Collection[str] = ()
) -> Differences:
    """Compare a file of anchors with the journal, `days` being all of the journal.

    `accepted` are digests that an operator has accepted.
    """
    gaps, lost = find_gaps(read.days, days, accepted), await find_lost(session, read.heads, accepted)
    return Differences(tuple(gaps), tuple(find_unwitnessed(read.days, days, accepted)), tuple(lost))


def find_gaps(
    anchored: Iterable[JournalDay], journal: Iterable[JournalDay], accepted: Collection[str] = ()
) -> list[Gap]:
    """Compare anchored days with the days of a journal; `accepted` are digests whose loss an operator has accepted.

    A day is known by digest, place and team: by the team's id, or in lines of older releases by a key that the team
    has had. So a renamed team leaves no gap.
    """
    by_digest = {day.digest: day for day in journal}
    by_day = {(day.team, day.day): day.digest for day in by_digest.values()}
    gaps: dict[str, Gap] = {}
    for day in anchored:
        stored = by_digest.get(day.digest)
        if stored is None:
            if day.digest not in accepted:
                gaps[day.digest] = Gap(day, by_day.get((day.team, day.day), ""))
        elif not _is_team_of(day, stored):
            gaps[day.digest] = Gap(day, day.digest, stored.team)
        elif (stored.day, stored.seq) != (day.day, day.seq):
            gaps[day.digest] = Gap(day, day.digest)
    return list(gaps.values())


def _is_team_of(anchored: JournalDay, stored: JournalDay) -> bool:
    if anchored.team_id:
        return anchored.team_id == stored.team_id
    return anchored.team in stored.keys


def find_unwitnessed(
    anchored: Sequence[JournalDay], journal: Sequence[JournalDay], accepted: Collection[str] = ()
) -> list[Unwitnessed]:
    """Find the finished days without an anchor before anchored days: every look anchors all days up to then.

    Before are an earlier event of the same team, an earlier day of another team with the same key (the anchored team
    was renamed), and an earlier instant since the first anchor, unless that was set by hand (`score --at`). Anchors
    that do not stand prove no order.
    """
    by_digest = {day.digest: day for day in journal}
    standing = [(day, by_digest[day.digest]) for day in anchored if day.digest in by_digest]
    if not standing:
        return []
    known = {day.digest for day in anchored}.union(accepted)
    order = _Order(standing)
    found = []
    for day in journal:
        after = None if day.digest in known else order.after(day)
        if after is not None:
            found.append(Unwitnessed(day, after))
    return found


class _Order:
    """Hold the last anchored days: of each team, under each key, and of all."""

    def __init__(self, standing: Sequence[tuple[JournalDay, JournalDay]]) -> None:
        self.of_team: dict[int, JournalDay] = {}
        self.under_key: dict[str, list[JournalDay]] = {}
        newest: dict[tuple[str, int], JournalDay] = {}
        for line, day in standing:
            self.of_team[day.team_id] = max(day, self.of_team.get(day.team_id, day), key=lambda each: each.seq)
            place = line.team, day.team_id
            newest[place] = max(day, newest.get(place, day), key=_date)
        for (key, _), day in newest.items():
            self.under_key.setdefault(key, []).append(day)
        days = [day for _, day in standing]
        self.first, self.last = min(days, key=_instant), max(days, key=_instant)

    def after(self, day: JournalDay) -> JournalDay | None:
        """Find an anchored day that comes after a day; None where the day may still wait for the anchor."""
        own = self.of_team.get(day.team_id)
        if own is not None and own.seq > day.seq:
            return own
        others = (each for each in self.under_key.get(day.team, ()) if each.team_id != day.team_id)
        other = next((each for each in others if each.day > day.day), None)
        if other is not None:
            return other
        is_between = not day.is_rehearsed and self.first.at <= day.at < self.last.at - AT_ONCE
        return self.last if is_between else None


def _date(day: JournalDay) -> date:
    return day.day


def _instant(day: JournalDay) -> datetime:
    return day.at


async def find_lost(session: Session, heads: Sequence[ChainHead], accepted: Collection[str] = ()) -> list[LostEvents]:
    """Find the anchored events that the journal lacks, chain by chain."""
    stored = await digests_at(session, heads)
    chains: dict[int, list[ChainHead]] = {}
    for head in heads:
        if stored.get((head.team_id, head.seq)) != head.digest and head.digest not in accepted:
            chains.setdefault(head.team_id, []).append(head)
    return [LostEvents(tuple(lost)) for lost in chains.values()]
