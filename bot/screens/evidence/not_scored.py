"""Say which rules of a day were not scored, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.screens import lines
from bot.screens.evidence.rule_numbers import value
from bot.texts import Texts
from scoring.names import alphabetical
from scoring.scorecard import Outcome, Scorecard, ScoreLine
from scoring.snapshot import Cause, NotAvailable
from scoring.terms.circumstances import Excuse


def unscored(t: Texts, card: Scorecard, *, exact: bool = False) -> list[str]:
    """Write excused rules, rules without data and the cause, observed rules, and KPIs that this CRM does not state.

    A KPI that only lacks a setting says which: nobody named the fields that are required.
    """
    result = _excused(t, card, exact=exact)
    result += [
        f"⚪ {t('no-data-line', rules=lines.kpi_names(t, keys), why=t(f'no-data-{cause.value}'))}"
        for cause, keys in unread(card.lines).items()
    ]
    observed = [line for line in card.lines if line.outcome is Outcome.NOT_APPLICABLE and line.value is not None]
    if observed:
        words = ", ".join(
            f"{lines.kpi_name(t, line.rule.kpi).lower()} {value(t, line, exact=exact)}" for line in observed
        )
        result.append(f"ℹ️ {t('observed-rules', rules=words)}")
    unknown = [
        line.rule.kpi for line in card.lines if isinstance(card.snapshot.readings.get(line.rule.kpi), NotAvailable)
    ]
    unset = [key for key in unknown if t.has(f"unset-{key}")]
    result += [f"⚪ {t('unset-line', rules=lines.kpi_names(t, [key]), why=t(f'unset-{key}'))}" for key in unset]
    if unavailable := [key for key in unknown if key not in unset]:
        result.append(f"⚪ {t('not-available-line', rules=lines.kpi_names(t, unavailable))}")
    return result


def without_points(t: Texts, card: Scorecard) -> str:
    """Write why a manager's day without a rule kept or broken makes no points."""
    if card.excuse is not None:
        return t(f"day-sum-{card.excuse.value}")
    return t("day-sum-unscored", why=why_unscored(t, card.lines)) if card.lines else t("day-sum-unruled")


def _excused(t: Texts, card: Scorecard, *, exact: bool) -> list[str]:
    """Write what was counted on a day that is not scored, and the rules excused on a day that is, with the reason."""
    if card.excuse is Excuse.ABSENT:
        return []
    if card.excuse is not None:
        done = [
            f"{lines.kpi_name(t, line.rule.kpi).lower()} {value(t, line, exact=exact)}"
            for line in card.lines
            if line.value
        ]
        return [f"ℹ️ {t('not-applicable-line', rules=', '.join(done))}"] if done else []
    by_reason: dict[Excuse, list[str]] = {}
    for line in card.lines:
        if line.excuse is not None:
            by_reason.setdefault(line.excuse, []).append(line.rule.kpi)
    return [
        f"{lines.ABSENT} {t('excused-line', rules=lines.kpi_names(t, keys), why=t(f'excused-{reason.value}'))}"
        for reason, keys in by_reason.items()
    ]


def unread(judged: Iterable[ScoreLine]) -> dict[Cause, set[str]]:
    """Group the KPIs of rules without data by cause, in the order of the rules."""
    by_cause: dict[Cause, set[str]] = {}
    for line in judged:
        if line.outcome is Outcome.NO_DATA:
            by_cause.setdefault(line.cause or Cause.INCOMPLETE, set()).add(line.rule.kpi)
    return by_cause


def by_causes(t: Texts, by_cause: Mapping[Cause, Iterable[str]]) -> str:
    """Write KPIs that were not read, by cause: `звонки (CRM не отдала данные полностью); встречи (…)`."""
    told = [
        t("no-data-missing", kpis=lines.kpi_names(t, keys), reason=t(f"no-data-{cause.value}"))
        for cause, keys in by_cause.items()
    ]
    return "; ".join(sorted(told, key=alphabetical))


def why_unscored(t: Texts, judged: Iterable[ScoreLine]) -> str:
    """Write why no rule was kept or broken: not read, else in observation, not available in the CRM, or both."""
    every = [line for line in judged if line.outcome is not Outcome.EXCUSED]
    causes = {line.cause for line in every if line.outcome is Outcome.NO_DATA}
    if causes:
        return t("unscored-unanswered" if causes == {Cause.UNANSWERED} else "unscored-unread")
    reasons = {"observed" if line.rule.observed_only or line.value is not None else "unavailable" for line in every}
    if not reasons:
        return t("unscored-no-rules")
    return t("unscored-mixed") if len(reasons) > 1 else t(f"unscored-{reasons.pop()}")
