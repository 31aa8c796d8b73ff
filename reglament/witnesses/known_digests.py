"""Look digests up among all days of the journal, and the days before the journal."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date

from reglament.witnesses.telegram_export import ExportedMessage
from storage.journal.chain import SHORT_LENGTH
from storage.journal.digests import WEAK_LENGTH, DigestedDay


@dataclass(slots=True)
class KnownDigests:
    """Hold the digests of all days."""

    _days: dict[str, DigestedDay] = field(default_factory=dict)
    _short: dict[str, list[DigestedDay]] = field(default_factory=dict)

    @classmethod
    def of(cls, days: Iterable[DigestedDay]) -> KnownDigests:
        """Index days by digest and by short form."""
        known = cls()
        for day in days:
            known._days[day.digest] = day
            if not day.is_weak:
                known._short.setdefault(day.digest[:SHORT_LENGTH], []).append(day)
        return known

    def find(self, digest: str) -> list[DigestedDay]:
        """Find the days of a digest as written; several days may share a short form."""
        found = self._days.get(digest)
        return [found] if found else self._short.get(digest, [])


@dataclass(slots=True)
class ExportReport:
    """Hold how the digests of an export compare with the known days."""

    messages: int = 0
    days: dict[str, set[date]] = field(default_factory=dict)
    """Days witnessed, by team."""
    weak: int = 0
    """Digests of 12 digits."""
    short: int = 0
    """Short digests without a link."""
    problems: list[str] = field(default_factory=list)


def compare_export(
    messages: Iterable[ExportedMessage], known: KnownDigests, given_up: Collection[str] = ()
) -> ExportReport:
    """Look up each digest of an export; the days of a team must follow in the order of a sender's messages.

    `given_up` are the digests of days that an operator gave up for an older database.
    """
    report = ExportReport()
    newest: dict[tuple[str, str, str], date] = {}
    for message in messages:
        report.messages += 1
        for digest in message.digests:
            found = known.find(digest)
            if not found:
                is_given_up = bool(digest) and any(each.startswith(digest) for each in given_up)
                why = "its day was given up by --accept-anchors" if is_given_up else "no day has it"
                report.problems.append(f"{message.place}: digest {digest or '(empty)'} does not stand: {why}")
                continue
            report.weak += len(digest) == WEAK_LENGTH
            report.short += len(digest) == SHORT_LENGTH
            day = found[0]
            report.days.setdefault(day.team, set()).add(day.day)
            place = message.chat, message.sender, day.team
            if message.in_order and max(each.day for each in found) < newest.get(place, date.min):
                report.problems.append(f"{message.place}: {day.team} {day.day} comes after {newest[place]}")
            elif message.in_order:
                newest[place] = max(day.day, newest.get(place, date.min))
    return report
