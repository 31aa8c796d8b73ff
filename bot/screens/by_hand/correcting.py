"""Ask which rule of a manager's day to correct, to what and why (docs/product.md §13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.by_hand import reasons
from bot.screens.view import Button, View
from bot.telegram.buttons.by_hand import CorrectDay, CorrectReason, CorrectRule
from bot.telegram.callbacks import UnfoldEvening
from bot.texts import Texts, safe
from scoring.entries import Entry
from scoring.scorecard import Outcome
from storage.values import RuleOfDay

FOR_HEADS = (Outcome.KEPT, Outcome.EXCUSED)
FOR_OWNERS = (*FOR_HEADS, Outcome.BROKEN)


def day_view(t: Texts, team: TeamContext, user: str, name: str, day: date, rules: Sequence[RuleOfDay]) -> View:
    """Show a button for each judged rule of a day, with the present judgement."""
    buttons = tuple(
        (
            Button(
                f"{lines.kpi_name(t, each.kpi)}: {t(f'judged-{each.outcome.value}')}",
                CorrectRule(team=team.key, seq=each.seq).pack(),
            ),
        )
        for each in rules
        if each.is_judged
    )
    back = (Button(t("back"), UnfoldEvening(team=team.key, day=day, user=user, page=0).pack()),)
    key = "correct-which" if buttons else "correct-none"
    return View(t(key, name=safe(name), day=t.day(day)), (*buttons, back))


def rule_view(t: Texts, team: str, row: Entry, rule: RuleOfDay, *, is_owner: bool) -> View:
    """Ask to what a rule is corrected."""
    offered = [each for each in (FOR_OWNERS if is_owner else FOR_HEADS) if each is not rule.outcome]
    buttons = tuple(
        Button(t(f"correct-to-{each.value}"), CorrectReason(team=team, seq=rule.seq, outcome=each.value).pack())
        for each in offered
    )
    back = Button(t("back"), CorrectDay(team=team, day=row.day, user=row.crm_user).pack())
    text = t("correct-what", about=_about(t, row, rule), outcome=t(f"judged-{rule.outcome.value}"))
    return View(text, (buttons, (back,)))


def why_view(t: Texts, team: str, row: Entry, rule: RuleOfDay, outcome: Outcome) -> View:
    """Ask why."""

    def to(why: str) -> str:
        return CorrectReason(team=team, seq=rule.seq, outcome=outcome.value, why=why).pack()

    text = t("correct-why", about=_about(t, row, rule), outcome=t(f"judged-{outcome.value}"))
    back = (Button(t("back"), CorrectRule(team=team, seq=rule.seq).pack()),)
    return View(text, (*reasons.reason_rows(t, reasons.CORRECT, to), back))


def _about(t: Texts, row: Entry, rule: RuleOfDay) -> str:
    return f"{safe(row.name)}, {t.day(row.day)}, {lines.kpi_name(t, rule.kpi)}"
