"""Read the CSV file of `reglament absence import`: person; first; last; kind; half."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reglament.commands.absence.days import parse_day, parse_half, parse_kind
from reglament.errors import SettingsError
from scoring.terms.circumstances import Half
from storage.values import AbsenceKind

COLUMNS = "person; first; last; kind; half"
MOST_LINES = 5000


@dataclass(frozen=True, slots=True)
class AbsenceLine:
    """Hold a line of the file."""

    number: int
    cells: tuple[str, ...]

    def parse(self) -> tuple[str, date, date, AbsenceKind, Half | None]:
        """Parse person, first day, last day, kind and half; without a last day the first. Raises SettingsError."""
        if not 4 <= len(self.cells) <= 5:
            raise SettingsError(f"{len(self.cells)} columns; write {COLUMNS}")
        person, first, last, kind = self.cells[:4]
        if not person:
            raise SettingsError("the person is missing")
        start = parse_day(first)
        half = parse_half(self.cells[4]) if self.cells[4:] else None
        return person, start, parse_day(last) if last else start, parse_kind(kind), half


def read_lines(file: Path) -> list[AbsenceLine]:
    """Read the lines of a file in UTF-8 or, as older Excel writes, Windows-1251; a heading is left out.

    Raises SettingsError for a file that cannot be read, is empty, or has very many lines.
    """
    rows = csv.reader(io.StringIO(_decoded(file), newline=""), delimiter=";")
    try:
        lines = [
            AbsenceLine(rows.line_num, tuple(cell.strip() for cell in cells))
            for cells in rows
            if any(map(str.strip, cells))
        ]
    except csv.Error as error:
        raise SettingsError(f"{file}: line {rows.line_num}: {error}") from None
    if lines and _is_heading(lines[0].cells):
        del lines[0]
    if not lines:
        raise SettingsError(f"{file}: no line with an absence; write {COLUMNS}")
    if len(lines) > MOST_LINES:
        raise SettingsError(f"{file}: {len(lines)} lines; at most {MOST_LINES} at once")
    return lines


def _is_heading(cells: Sequence[str]) -> bool:
    """Tell whether a line names the columns: days have digits."""
    return len(cells) > 1 and not any(char.isdigit() for char in "".join(cells[1:3]))


def _decoded(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}: {error.strerror or error}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1251")
    except UnicodeDecodeError:
        raise SettingsError(f"{file}: the text is neither UTF-8 nor Windows-1251") from None
