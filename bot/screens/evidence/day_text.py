"""Write one scorecard in a message: shortened or page by page, with the buttons that unfold and fold the evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.evidence import not_scored
from bot.screens.evidence.folding import Folding
from bot.screens.paging import TextPage
from bot.screens.view import Button, Rows, rows
from bot.texts import Texts
from scoring.scorecard import Outcome, Scorecard
from scoring.snapshot import Value

PAGE = 25
"""Items on a page of the whole evidence."""


def evidence_page(t: Texts, card: Scorecard, team: TeamContext, at: datetime, page: int) -> TextPage[str] | None:
    """Return a page of the whole evidence as at the cutoff `at`; None for page 0, the shortened message."""
    return TextPage.of(lines.evidence(t, card, team, at), page, PAGE) if page else None


def short_lines(
    t: Texts, team: TeamContext, card: Scorecard, at: datetime, corrections: Sequence[str] = ()
) -> list[str]:
    """Write broken rules with the first evidence, kept rules in one line, then rules that were not judged."""
    broken, folding = [line for line in card.lines if line.outcome is Outcome.BROKEN], Folding()
    text = [row for line in broken for row in lines.broken(t, line, team, at, folding)]
    judged = () if card.excuse is not None else card.lines
    rest = [line for line in judged if line.outcome is not Outcome.BROKEN]
    text += [row for line in rest for row in lines.aside(t, line, team, at, folding)]
    return [
        *text, *corrections, lines.fine(t, card.lines), *not_scored.unscored(t, card), lines.observed(t, team, card)
    ]  # fmt: skip


def fold_buttons(
    t: Texts, card: Scorecard, whole: TextPage[str] | None, to: Callable[[int], str], *others: Button
) -> Rows:
    """Make the buttons that unfold, turn and fold the evidence, beside the others."""
    if whole is not None:
        return rows(whole.turning(to), (Button(t("show-less"), to(0)), *others))
    return rows((Button(t("show-all"), to(1)), *others) if _has_more(card) else others)


def _has_more(card: Scorecard) -> bool:
    """Return whether any evidence is missing from the shortened message."""
    shown = sum(lines.shown_of(line) for line in card.lines if line.outcome is Outcome.BROKEN)
    every = {line.rule.kpi: len(line.items) for line in card.lines}
    every |= {key: len(value.items) for key, value in card.snapshot.readings.items() if isinstance(value, Value)}
    return sum(every.values()) > shown
