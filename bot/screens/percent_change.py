"""Write changes of a percentage: an arrow and percentage points, with the scored days of both sides."""

from __future__ import annotations

from decimal import Decimal

from bot.texts import Texts


def in_points(t: Texts, points: Decimal) -> str:
    """Write `▲ 5 п. п.`, `▼ 2,5 п. п.` or `без изменений`."""
    if not points:
        return t("no-change")
    sign = "▲" if points > 0 else "▼"
    return t("points-of-percent", change=f"{sign} {t.number(abs(points).normalize() + 0)}")


def beside(t: Texts, points: Decimal | None, days: tuple[int, int] | None = None) -> str:
    """Write the change in brackets with the unit, and the scored `days` of now and before.

    Without a change that can be told (None) there is no arrow; without a scored day before there is nothing.
    """
    parts = [] if points is None else [in_points(t, points)]
    if days is not None and days[1]:
        parts.append(t("days-compared", now=days[0], before=days[1]))
    return f" ({'; '.join(parts)})" if parts else ""
