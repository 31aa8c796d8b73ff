"""Write what separates a manager from the next mark, in a line of a private message (docs/product.md §8)."""

from __future__ import annotations

from bot.texts import Texts
from scoring.entries import Month
from scoring.marks import NextMark


def next_mark_line(t: Texts, found: NextMark | None, month: Month) -> str:
    """Write `До чистого дня не хватило 1 правила`; empty without a mark left to reach."""
    if found is None:
        return ""
    return t(f"next-{found.kind.replace('_', '-')}", n=found.gap, month=t.month_name(month))
