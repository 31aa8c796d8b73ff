"""Write lost deals in one line: number, sum, and the reasons with the most deals first (docs/product.md §8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.context import TeamContext
from bot.screens import lines
from bot.texts import Texts, safe, shortened
from reports.summary.evidence import PricedDeals, add_up
from scoring.names import alphabetical
from scoring.snapshot import Evidence

REASONS = 4
"""Reasons named in the line; further ones are counted."""
LONGEST = 40
"""Characters of a reason."""


def losses(t: Texts, team: TeamContext, lost: Sequence[Evidence]) -> list[str]:
    """Write `Проиграно: 3 сделки, 1,2 млн ₽ – Дорого ×2, без причины ×1`; nothing without a loss."""
    if not lost:
        return []
    sums = add_up({item.amount.currency: item.amount.amount} for item in lost if item.amount)
    deals = lines.deals_and_sums(t, team, PricedDeals(len(lost), sums))
    return [" – ".join(filter(None, [t("summary-lost", deals=deals), _reasons(t, lost)]))]


def reason(t: Texts, item: Evidence) -> str:
    """Write the reason of a loss, or that none is given; empty for a day of which no reasons are stored."""
    if item.loss_reason is None:
        return ""
    return safe(shortened(item.loss_reason, LONGEST)) or t("lost-no-reason")


def _reasons(t: Texts, lost: Sequence[Evidence]) -> str:
    """Write the reasons with the most deals first; of a CRM that names none, that there are none."""
    known = [item for item in lost if item.loss_reason is not None]
    if not any(item.loss_reason for item in known):
        return t("lost-no-reasons") if known else ""
    counts = Counter(reason(t, item) for item in known)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], alphabetical(pair[0])))
    told = [f"{name} ×{t.number(times)}" for name, times in ordered[:REASONS]]
    rest = sum(times for _, times in ordered[REASONS:])
    return ", ".join([*told, *([t("lost-other-reasons", n=rest)] if rest else [])])
