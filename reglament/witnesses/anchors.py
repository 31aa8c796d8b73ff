"""Write and read a file of anchors: the digests of days, and of the events after, kept on another disk."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from reglament.errors import WorkFailed
from storage.journal.digests import JournalDay
from storage.journal.heads import ChainHead, last_of_chains
from storage.private_files import PRIVATE

HEAD = "head"
"""Kind of the lines for events that are no days; a line without a kind is a day."""
Anchor = JournalDay | ChainHead


@dataclass(frozen=True, slots=True)
class AnchorFile:
    """Hold the content of a file of anchors."""

    days: tuple[JournalDay, ...]
    """Anchored days in the order of the lines."""
    heads: tuple[ChainHead, ...] = ()
    """Anchored last events of chains, in the order of the lines."""
    damaged: tuple[int, ...] = ()
    """Numbers of the lines that are no anchors, such as a line torn by a loss of power."""

    @property
    def digests(self) -> set[str]:
        """Return the digests of all anchors."""
        return {day.digest for day in self.days} | {head.digest for head in self.heads}

    def newest(self, accepted: Collection[str]) -> list[ChainHead]:
        """List the last anchored event of each chain, days too, without the anchors that an operator gave up."""
        days = (ChainHead.of_day(day) for day in self.days if day.team_id)
        heads = (head for head in (*days, *self.heads) if head.digest not in accepted)
        return list(last_of_chains(heads).values())


def to_line(anchor: Anchor) -> str:
    """Write an anchor as a line of JSON without the newline, alike for the file and for the address."""
    content = {
        "team": anchor.team,
        "team_id": anchor.team_id,
        **({"day": anchor.day.isoformat()} if isinstance(anchor, JournalDay) else {"kind": HEAD}),
        "digest": anchor.digest,
        "seq": anchor.seq,
        "at": anchor.at.isoformat(),
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
    days = tuple(anchor for _, anchor in read if isinstance(anchor, JournalDay))
    heads = tuple(anchor for _, anchor in read if isinstance(anchor, ChainHead))
    return AnchorFile(days, heads, tuple(number for number, anchor in read if anchor is None))


def _from_line(line: str) -> Anchor | None:
    try:
        content = json.loads(line)
        found = _head(content) if content.get("kind") == HEAD else _day(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if found.at.tzinfo is not None else None


def _head(content: Mapping[str, Any]) -> ChainHead:
    at = datetime.fromisoformat(content["at"])
    place = int(content["team_id"]), int(content["seq"])
    return ChainHead(str(content["team"]), *place, str(content["digest"]), at)


def _day(content: Mapping[str, Any]) -> JournalDay:
    at, day = datetime.fromisoformat(content["at"]), date.fromisoformat(content["day"])
    digest, team_id = str(content["digest"]), int(content.get("team_id", 0))
    return JournalDay(str(content["team"]), day, digest, int(content["seq"]), at, team_id)


def append_anchors(path: Path, anchors: Sequence[Anchor]) -> None:
    """Append anchors as lines, flushed to the disk on return; a new file gets mode 0600. Raises OSError.

    A line torn by an earlier loss of power is ended first.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        text = "".join(f"{to_line(anchor)}\n" for anchor in anchors)
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
