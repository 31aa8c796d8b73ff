"""Write changes of a percentage: an arrow and percentage points."""

from __future__ import annotations

from decimal import Decimal

from bot.texts import Texts


def arrow(t: Texts, points: Decimal | None) -> str:
    """Write `▲ +5`, `▼ −2,5` or `= 0`; a dash without an earlier value."""
    if points is None:
        return "–"
    sign = "▲" if points > 0 else "▼" if points < 0 else "="
    return f"{sign} {t.signed(points.normalize() + 0)}"


def beside(t: Texts, points: Decimal | None) -> str:
    """Write the change in brackets with the unit; empty without an earlier value."""
    return "" if points is None else f" ({t('points-of-percent', change=arrow(t, points))})"
