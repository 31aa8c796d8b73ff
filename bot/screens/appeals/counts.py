"""Count appeals in words: what waits for the head, and which rules are appealed with success."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from bot.screens import lines
from bot.texts import Texts
from storage.values import Appeal, AppealState


def waiting_line(t: Texts, waiting: Sequence[Appeal], today: date | None) -> list[str]:
    """Tell how many appeals wait for a decision, and for how long the oldest has."""
    if not waiting or today is None:
        return []
    days = max(0, (today - min(appeal.filed_at for appeal in waiting).date()).days)
    return [t("appeals-waiting", n=len(waiting), days=days)]


def rules_lines(t: Texts, found: Sequence[Appeal], most: int | None = None) -> list[str]:
    """Tell how many appeals of a period were granted, rule by rule: one often granted is a bad rule."""
    counted = [appeal for appeal in found if appeal.state is not AppealState.WITHDRAWN]
    if not counted:
        return []
    every, granted = Counter(appeal.kpi for appeal in counted), _granted(counted)
    waiting = sum(appeal.state is AppealState.FILED for appeal in counted)
    text = [t("appeals-period", all=len(counted), granted=granted.total(), waiting=waiting)]
    return text + [
        f"   • {t('appeals-rule', kpi=lines.kpi_name(t, kpi), granted=granted[kpi], all=number)}"
        for kpi, number in every.most_common(most)
    ]


def _granted(found: Sequence[Appeal]) -> Counter[str]:
    return Counter(appeal.kpi for appeal in found if appeal.state.is_granted)
