"""Show `/today`: a manager's scorecard as at the cutoff if nothing changes (docs/product.md §8, §19)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from bot.context import LiveReading, TeamContext
from bot.screens import lines
from bot.screens.evidence import not_scored
from bot.screens.evidence.day_text import evidence_page, fold_buttons, short_lines
from bot.screens.view import Button, Rows, View
from bot.telegram.callbacks import OpenReminder, RefreshToday, ShowRules
from bot.texts import Texts, capitalized
from scoring.scorecard import Outcome, Scorecard


def today_view(
    t: Texts,
    team: TeamContext,
    card: Scorecard,
    reading: LiveReading,
    now: datetime,
    *,
    page: int = 0,
    reminder: date | None = None,
) -> View:
    """Show the scorecard with the age of the reading; from page 1 on the whole evidence.

    `reminder` is the day of the reminder that the view replaced, for the way back.
    """
    at = team.calendar.cutoff_of(reading.day)
    cutoff = t.clock(at, team.calendar.zone)
    text = [f"<b>{capitalized(t('today-head', weekday=t.weekday(reading.day), clock=cutoff))}</b>"]
    minutes = max(0, int((now - reading.read_at) / timedelta(minutes=1)))
    text.append(t("today-age", clock=t.clock(reading.read_at, team.calendar.zone), n=minutes))
    text += [_sum(t, card), *lines.notes(t, card)]
    whole = evidence_page(t, card, team, at, page)
    text += (
        short_lines(t, team, card, at) if whole is None else [*whole.shown, *not_scored.unscored(t, card, exact=True)]
    )

    def to(number: int) -> str:
        return RefreshToday(team=team.key, page=number, reminder=reminder).pack()

    refresh = () if whole else (Button(t("today-refresh"), to(0)),)
    rules = Button(t("rules-button"), ShowRules(team=team.key).pack())
    buttons = fold_buttons(t, card, whole, to, *refresh, rules)
    return View("\n".join(line for line in text if line), buttons, protected=True).with_rows(
        back_to_reminder(t, team.key, reminder)
    )


def refresh_rows(t: Texts, key: str, reminder: date | None = None) -> Rows:
    """Make the buttons of a message without a reading: read again, back to the reminder."""
    again = Button(t("today-refresh"), RefreshToday(team=key, page=0, reminder=reminder).pack())
    return ((again,), *back_to_reminder(t, key, reminder))


def back_to_reminder(t: Texts, key: str, day: date | None) -> Rows:
    """Make the row that leads back to the reminder of a day."""
    return ((Button(t("back-reminder"), OpenReminder(team=key, day=day).pack()),),) if day else ()


def _sum(t: Texts, card: Scorecard) -> str:
    kept, broken = card.count(Outcome.KEPT), card.count(Outcome.BROKEN)
    if not kept + broken:
        return not_scored.without_points(t, card)
    rules = t("of-rules", kept=kept, total=kept + broken)
    return f"<b>{t('today-sum', points=t.points(card.points, signed=True), rules=rules)}</b>"
