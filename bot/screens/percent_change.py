"""Write changes of a percentage: an arrow and percentage points, with the scored days of both sides."""

from __future__ import annotations

from decimal import Decimal

from bot.texts import Texts


def arrow(t: Texts, points: Decimal) -> str:
    """Write `▲ +5`, `▼ −2,5` or `= 0`."""
    sign = "▲" if points > 0 else "▼" if points < 0 else "="
    return f"{sign} {t.signed(points.normalize() + 0)}"


def beside(t: Texts, points: Decimal | None, days: tuple[int, int] | None = None) -> str:
    """Write the change in brackets with the unit, and the scored `days` of now and before.

    Without a change that can be told (None) there is no arrow; without a scored day before there is nothing.
    """
    parts = [] if points is None else [t("points-of-percent", change=arrow(t, points))]
    if days is not None and days[1]:
        parts.append(t("days-compared", now=days[0], before=days[1]))
    return f" ({'; '.join(parts)})" if parts else ""
