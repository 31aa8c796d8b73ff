"""Draw the leaderboard as PNG for a phone. Loads matplotlib: import only to make a picture."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.labels import Labels, labels
from reports.pictures.canvas import (
    BAD,
    BRONZE,
    FAINT,
    GOLD,
    GOOD,
    INK,
    PANEL,
    SILVER,
    SOFT,
    Canvas,
    readable,
    wrapped,
)
from reports.pictures.chart_parts import MARGIN, TITLE_SIZE, draw_footer, draw_head, draw_nobody, percent, signed
from scoring.board import named
from scoring.standings import Leaderboard, Standing

_MEDALS = {1: GOLD, 2: SILVER, 3: BRONZE}
_ROW, _SMALL_ROW = 104, 68
_BAR = (132, 650)
"""Left and right end of the bars."""


def leaderboard_png(
    board: Leaderboard, *, title: str, language: str, full: bool, subtitle: str = "", footer: str = ""
) -> bytes:
    """Draw the leaderboard. Without `full`: the few best and the team's discipline % alone."""
    words = labels(language)
    names = named(board, full=full)
    rows, few, hidden = names.rows, names.apart, names.more
    head = wrapped(title, TITLE_SIZE, 1080 - 2 * MARGIN, 2, bold=True)
    height = 40 + 60 * len(head) + 44 * bool(subtitle) + 150
    height += 44 + _ROW * len(rows) if rows else 130
    height += (70 + _SMALL_ROW * len(few)) * bool(few) + 64 * bool(hidden) + (50 if footer else 0) + 30
    canvas = Canvas(height)
    y = draw_head(canvas, head, subtitle)
    y = _team(canvas, y, board.discipline, words)
    y = _ranked(canvas, y, rows, words) if rows else draw_nobody(canvas, y, words)
    y = _apart(canvas, y, few, words) if few else y
    if hidden:
        canvas.text((canvas.width / 2, y + 32), words("chart-more", count=hidden), 30, color=SOFT, align="center")
    draw_footer(canvas, footer)
    return canvas.png()


def _team(canvas: Canvas, y: float, discipline: Decimal | None, words: Labels) -> float:
    """Draw the team's discipline % in a band."""
    canvas.box((MARGIN, y + 20), (canvas.width - 2 * MARGIN, 100), PANEL, round_by=18)
    canvas.text((MARGIN + 32, y + 70), words("chart-team-discipline"), 34, color=SOFT)
    canvas.text((canvas.width - MARGIN - 32, y + 70), percent(discipline, words), 54, bold=True, align="right")
    return y + 150


def _ranked(canvas: Canvas, y: float, rows: Sequence[Standing], words: Labels) -> float:
    with_today = any(row.today is not None for row in rows)
    columns = (canvas.width - MARGIN - 190 * with_today, canvas.width - MARGIN)
    canvas.text((columns[0], y + 18), words("chart-points"), 26, color=SOFT, align="right")
    if with_today:
        canvas.text((columns[1], y + 18), words("chart-today"), 26, color=SOFT, align="right")
    y += 44
    low = min(0, *(row.totals.points for row in rows))
    high = max(0, *(row.totals.points for row in rows))
    scale = (_BAR[1] - _BAR[0]) / max(high - low, 1)
    zero = _BAR[0] - low * scale
    for index, row in enumerate(rows):
        top = y + index * _ROW
        if index:
            canvas.line([(MARGIN, top), (canvas.width - MARGIN, top)], FAINT, 1.5)
        _place(canvas, (MARGIN + 30, top + _ROW / 2), row.place)
        canvas.text((_BAR[0], top + 34), _name(row, words), 34, fit=_BAR[1] - _BAR[0] + 40)
        canvas.box((_BAR[0], top + 66), (_BAR[1] - _BAR[0], 20), PANEL)
        _bar(canvas, (zero, top + 66), row.totals.points * scale)
        canvas.line([(zero, top + 60), (zero, top + 92)], INK, 2)
        canvas.text((columns[0], top + 36), signed(row.totals.points), 44, bold=True, align="right")
        canvas.text((columns[0], top + 78), percent(row.totals.discipline, words), 26, color=SOFT, align="right")
        if with_today:
            _today(canvas, (columns[1], top + 36), row.today, words)
    return y + len(rows) * _ROW


def _name(row: Standing, words: Labels) -> str:
    """Return the name, or the CRM id where the font has no letter of the name."""
    shown = readable(row.totals.name)
    return shown if any(map(str.isalnum, shown)) else words("chart-unnamed", id=row.totals.crm_user)


def _place(canvas: Canvas, at: tuple[float, float], place: int | None) -> None:
    medal = _MEDALS.get(place or 0)
    canvas.disc(at, 31, medal or PANEL)
    text = str(place) if place else "–"
    canvas.text(at, text, 30 if len(text) < 3 else 24, bold=bool(medal), align="center")


def _bar(canvas: Canvas, at: tuple[float, float], length: float) -> None:
    """Draw plus in blue to the right, minus in hatched orange to the left."""
    x, y = at
    if length >= 1:
        canvas.box((x, y), (length, 20), GOOD, round_by=min(6, length / 2))
    elif length <= -1:
        canvas.box((x + length, y), (-length, 20), BAD, hatch="////")


def _today(canvas: Canvas, at: tuple[float, float], points: int | None, words: Labels) -> None:
    if points is None:
        canvas.text(at, words("no-value"), 34, color=SOFT, align="right")
        return
    width = canvas.text(at, signed(points), 34, align="right")
    symbol = (at[0] - width - 28, at[1])
    if points:
        canvas.triangle(symbol, 12, GOOD if points > 0 else BAD, up=points > 0)
    else:
        canvas.disc(symbol, 8, SOFT)


def _apart(canvas: Canvas, y: float, rows: Sequence[Standing], words: Labels) -> float:
    canvas.text((MARGIN, y + 42), words("chart-apart"), 28, bold=True, color=SOFT)
    y += 70
    for row in rows:
        canvas.text((_BAR[0], y + _SMALL_ROW / 2), _name(row, words), 30, color=SOFT, fit=560)
        _place(canvas, (MARGIN + 30, y + _SMALL_ROW / 2), None)
        right = (canvas.width - MARGIN, y + _SMALL_ROW / 2)
        canvas.text(right, signed(row.totals.points), 34, color=SOFT, align="right")
        y += _SMALL_ROW
    return y
