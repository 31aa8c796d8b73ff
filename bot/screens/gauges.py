"""Write overdue tasks and deals without a task in one line."""

from __future__ import annotations

from bot.texts import Texts
from reports.summary.evidence import Now, OpenItems


def gauges(t: Texts, now: Now) -> str:
    """Write `🟡 просрочено 5 (390 000 ₽) · 🔴 без задачи 2 (1 010 000 ₽)`, a dash for KPIs that were not read."""
    return t("gauges", overdue=_gauge(t, now.overdue), taskless=_gauge(t, now.without_task))


def _gauge(t: Texts, found: OpenItems) -> str:
    if not found.read:
        return "–"
    sums = f" ({t.sums(found.amounts)})" if found.amounts else ""
    return f"{t.number(len(found.items))}{sums}"
