"""Draw the parts that leaderboard and trend share. Loads matplotlib: import only to make a picture."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from babel.numbers import format_decimal

from reports.labels import Labels
from reports.pictures.canvas import SOFT, Canvas

MARGIN = 48
TITLE_SIZE = 46


def signed(points: int) -> str:
    """Write points with a sign: `+3`, `0`, `−2` (a real minus sign)."""
    return f"+{points}" if points > 0 else f"−{-points}" if points < 0 else "0"


def percent(value: Decimal | None, words: Labels) -> str:
    """Write a percentage: `68,4 %`, or a dash."""
    if value is None:
        return words("no-value")
    return words("chart-discipline", value=format_decimal(value, "0.0", locale=words.language))


def draw_head(canvas: Canvas, title: Sequence[str], subtitle: str) -> float:
    """Draw title and subtitle; return the height below."""
    y = 40.0
    for text in title:
        canvas.text((MARGIN, y + 30), text, TITLE_SIZE, bold=True)
        y += 60
    if subtitle:
        canvas.text((MARGIN, y + 22), subtitle, 30, color=SOFT, fit=canvas.width - 2 * MARGIN)
        y += 44
    return y


def draw_nobody(canvas: Canvas, y: float, words: Labels) -> float:
    """Draw the sentence of an empty picture; return the height below."""
    canvas.text((canvas.width / 2, y + 60), words("chart-empty"), 34, color=SOFT, align="center")
    return y + 130


def draw_footer(canvas: Canvas, footer: str) -> None:
    """Draw the footer at the lower edge, if any."""
    if footer:
        at = (canvas.width / 2, canvas.height - 46)
        canvas.text(at, footer, 24, color=SOFT, align="center", fit=canvas.width - 96)
