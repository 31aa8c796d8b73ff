"""Draw a group's board for a phone: the department's discipline, and whom the board names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel.dates import format_skeleton

from reports.labels import Labels, labels
from reports.pictures.drawing import INNER, MARGIN, WIDTH, png, svg, title_lines
from reports.pictures.font import readable, shortened, text_width, wrapped
from reports.pictures.numbers import number, percent, signed
from reports.pictures.theme import ThemeName
from scoring.board import Named, medal
from scoring.scale import Scale
from scoring.standings import Standing, hundredths

_ROW, _BAR = 44, 150
_GAUGE = (MARGIN + 12, INNER - 24)
"""Left edge and width of the bar of the department."""


@dataclass(frozen=True, slots=True)
class BoardContent:
    """Hold what a picture of the board shows."""

    title: str
    heading: str
    """Words above the rows."""
    day: date
    named: Named
    discipline: Decimal | None
    """Discipline % of the department."""
    scale: Scale
    subtitle: str = ""
    note: str = ""
    """A tie without names, or why nobody is named; the same words as in the message."""


def leaderboard_png(content: BoardContent, language: str, theme: ThemeName = "light") -> bytes:
    """Draw the board."""
    return png(leaderboard_svg(content, language, theme))


def leaderboard_svg(content: BoardContent, language: str, theme: ThemeName = "light") -> str:
    """Fill the template of the board; heights follow from the number of rows and lines."""
    words, names = labels(language), content.named
    title = title_lines(content.title)
    note = content.note or ("" if content.discipline is not None else words("chart-empty"))
    notes = wrapped(note, 12.5, INNER, 3) if note else []
    gauge = _gauge(content, words)
    band = 18 + 24 * len(title) + 22 * bool(content.subtitle)
    head = band + (60 if gauge["mark"] is None else 76) + 28
    rows_at = head + 10
    y = rows_at + _ROW * len(names.rows) if names.rows else head - 28
    y += 20 * bool(names.rows)
    notes_at = y + 24
    y += (12 + 18 * len(notes)) * bool(notes)
    apart_at = y + 26
    y += (36 + 20 * len(names.apart)) * bool(names.apart)
    low = content.scale.low if any(row.totals.points < 0 for row in names.rows) else 0
    return svg(
        "leaderboard",
        theme=theme,
        height=y + 34 * bool(names.more) + 16,
        title=title,
        subtitle=shortened(content.subtitle, 12, INNER),
        band=band,
        gauge=gauge,
        head=head,
        heading=content.heading,
        column=words("chart-per-day"),
        rows=[_row(row, rows_at + _ROW * at, content, low, words) for at, row in enumerate(names.rows)],
        bar=_BAR,
        zero=52 + _position(0, low, content.scale.high),
        scale={"y": rows_at + _ROW * len(names.rows) + 12, "text": _scale_text(content.scale, low, words)},
        notes=notes,
        notes_at=notes_at,
        apart=[_apart(row, words) for row in names.apart],
        apart_at=apart_at,
        apart_heading=words("chart-apart"),
        more=words("chart-more", count=names.more) if names.more else "",
    )


def _gauge(content: BoardContent, words: Labels) -> dict[str, Any]:
    """Draw the department's discipline and the break-even on a bar from 0 to 100 %."""
    left, width = _GAUGE
    share = content.scale.break_even
    mark = left + width * float(share) / 100 if share else None
    caption = words("chart-break-even-percent", percent=percent(share, words))
    half = text_width(caption, 11) / 2
    anchor = "end" if mark is not None and mark + half > left + width else "middle"
    return {
        "label": words("chart-team-discipline"),
        "text": percent(content.discipline, words),
        "left": left,
        "width": width,
        "filled": width * float(content.discipline or 0) / 100,
        "mark": mark,
        "caption": caption,
        "anchor": anchor,
    }


def _position(value: float, low: float, high: float) -> float:
    """Locate a value on the bar of a row."""
    return _BAR * (value - low) / max(high - low, 1)


def _row(row: Standing, y: float, content: BoardContent, low: int, words: Labels) -> dict[str, Any]:
    exact = row.totals.per_day
    high, zero = content.scale.high, _position(0, low, content.scale.high)
    end = min(max(_position(float(exact), low, high), 0), _BAR)
    shown = number(hundredths(exact), words)
    points = _points(row, words)
    if row.today is not None:
        day = format_skeleton("E", content.day, locale=words.language)
        points += f" · {day} {signed(row.today, words)}"
    return {
        "y": y,
        "place": str(row.place),
        "medal": medal(row) is not None,
        "name": shortened(_name(row, words), 13.5, WIDTH - MARGIN - 52 - 12 - text_width(shown, 15, bold=True)),
        "pace": shown,
        "length": end - zero,
        "points": points,
    }


def _apart(row: Standing, words: Labels) -> dict[str, str]:
    points = _points(row, words)
    days = words("chart-days", days=row.totals.scored_days)
    width = INNER - 12 - text_width(f"{points} · {days}", 11.5)
    return {"name": shortened(_name(row, words), 12.5, width), "points": f"{points} · {days}"}


def _points(row: Standing, words: Labels) -> str:
    return words("chart-row-points", points=row.totals.points, shown=number(row.totals.points, words))


def _name(row: Standing, words: Labels) -> str:
    """Return the name, or the CRM id where the font has no letter of the name."""
    shown = readable(row.totals.name)
    return shown if any(map(str.isalnum, shown)) else words("chart-unnamed", id=row.totals.crm_user)


def _scale_text(scale: Scale, low: int, words: Labels) -> str:
    return words("chart-scale", low=number(low, words), high=signed(scale.high, words))
