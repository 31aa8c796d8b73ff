"""Write the numbers of a rule on a day: value, bound, what is lacking; money with the currency."""

from __future__ import annotations

from decimal import Decimal

from bot.texts import Texts
from scoring.rules import Bound
from scoring.scorecard import ScoreLine, is_money


def value(t: Texts, line: ScoreLine, *, exact: bool = False) -> str:
    """Write the counted value; money rounded unless `exact`."""
    return "–" if line.value is None else _number(t, line, line.value, exact=exact)


def bound(t: Texts, line: ScoreLine, *, exact: bool = False) -> str:
    """Write the bound of the rule on that day."""
    return _number(t, line, _limit(line), exact=exact)


def lacking(t: Texts, line: ScoreLine, *, exact: bool = False) -> str:
    """Write how much more was needed to keep an `at_least` rule."""
    less = _limit(line) - Decimal(line.value or 0)
    if not is_money(line.rule):
        return t.number(less)
    return (t.money if exact else t.rounded)(less, line.rule.currency or "")


def short(t: Texts, kpi: str, line: ScoreLine) -> str:
    """Write KPI name, value and bound in a few words: `звонки 8 из 10`; a bound of 0 goes without saying."""
    told = {"kpi": kpi, "value": value(t, line)}
    if line.rule.bound is Bound.AT_LEAST:
        return t("short-at-least", **told, bound=bound(t, line))
    return t("short-at-most-bound", **told, bound=bound(t, line)) if line.bound else t("short-at-most", **told)


def _limit(line: ScoreLine) -> Decimal:
    return Decimal(line.rule.limit if line.bound is None else line.bound)


def _number(t: Texts, line: ScoreLine, number: Decimal, *, exact: bool) -> str:
    """Write a number of a rule; money exactly also where rounding would make value and bound look alike."""
    if not is_money(line.rule):
        return t.number(number)
    currency, limit = line.rule.currency or "", _limit(line)
    counted = limit if line.value is None else Decimal(line.value)
    alike = counted != limit and t.rounded(counted, currency) == t.rounded(limit, currency)
    return t.money(number, currency) if exact or alike else t.rounded(number, currency)
