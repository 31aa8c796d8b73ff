"""Draw a trend for a phone: points day by day on a fixed scale, and under these why, rule by rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Any

from reports.labels import Labels, labels
from reports.pictures.drawing import INNER, MARGIN, WIDTH, png, svg, title_lines
from reports.pictures.font import shortened, text_width
from reports.pictures.numbers import number, percent, signed
from reports.pictures.theme import ThemeName
from reports.pictures.trend import DayState, Mark, RuleStrip, Trend, TrendDay, discipline_of
from scoring.kpis import DEALS_WITHOUT_TASK, OVERDUE_TASKS
from scoring.standings import hundredths

_LEFT, _CHART, _STRIP = 46, 140, 38
"""Left edge of the days, height of the chart, height of a strip with its title."""
_WIDEST = 60
"""Widest slot of a day."""
_TONES = {DEALS_WITHOUT_TASK: "red", OVERDUE_TASKS: "yellow"}


@dataclass(frozen=True, slots=True)
class TrendContent:
    """Hold what a picture of a trend shows."""

    title: str
    subtitle: str
    trend: Trend
    rules: Sequence[str]
    """Title of the rule of each strip."""
    of_team: bool


@dataclass(frozen=True, slots=True)
class _Plane:
    """Locate days from left to right and points from top to bottom."""

    slots: int
    top: float
    low: Fraction
    high: Fraction

    @property
    def slot(self) -> float:
        return min((WIDTH - MARGIN - _LEFT) / max(self.slots, 1), _WIDEST)

    def x(self, index: int) -> float:
        return round(_LEFT + (index + 0.5) * self.slot, 2)

    def y(self, points: Fraction | int) -> float:
        return round(self.top + _CHART * float((self.high - points) / max(self.high - self.low, Fraction(1))), 2)


@dataclass(frozen=True, slots=True)
class _Box:
    """Hold the corners of a place in the picture."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        """Tell whether both places share a spot."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)


def trend_png(content: TrendContent, language: str, theme: ThemeName = "light") -> bytes:
    """Draw the trend of a team or of one manager."""
    return png(trend_svg(content, language, theme))


def trend_svg(content: TrendContent, language: str, theme: ThemeName = "light") -> str:
    """Fill the template of the trend; heights follow from the number of rules."""
    words, data = labels(language), content.trend
    title = title_lines(content.title)
    figures = _figures(content, 40 + 24 * len(title) + 18 * bool(content.subtitle), words)
    scored = any(day.state is DayState.SCORED for day in data.days)
    top = figures["y"] + 66
    plane = _Plane(len(data.days) + len(data.coming), top, *data.reach)
    strips_at = top + _CHART + 58
    legend = list(_legend(content, strips_at + _STRIP * len(data.strips) + 6, words))
    return svg(
        "trend",
        theme=theme,
        height=legend[-1]["y"] + 16 if scored else figures["y"] + 90,
        title=title,
        subtitle=shortened(content.subtitle, 12, INNER),
        figures=figures,
        empty="" if scored else words("chart-empty"),
        chart=_chart(content, plane, words),
        strips=[_strip(content, at, plane, strips_at + _STRIP * at, words) for at in range(len(data.strips))],
        legend=legend,
    )


def _figures(content: TrendContent, y: float, words: Labels) -> dict[str, Any]:
    """Write discipline % of the period beside the period before, and on how many scored days each rests."""
    label = words("chart-team-discipline" if content.of_team else "chart-own-discipline")
    days, like = content.trend.days, content.trend.like_before
    scored, before = words("chart-scored-days", days=words("chart-days", days=_scored(days))), discipline_of(like)
    if before is not None:
        said = words("chart-before", percent=percent(before, words))
        scored += f" · {said} ({words('chart-days', days=_scored(like))})"
    now = percent(discipline_of(days), words)
    return {"y": y, "label": label, "indent": text_width(label, 13) + 10, "percent": now, "scored": scored}


def _scored(days: Iterable[TrendDay]) -> int:
    return sum(day.state is DayState.SCORED for day in days)


def _chart(content: TrendContent, plane: _Plane, words: Labels) -> dict[str, Any]:
    data, before = content.trend, content.trend.before[: plane.slots]
    scored = [(index, day.mean) for index, day in enumerate(data.days) if day.mean is not None]
    ordered = groupby(enumerate(scored), key=lambda item: item[1][0] - item[0])
    runs = [[(plane.x(index), plane.y(mean)) for _, (index, mean) in run] for _, run in ordered]
    newest = _newest(*scored[-1], runs[-1], plane, words) if scored else None
    return {
        "heading": words("chart-day-points-team" if content.of_team else "chart-day-points"),
        "top": plane.top,
        "bottom": plane.top + _CHART,
        "left": _LEFT,
        "levels": _levels(plane, list(_taken(runs, newest)), words),
        "before": [(plane.x(index), plane.y(day.mean)) for index, day in enumerate(before) if day.mean is not None],
        "runs": runs,
        "points": [{"x": plane.x(index), "y": plane.y(mean), "minus": mean < 0} for index, mean in scored],
        "newest": newest,
        "dates": _dates([*(day.day for day in data.days), *data.coming], plane),
    }


