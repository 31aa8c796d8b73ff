"""Draw the trend as PNG for a phone. Loads matplotlib: import only to make a picture."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from babel.dates import format_skeleton

from reports.labels import Labels, labels
from reports.pictures.canvas import BAD, FAINT, GOOD, PAPER, SOFT, Canvas, text_width, wrapped
from reports.pictures.chart_parts import MARGIN, TITLE_SIZE, draw_footer, draw_head, draw_nobody, percent, signed
from reports.pictures.trend import DayState, TrendDay


def trend_png(series: Sequence[TrendDay], *, title: str, language: str, subtitle: str = "", footer: str = "") -> bytes:
    """Draw points and discipline % day by day, of a team or of one manager."""
    words = labels(language)
    head = wrapped(title, TITLE_SIZE, 1080 - 2 * MARGIN, 2, bold=True)
    top = 40 + 60 * len(head) + 44 * bool(subtitle)
    scored = any(day.state is DayState.SCORED for day in series)
    height = top + (1000 if scored else 170) + (50 if footer else 0)
    canvas = Canvas(height)
    y = draw_head(canvas, head, subtitle)
    if scored:
        _points(canvas, y, series, words)
        _discipline(canvas, y + 530, series, words)
        _legend(canvas, y + 946, series, words)
    else:
        draw_nobody(canvas, y, words)
    draw_footer(canvas, footer)
    return canvas.png()


def _slots(canvas: Canvas, count: int) -> tuple[float, float]:
    """Return the left edge of the days and the width of a day's slot."""
    left = MARGIN + 70
    return left, (canvas.width - MARGIN - left) / count


def _points(canvas: Canvas, y: float, series: Sequence[TrendDay], words: Labels) -> None:
    canvas.text((MARGIN, y + 40), words("chart-day-points"), 32, bold=True)
    values = [day.points for day in series if day.points is not None]
    low, high = min(0, *values), max(0, *values)
    top, bottom = y + 120, y + 420
    scale = (bottom - top) / max(high - low, 1)
    zero = top + high * scale
    left, slot = _slots(canvas, len(series))
    canvas.text((left - 16, zero), "0", 26, color=SOFT, align="right")
    canvas.line([(left, zero), (canvas.width - MARGIN, zero)], SOFT, 1.5)
    size = _label_size([signed(value) for value in values], slot)
    labelled = _labelled(series, every=bool(size))
    for index, day in enumerate(series):
        middle = left + (index + 0.5) * slot
        _day_label(canvas, (middle, y + 478), index, series, slot)
        if day.points is None:
            _mark(canvas, (middle, zero), day.state, min(9, slot / 4))
            continue
        length = abs(day.points) * scale
        width = min(slot * 0.68, 64)
        if day.points > 0:
            canvas.box((middle - width / 2, zero - length), (width, length), GOOD, round_by=min(5, length / 2))
        elif day.points < 0:
            canvas.box((middle - width / 2, zero), (width, length), BAD, hatch="////")
        if index in labelled:
            away = length + 20 if day.points else 20
            canvas.text(
                (middle, zero + away if day.points < 0 else zero - away), signed(day.points), size or 26, align="center"
            )


def _labelled(series: Sequence[TrendDay], *, every: bool) -> set[int]:
    """Choose days that show a number: all, or only the best and the worst day where space is short."""
    known = {index: day.points for index, day in enumerate(series) if day.points is not None}
    return set(known) if every else {max(known, key=lambda at: known[at]), min(known, key=lambda at: known[at])}


def _label_size(texts: Sequence[str], slot: float) -> float:
    """Find the largest size at which each label fits a slot; 0 where labels would be too small to read."""
    for size in (30, 26, 22):
        if all(text_width(text, size) <= slot - 2 for text in texts):
            return size
    return 0


def _day_label(canvas: Canvas, at: tuple[float, float], index: int, series: Sequence[TrendDay], slot: float) -> None:
    """Draw as many days of the month as fit."""
    step = max(1, round(36 / slot + 0.49))
    if index % step == 0:
        canvas.text(at, str(series[index].day.day), 26 if slot >= 40 else 24, color=SOFT, align="center")


def _mark(canvas: Canvas, at: tuple[float, float], state: DayState, radius: float) -> None:
    if state is DayState.EXCUSED:
        canvas.ring(at, radius, SOFT)
    else:
        canvas.cross(at, radius * 0.8, SOFT)


def _discipline(canvas: Canvas, y: float, series: Sequence[TrendDay], words: Labels) -> None:
    canvas.text((MARGIN, y + 40), words("chart-day-discipline"), 32, bold=True)
    left, slot = _slots(canvas, len(series))
    top, height = y + 110, 210

    def level(value: Decimal) -> float:
        return top + height * (1 - float(value) / 100)

    for mark in (0, 50, 100):
        canvas.text((left - 16, level(Decimal(mark))), str(mark), 26, color=SOFT, align="right")
        canvas.line([(left, level(Decimal(mark))), (canvas.width - MARGIN, level(Decimal(mark)))], FAINT, 1.5)
    known = [
        (index, (left + (index + 0.5) * slot, level(day.discipline)), day.discipline)
        for index, day in enumerate(series)
        if day.discipline is not None
    ]
    for (index, at, _), (following, there, _) in pairwise(known):
        gap = following > index + 1
        canvas.line([at, there], SOFT if gap else GOOD, 2 if gap else 5, dashed=gap)
    for index, at, _ in known:
        canvas.disc(at, 9, GOOD)
        canvas.disc(at, 5, PAPER if index != known[-1][0] else GOOD)
    for index, _ in enumerate(series):
        _day_label(canvas, (left + (index + 0.5) * slot, top + height + 42), index, series, slot)
    newest, _, value = known[-1]
    day = format_skeleton("MMMMd", series[newest].day, locale=words.language)
    x = canvas.width - MARGIN
    x -= int(canvas.text((x, y + 40), percent(value, words), 36, bold=True, align="right")) + 16
    canvas.text((x, y + 41), day, 26, color=SOFT, align="right")


def _legend(canvas: Canvas, y: float, series: Sequence[TrendDay], words: Labels) -> None:
    """Draw the span of days and the meaning of the marks in use."""
    span = [format_skeleton("MMMd", day.day, locale=words.language) for day in (series[0], series[-1])]
    canvas.text((MARGIN, y), " – ".join(dict.fromkeys(span)), 26, color=SOFT)
    x: float = canvas.width - MARGIN
    for state in (DayState.UNSCORED, DayState.EXCUSED):
        if any(day.state is state for day in series):
            x -= canvas.text((x, y), words(f"chart-{state}"), 26, color=SOFT, align="right") + 26
            _mark(canvas, (x, y), state, 9)
            x -= 40
