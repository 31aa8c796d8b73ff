"""How a percentage changed: an arrow and percentage points."""

from __future__ import annotations

from decimal import Decimal

from bot.texts import Texts


def arrow(t: Texts, points: Decimal | None) -> str:
    """`▲ +5`, `▼ −2,5`, `= 0`; a dash for nothing to compare with."""
    if points is None:
        return "–"
    sign = "▲" if points > 0 else "▼" if points < 0 else "="
    return f"{sign} {t.signed(points.normalize() + 0)}"


def beside(t: Texts, points: Decimal | None) -> str:
    """In brackets behind the percentage, with its unit; nothing where there is nothing to compare with."""
    return "" if points is None else f" ({t('points-of-percent', change=arrow(t, points))})"
