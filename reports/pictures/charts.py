"""The pictures: leaderboard and trend, as PNG for a phone. Import it only when one is needed: it loads matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from babel.dates import format_skeleton
from babel.numbers import format_decimal

from reports.labels import Labels, labels
from reports.pictures.canvas import (
    BAD,
    BRONZE,
    FAINT,
    GOLD,
    GOOD,
    INK,
    PANEL,
    PAPER,
    SILVER,
    SOFT,
    Canvas,
    readable,
    text_width,
    wrapped,
)
from reports.pictures.trend import DayState, TrendDay
from scoring.standings import Leaderboard, Standing

MOST_ROWS = 20
"""People in one picture; the text beside it has everybody."""
MOST_APART = 5
MARGIN = 48
_MEDALS = {1: GOLD, 2: SILVER, 3: BRONZE}
_TITLE = 46
_ROW, _SMALL_ROW = 104, 68
_BAR = (132, 650)
"""Left and right end of the bars."""


def leaderboard_png(
    board: Leaderboard, *, title: str, language: str, full: bool, subtitle: str = "", footer: str = ""
) -> bytes:
    """The board. Not `full`: the top three places and the team's discipline % alone, nobody below."""
    words = labels(language)
    ranked = board.rows if full else board.top()
    apart = board.apart if full else ()
    rows, few = ranked[:MOST_ROWS], apart[:MOST_APART]
    hidden = len(ranked) + len(apart) - len(rows) - len(few)
    head = wrapped(title, _TITLE, 1080 - 2 * MARGIN, 2, bold=True)
    height = 40 + 60 * len(head) + 44 * bool(subtitle) + 150
    height += 44 + _ROW * len(rows) if rows else 130
    height += (70 + _SMALL_ROW * len(few)) * bool(few) + 64 * bool(hidden) + (50 if footer else 0) + 30
    canvas = Canvas(height)
    y = _head(canvas, head, subtitle)
    y = _team(canvas, y, board.discipline, words)
    y = _ranked(canvas, y, rows, words) if rows else _nobody(canvas, y, words)
    y = _apart(canvas, y, few, words) if few else y
    if hidden:
        canvas.text((canvas.width / 2, y + 32), words("chart-more", count=hidden), 30, color=SOFT, align="center")
    if footer:
        canvas.text((canvas.width / 2, height - 46), footer, 24, color=SOFT, align="center", fit=canvas.width - 96)
    return canvas.png()


def trend_png(series: Sequence[TrendDay], *, title: str, language: str, subtitle: str = "", footer: str = "") -> bytes:
    """Points and discipline % day by day, of a team or of one person."""
    words = labels(language)
    head = wrapped(title, _TITLE, 1080 - 2 * MARGIN, 2, bold=True)
    top = 40 + 60 * len(head) + 44 * bool(subtitle)
    scored = any(day.state is DayState.SCORED for day in series)
    height = top + (1000 if scored else 170) + (50 if footer else 0)
    canvas = Canvas(height)
    y = _head(canvas, head, subtitle)
    if scored:
        _points(canvas, y, series, words)
        _discipline(canvas, y + 530, series, words)
        _legend(canvas, y + 946, series, words)
    else:
        _nobody(canvas, y, words)
    if footer:
        canvas.text((canvas.width / 2, height - 46), footer, 24, color=SOFT, align="center", fit=canvas.width - 96)
    return canvas.png()


def signed(points: int) -> str:
    """`+3`, `0`, `−2`, with a real minus sign."""
    return f"+{points}" if points > 0 else f"−{-points}" if points < 0 else "0"


def percent(value: Decimal | None, words: Labels) -> str:
    """`68,4 %`, or a dash."""
    if value is None:
        return words("no-value")
    return words("chart-discipline", value=format_decimal(value, "0.0", locale=words.language))


def _head(canvas: Canvas, title: Sequence[str], subtitle: str) -> float:
    y = 40.0
    for text in title:
        canvas.text((MARGIN, y + 30), text, _TITLE, bold=True)
        y += 60
    if subtitle:
        canvas.text((MARGIN, y + 22), subtitle, 30, color=SOFT, fit=canvas.width - 2 * MARGIN)
        y += 44
    return y


def _team(canvas: Canvas, y: float, discipline: Decimal | None, words: Labels) -> float:
    """The team's discipline % in a band."""
    canvas.box((MARGIN, y + 20), (canvas.width - 2 * MARGIN, 100), PANEL, round_by=18)
    canvas.text((MARGIN + 32, y + 70), words("chart-team-discipline"), 34, color=SOFT)
    canvas.text((canvas.width - MARGIN - 32, y + 70), percent(discipline, words), 54, bold=True, align="right")
    return y + 150


def _nobody(canvas: Canvas, y: float, words: Labels) -> float:
    canvas.text((canvas.width / 2, y + 60), words("chart-empty"), 34, color=SOFT, align="center")
    return y + 130


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
    """The name, or the CRM id where the font can show no letter of it."""
    shown = readable(row.totals.name)
    return shown if any(map(str.isalnum, shown)) else words("chart-unnamed", id=row.totals.crm_user)


def _place(canvas: Canvas, at: tuple[float, float], place: int | None) -> None:
    medal = _MEDALS.get(place or 0)
    canvas.disc(at, 31, medal or PANEL)
    text = str(place) if place else "–"
    canvas.text(at, text, 30 if len(text) < 3 else 24, bold=bool(medal), align="center")


def _bar(canvas: Canvas, at: tuple[float, float], length: float) -> None:
    """Blue to the right for plus, orange and hatched to the left for minus."""
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


# The trend


def _slots(canvas: Canvas, count: int) -> tuple[float, float]:
    """Left edge and width of a day's slot."""
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
    """Which days show their number: all, or where they do not fit, the best and the worst one."""
    known = {index: day.points for index, day in enumerate(series) if day.points is not None}
    return set(known) if every else {max(known, key=lambda at: known[at]), min(known, key=lambda at: known[at])}


def _label_size(texts: Sequence[str], slot: float) -> float:
    """The largest size at which every label fits its slot; 0 where it would be too small to read."""
    for size in (30, 26, 22):
        if all(text_width(text, size) <= slot - 2 for text in texts):
            return size
    return 0


def _day_label(canvas: Canvas, at: tuple[float, float], index: int, series: Sequence[TrendDay], slot: float) -> None:
    """Days of the month; as many as fit."""
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
    """The span of days, and what the marks mean if there are any."""
    span = [format_skeleton("MMMd", day.day, locale=words.language) for day in (series[0], series[-1])]
    canvas.text((MARGIN, y), " – ".join(dict.fromkeys(span)), 26, color=SOFT)
    x: float = canvas.width - MARGIN
    for state in (DayState.UNSCORED, DayState.EXCUSED):
        if any(day.state is state for day in series):
            x -= canvas.text((x, y), words(f"chart-{state}"), 26, color=SOFT, align="right") + 26
            _mark(canvas, (x, y), state, 9)
            x -= 40
