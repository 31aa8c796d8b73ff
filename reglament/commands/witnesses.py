"""Compare the journal with digests kept elsewhere, for `reglament verify`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from pathlib import Path

from rich.console import Console

from reglament.config.settings import Settings
from reglament.errors import SettingsError, WorkFailed
from reglament.process import open_database
from reglament.witnesses.anchors import read_anchors
from reglament.witnesses.differences import Differences, compare
from reglament.witnesses.ends import find_ends
from reglament.witnesses.known_digests import KnownDigests, compare_export
from reglament.witnesses.message_texts import digests_in
from reglament.witnesses.telegram_export import read_export
from storage.db.database import Database, Session
from storage.errors import UNREADABLE, Refused
from storage.journal import anchored
from storage.journal.chain import SHORT_LENGTH
from storage.journal.digests import DigestedDay, JournalDay, digest_in, find_days, journal_days, weak_days
from storage.journal.heads import COMPANY_NAME
from storage.journal.proof import stands
from storage.ledger.entries import find_digest, is_hex


async def find_digests(database: Database, text: str, console: Console) -> bool:
    """Print for each digest in a text (a digest, a link, a whole message) the day, and whether the digest stands.

    Return whether all stand. Raises SettingsError for a text without any digest.
    """
    try:
        digests = digests_in(text) or [digest_in(text)]
    except Refused as error:
        raise SettingsError(f"--digest: no digest in this text: {error}") from None
    async with database.reading() as session:
        return all([await _find_digest(session, digest, console) for digest in digests])


async def _find_digest(session: Session, digest: str, console: Console) -> bool:
    try:
        days = await find_days(session, digest)
    except Refused:  # a link that was changed
        days = []
    entries = [] if days or not is_hex(digest) else await find_digest(session, digest)
    fine = True
    for day in days:
        proved = await stands(session, day)
        fine = fine and proved
        verdict = "stands" if proved else "does not stand: what is stored of that day was changed since"
        _say(console, f"{digest}: {day.team}, {day.day}, digest {day.digest}{_strength(digest, day)}: {verdict}")
    for entry in entries:
        _say(console, f"{digest}: {entry.team}, {entry.day}, entry {entry.seq}")
    given_up = [each for each in await anchored.accepted_digests(session) if each.startswith(digest)]
    if not days and not entries and given_up:
        _say(console, f"{digest}: a day given up by --accept-anchors: an older database was put in place")
    elif not days and not entries:
        _say(console, f"{digest}: does not stand: no day has this digest: the message or the ledger was changed")
    return fine and bool(days or entries)


def _strength(digest: str, day: DigestedDay) -> str:
    if day.is_weak:
        return ", weak: 48 bits, from before the journal"
    return ", by the short form alone: take the link for a proof" if len(digest) == SHORT_LENGTH else ""


async def compare_witnesses(
    settings: Settings, team: str | None, anchors: Path | None, export: Path | None, console: Console
) -> bool:
    """Compare the journal with a file of anchors and an export of Telegram Desktop; return whether all stand.

    Raises WorkFailed for a file that cannot be read.
    """
    async with open_database(settings, guarded=False) as database:
        results = []
        if anchors is not None:
            results.append(await _compare(anchors, console, _compare_anchors(database, team, anchors, console)))
        if export is not None:
            results.append(await _compare(export, console, _compare_export(database, export, console)))
    return all(results)


async def _compare(file: Path, console: Console, work: Awaitable[bool]) -> bool:
    """Do a comparison; what cannot be read of the journal is said, and no witness stands then."""
    try:
        return await work
    except UNREADABLE as error:
        what = f"stored data were altered beyond reading ({type(error).__name__})"
        _say(console, f"{file}: cannot be compared with the journal: {what}")
        return False


async def _compare_anchors(database: Database, team: str | None, file: Path, console: Console) -> bool:
    try:
        read = await asyncio.to_thread(read_anchors, file)
    except FileNotFoundError:
        raise WorkFailed(f"{file}: no such file") from None
    async with database.reading() as session:
        days = await journal_days(session)
        found, ends = await compare(session, read, days), await find_ends(session, read, days)
        accepted = await anchored.accepted_digests(session)
    if team is not None:
        days = [day for day in days if day.team == team]
        found = _of_team(found, team, days)
    known = read.digests
    without = [day for day in days if day.digest not in known]
    failed = len(found.gaps) + sum(len(each.lost) for each in found.lost)
    how = f"{failed} do not stand, {len(without)} days without an anchor"
    _say(console, f"{file}: anchors of {len(read.days)} days and {len(read.heads)} events, {how}")
    for each in found.all:
        given_up = " (given up by --accept-anchors)" if accepted.issuperset(each.digests) else ""
        _say(console, f"{each.text}{given_up}")
    for end in ends:
        if team is None or end.head.team in (team, COMPANY_NAME):
            _say(console, end.text)
    for number in read.damaged:
        _say(console, f"{file}: line {number} is no anchor: torn, or changed")
    return not found and bool(read.days or read.heads)


def _of_team(found: Differences, team: str, days: Sequence[JournalDay]) -> Differences:
    """Keep the differences of a team, under every key that it has had, and of the company."""
    keys = frozenset({team, COMPANY_NAME}).union(*(day.keys for day in days))
    return Differences(
        tuple(gap for gap in found.gaps if keys & {gap.anchored.team, gap.owner}),
        tuple(each for each in found.unwitnessed if keys & {each.day.team, each.after.team}),
        tuple(each for each in found.lost if each.team in keys),
    )


async def _compare_export(database: Database, file: Path, console: Console) -> bool:
    messages = await asyncio.to_thread(read_export, file)
    async with database.reading() as session:
        days = [DigestedDay(day.team, day.day, day.digest) for day in await journal_days(session)]
        known = KnownDigests.of([*days, *await weak_days(session)])
        given_up = await anchored.accepted_digests(session)
    report = compare_export(messages, known, given_up)
    for team, of_team in sorted(report.days.items()):
        _say(console, f"{file}: {team}: {len(of_team)} days, {min(of_team)} to {max(of_team)}")
    how = f"{report.weak} weak (12 digits), {report.short} by the short form alone"
    _say(console, f"{file}: {report.messages} messages with digests, {how}, {len(report.problems)} do not stand")
    for problem in report.problems:
        _say(console, problem)
    return not report.problems and bool(report.messages)


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