def _levels(plane: _Plane, taken: Sequence[_Box], words: Labels) -> list[dict[str, Any]]:
    """Draw a line for all rules kept, for the break-even at 0, and for all rules broken.

    The words of a line stand left or right, the break-even's below or above, wherever the days leave room.
    """
    found = [
        ("chart-all-kept", plane.high, [-4]),
        ("chart-break-even", Fraction(0), [13, -4]),
        ("chart-all-broken", plane.low, [12]),
    ]
    return [
        {
            "y": plane.y(value),
            "value": signed(hundredths(value), words),
            "words": words(text),
            "spot": _spot(words(text), [plane.y(value) + down for down in downs], taken),
            "zero": value == 0,
        }
        for text, value, downs in found
        if value != 0 or text == "chart-break-even"
    ]


def _spot(text: str, heights: Iterable[float], taken: Sequence[_Box]) -> dict[str, Any]:
    """Choose the first place for words in which nothing is drawn, the very first if there is none."""
    places = [
        (_text_box(text, 11, x, y, anchor), {"x": x, "y": y, "anchor": anchor})
        for y in heights
        for x, anchor in ((_LEFT + 2, "start"), (WIDTH - MARGIN, "end"))
    ]
    free = (place for box, place in places if not any(box.meets(other) for other in taken))
    return next(free, places[0][1])


def _taken(runs: Iterable[Sequence[tuple[float, float]]], newest: Mapping[str, Any] | None) -> Iterable[_Box]:
    """Yield where marks, lines between marks, and the newest points are drawn."""
    for run in runs:
        for (x, y), (to_x, to_y) in pairwise([*run, run[-1]]):
            yield _Box(x - 5, min(y, to_y) - 5, to_x + 5, max(y, to_y) + 5)
    if newest is not None:
        yield _text_box(newest["text"], 12.5, newest["x"], newest["y"], newest["anchor"])


def _text_box(text: str, size: float, x: float, y: float, anchor: str) -> _Box:
    width = text_width(text, size)
    left = x - width * {"start": 0, "middle": 0.5, "end": 1}[anchor]
    return _Box(left, y - size * 0.8, left + width, y + size * 0.25)


def _newest(
    index: int, mean: Fraction, run: Sequence[tuple[float, float]], plane: _Plane, words: Labels
) -> dict[str, Any]:
    """Write the points of the newest scored day right of its mark; at the edge on the side from which no line comes."""
    x, y, text = plane.x(index), plane.y(mean), signed(hundredths(mean), words)
    if x + 8 + text_width(text, 12.5, bold=True) <= WIDTH - MARGIN:
        return {"x": x + 8, "y": y + 4, "anchor": "start", "text": text}
    is_above = run[-2][1] >= y if len(run) > 1 else mean >= 0
    return {"x": x + 4, "y": y - 9 if is_above else y + 18, "anchor": "end", "text": text}


def _dates(days: Sequence[date], plane: _Plane) -> list[dict[str, Any]]:
    """Write as many days of the month as fit: all, else the first of each week."""
    if plane.slot >= 20:
        return [{"x": plane.x(index), "text": day.day} for index, day in enumerate(days)]
    first = [
        index
        for index, day in enumerate(days)
        if index == 0 or day.isocalendar()[:2] != days[index - 1].isocalendar()[:2]
    ]
    fitting, last = [], -1e9
    for index in first:
        if plane.x(index) - last >= 20:
            fitting.append({"x": plane.x(index), "text": days[index].day})
            last = plane.x(index)
    return fitting


def _strip(content: TrendContent, at: int, plane: _Plane, y: float, words: Labels) -> dict[str, Any]:
    strip: RuleStrip = content.trend.strips[at]
    judged = sum(mark in (Mark.KEPT, Mark.BROKEN) for mark in strip.marks)
    days = sum(mark is Mark.BROKEN for mark in strip.marks)
    total = words("chart-broken-times", n=days, total=words("chart-days-of", days=judged))
    gap = min(2, plane.slot * 0.15)
    return {
        "y": y,
        "title": shortened(content.rules[at], 12, INNER - 12 - text_width(total, 11)),
        "sum": total,
        "tone": _TONES.get(strip.kpi, "broken"),
        "cells": [
            {
                "mark": mark,
                "x": plane.x(index) - plane.slot / 2 + gap / 2,
                "w": plane.slot - gap,
                "text": _people(content, strip, index, plane),
            }
            for index, mark in enumerate(strip.marks)
            if mark is not None
        ],
    }


def _people(content: TrendContent, strip: RuleStrip, index: int, plane: _Plane) -> str:
    """Count who broke the rule, for a team and where the number fits into the cell."""
    text = str(strip.broken[index])
    fits = text_width(text, 11) <= plane.slot
    return text if content.of_team and strip.marks[index] is Mark.BROKEN and fits else ""


def _legend(content: TrendContent, y: float, words: Labels) -> Iterable[dict[str, Any]]:
    """Explain the lines and the marks in use, from left to right and line by line."""
    seen = {mark for strip in content.trend.strips for mark in strip.marks}
    items = [("line", "accent", "", words("chart-this"))]
    if any(day.mean is not None for day in content.trend.before):
        items.append(("line", "pale", "", words("chart-period-before")))
    for mark in Mark:
        if mark in seen:
            people = content.of_team and mark is Mark.BROKEN
            text = words("chart-broken-by") if people else words(f"chart-{mark}")
            items.append((mark, "", number(2, words) if people else "", text))
    x: float = MARGIN
    for kind, colour, sample, text in items:
        needed = 21 + text_width(text, 11)
        if x > MARGIN and x + needed > WIDTH - MARGIN:
            x, y = MARGIN, y + 19
        yield {"kind": kind, "colour": colour, "sample": sample, "text": text, "x": x, "y": y}
        x += needed + 14
