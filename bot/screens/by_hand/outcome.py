"""Show what an act by hand did, or why it was refused."""

from __future__ import annotations

from datetime import date

from bot.screens import lines
from bot.screens.by_hand.told import booked_later
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.entries import Entry, EntryKind
from scoring.scorecard import Outcome
from storage.ledger.refusals import PointsRefused
from storage.values import PointsAct

SHOWN = 12
"""People of an act whose points are shown one by one."""


def refused_view(t: Texts, refused: PointsRefused) -> View:
    """Say why an act was refused."""
    return View(t(f"points-refused-{refused.problem.value}", detail=_readable(t, refused.detail)))


def _readable(t: Texts, detail: str) -> str:
    try:
        return t.full_day(date.fromisoformat(detail))
    except ValueError:
        return safe(detail)


def done_view(t: Texts, act: PointsAct) -> View:
    """Show the points of each person that an act changed, and what waits for an owner."""
    if not act.entries and act.is_known:
        return View(t("points-known"))
    names = {row.crm_user: row.name for row in act.entries}
    text = [t("points-done")] if act.entries else []
    text += [f"   • {_changed(t, act, user, name)}" for user, name in list(names.items())[:SHOWN]]
    if len(names) > SHOWN:
        text.append(f"   {t('and-more', n=len(names) - SHOWN)}")
    if act.entries and (later := booked_later(t, act.entries[0])):
        text.append(later)
    if act.own_left:
        text.append(t("points-own-left"))
    return View("\n".join(text))


def _changed(t: Texts, act: PointsAct, user: str, name: str) -> str:
    rows = [row for row in act.entries if row.crm_user == user]
    points = t.points(sum(row.points for row in rows), signed=True)
    return t("points-changed", name=safe(name), day=t.day(rows[0].day), what=_what(t, rows), points=points)


def _what(t: Texts, rows: list[Entry]) -> str:
    """Name the rules that were changed, and to what; of an adjustment nothing."""
    last = rows[-1]
    if last.kind is EntryKind.ADJUSTMENT:
        return ""
    outcome = Outcome.EXCUSED if last.outcome is None else last.outcome
    return f", {lines.kpi_names(t, dict.fromkeys(row.kpi for row in rows))} – {t(f'judged-{outcome.value}')}"
