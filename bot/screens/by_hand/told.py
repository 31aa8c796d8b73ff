"""Tell managers of points by hand, with reason and author, and ask owners about pardons of their authors."""

from __future__ import annotations

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.view import Button, View
from bot.telegram.buttons.by_hand import ConfirmPardon
from bot.texts import Texts, safe
from scoring.entries import Entry, Month
from scoring.scorecard import Outcome
from storage.messages.notices import CorrectionNotice, PardonedNotice, PardonQuestionNotice


def adjusted_view(t: Texts, row: Entry) -> View:
    """Show an adjustment to the person."""
    return View(_line(t, "points-adjusted", row))


def pardoned_view(t: Texts, notice: PardonedNotice, row: Entry) -> View:
    """Show a pardon to a member without broken rules."""
    return View(_pardon_line(t, notice.kpi, row))


def correction_line(t: Texts, notice: CorrectionNotice, row: Entry) -> str:
    """Write the line under an edited evening message: a pardon, or a correction of one rule."""
    if notice.pardoned is not None:
        return _pardon_line(t, notice.pardoned, row)
    outcome = Outcome.EXCUSED if row.outcome is None else row.outcome
    return _line(t, f"points-corrected-{outcome.value}", row)


def _pardon_line(t: Texts, kpi: str, row: Entry) -> str:
    return _line(t, "points-pardoned-rule" if kpi else "points-pardoned-day", row)


def _line(t: Texts, key: str, row: Entry) -> str:
    """Write an act by hand, and where its points are booked if not in the month of the day."""
    text = t(
        key,
        day=t.day(row.day),
        kpi=lines.kpi_name(t, row.kpi) if row.kpi else "",
        points=t.points(row.points, signed=True),
        reason=safe(row.reason),
        author=_author(t, row.author),
    )
    return f"{text} {booked_later(t, row)}".rstrip()


def booked_later(t: Texts, row: Entry) -> str:
    """Write in which month an entry counts, if not in the month of the day, which is locked; else nothing."""
    return "" if row.booked_in == Month.of(row.day) else t("points-booked", month=t.month_name(row.booked_in))


def pardon_question_view(t: Texts, team: TeamContext, notice: PardonQuestionNotice, number: int) -> View:
    """Ask an owner whether a pardon takes its author in; `number` is the id of the delivery."""
    text = t(
        "pardon-question",
        author=_author(t, notice.author),
        title=safe(team.title),
        day=t.day(notice.day),
        reason=safe(notice.reason),
        rules=t.number(notice.rules),
    )
    button = Button(t("pardon-question-button"), ConfirmPardon(team=team.key, notice=number).pack())
    return View(text, ((button,),))


def _author(t: Texts, author: str) -> str:
    """Name the author; a head of the settings, of whom no name is known, as head."""
    return t("points-author-head") if author.startswith("telegram:") else safe(author)
