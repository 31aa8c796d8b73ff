"""Write what separates a manager from the next mark, in a line of a private message (docs/product.md §8)."""

from __future__ import annotations

from datetime import date

from bot.texts import Texts
from scoring.entries import Month
from scoring.marks import MarkKind, NextMark


def next_mark_line(t: Texts, found: NextMark | None, month: Month, day: date | None = None) -> str:
    """Write `До чистого дня не хватило 1 правила`; empty without a mark left to reach.

    `day` is named where the lines around are not about that day.
    """
    if found is None:
        return ""
    if found.kind is MarkKind.CLEAN_DAY and day is not None:
        return t("next-clean-day-of", day=t.day(day), n=found.gap)
    return t(f"next-{found.kind.replace('_', '-')}", n=found.gap, month=t.month_name(month))
