"""Write and read a file of anchors, the digests of days kept on another disk, and compare anchors with a journal."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from reglament.errors import WorkFailed
from storage.journal.digests import JournalDay
from storage.private_files import PRIVATE


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """Hold the content of a file of anchors."""

    days: tuple[JournalDay, ...]
    """Anchored days in the order of the lines."""
    damaged: tuple[int, ...] = ()
    """Numbers of the lines that are no anchors, such as a line torn by a loss of power."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Describe an anchored day that a journal lacks, or has with another digest."""

    anchored: JournalDay
    stored: str = ""
    """Digest of the day in the journal; empty: the journal has no such day."""

    @property
    def text(self) -> str:
        """Write the gap in a line for an operator."""
        day = self.anchored
        what = f"{day.team} {day.day}: anchored with digest {day.digest} at {day.at:%Y-%m-%d %H:%M} UTC"
        if self.stored == day.digest:
            return f"{what} as event {day.seq}, but the journal has it in another place"
        return f"{what}, but the journal has {f'digest {self.stored}' if self.stored else 'no such day'}"


def to_line(day: JournalDay) -> str:
    """Write an anchor as a line of JSON without the newline, alike for the file and for the address."""
    content = {
        "team": day.team,
        "day": day.day.isoformat(),
        "digest": day.digest,
        "seq": day.seq,
        "at": day.at.isoformat(),
    }
    return json.dumps(content, ensure_ascii=False)


def read_anchors(path: Path) -> AnchorFile:
    """Read a file of anchors. Raises FileNotFoundError; WorkFailed if the file cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise WorkFailed(f"the anchors in {path} cannot be read: {reason}") from None
    read = [(number, _from_line(line)) for number, line in enumerate(lines, 1) if line.strip()]
    days = tuple(day for _, day in read if day is not None)
    return AnchorFile(days, tuple(number for number, day in read if day is None))


def _from_line(line: str) -> JournalDay | None:
    try:
        content = json.loads(line)
        at = datetime.fromisoformat(content["at"])
        day = date.fromisoformat(content["day"])
        found = JournalDay(str(content["team"]), day, str(content["digest"]), int(content["seq"]), at)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if at.tzinfo is not None else None


def append_anchors(path: Path, days: Sequence[JournalDay]) -> None:
    """Append anchors as lines, flushed to the disk on return; a new file gets mode 0600. Raises OSError.

    A line torn by an earlier loss of power is ended first.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        text = "".join(f"{to_line(day)}\n" for day in days)
        file.write((f"\n{text}" if torn else text).encode())
        os.fsync(descriptor)
    if is_new:
        _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Make a new file outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find_gaps(
    anchored: Iterable[JournalDay], journal: Iterable[JournalDay], accepted: Collection[str] = ()
) -> list[Gap]:
    """Compare anchors with the days of a journal; `accepted` are digests whose loss an operator has accepted.

    Days are known by their digests, so a renamed team leaves no gap.
    """
    by_digest = {day.digest: day for day in journal}
    by_day = {(day.team, day.day): day.digest for day in by_digest.values()}
    gaps: dict[str, Gap] = {}
    for day in anchored:
        stored = by_digest.get(day.digest)
        if stored is not None and (stored.day, stored.seq) != (day.day, day.seq):
            gaps[day.digest] = Gap(day, day.digest)
        elif stored is None and day.digest not in accepted:
            gaps[day.digest] = Gap(day, by_day.get((day.team, day.day), ""))
    return list(gaps.values())
