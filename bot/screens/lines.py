"""Write rules of one day: a few words for kept rules, evidence with links for broken rules."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from bot.context import TeamContext
from bot.screens.evidence.folding import FOLDED, Folding
from bot.screens.evidence.mending import Mending, title_of
from bot.texts import Texts, capitalized, safe
from reports.summary.evidence import PricedDeals
from scoring.kpis import DEALS_WITHOUT_TASK, DEALS_WON, OVERDUE_TASKS, WON_AMOUNT
from scoring.rules import Bound
from scoring.scorecard import Outcome, Scorecard, ScoreLine, is_money
from scoring.snapshot import Cause, Evidence, NotAvailable, Value
from scoring.standings import Leaderboard
from scoring.terms.circumstances import Excuse

BROKEN = "✖️"
"""Sign of whatever is broken and is neither a deal without a task nor an overdue task."""
LAMPS = {DEALS_WITHOUT_TASK: "🔴", OVERDUE_TASKS: "🟡"}
"""Red and yellow mean these two, and nothing else (docs/product.md §1)."""
SHOWN = 5
"""Items under a broken rule in the shortened message."""


def sign(line: ScoreLine) -> str:
    """Return ✅ for a kept rule, else the sign of the KPI whose rule is broken."""
    return "✅" if line.outcome is Outcome.KEPT else lamp(line.rule.kpi)


def lamp(key: str) -> str:
    """Return the sign of a KPI whose rule is broken: 🔴 for deals without a task, 🟡 for overdue tasks, else ✖️."""
    return LAMPS.get(key, BROKEN)


def kpi_name(t: Texts, key: str) -> str:
    """Return the name of a KPI."""
    return t(f"kpi-{key}")


def kpi_names(t: Texts, keys: Iterable[str]) -> str:
    """Return the names of several KPIs, for the middle of a sentence."""
    return ", ".join(kpi_name(t, key).lower() for key in keys)


def value(t: Texts, line: ScoreLine) -> str:
    """Write the counted value, money rounded and with the currency."""
    return "–" if line.value is None else _number(t, line, line.value)


def bound(t: Texts, line: ScoreLine) -> str:
    """Write the bound of the rule on that day."""
    return _number(t, line, line.rule.limit if line.bound is None else line.bound)


def _number(t: Texts, line: ScoreLine, number: int | Decimal) -> str:
    """Write a number of a rule; money exactly where rounding would make value and bound look alike."""
    if not is_money(line.rule):
        return t.number(number)
    currency = line.rule.currency or ""
    limit = Decimal(line.rule.limit if line.bound is None else line.bound)
    counted = limit if line.value is None else Decimal(line.value)
    alike = counted != limit and t.rounded(counted, currency) == t.rounded(limit, currency)
    return t.money(Decimal(number), currency) if alike else t.rounded(Decimal(number), currency)


def head(t: Texts, line: ScoreLine) -> str:
    """Write the rule in numbers: value, bound and points."""
    values = {"kpi": kpi_name(t, line.rule.kpi), "value": value(t, line), "points": t.points(line.points, signed=True)}
    if line.rule.bound is Bound.AT_MOST:
        kind, more = ("line-at-most-bound", {"bound": bound(t, line)}) if line.bound else ("line-at-most", {})
    elif line.outcome is Outcome.BROKEN:
        kind, more = "line-at-least", {"bound": bound(t, line), "lacking": _lacking(t, line)}
    else:
        kind, more = "line-at-least-met", {"bound": bound(t, line)}
    return f"{sign(line)} {t(kind, **values, **more)}"


def _lacking(t: Texts, line: ScoreLine) -> str:
    """Write how much more was needed to keep an `at_least` rule."""
    limit = Decimal(line.rule.limit if line.bound is None else line.bound)
    less = limit - Decimal(line.value or 0)
    return t.rounded(less, line.rule.currency or "") if is_money(line.rule) else t.number(less)


def broken(t: Texts, line: ScoreLine, team: TeamContext, at: datetime, folding: Folding | None = None) -> list[str]:
    """Write a broken rule; where too much is there (`at_most`) with the first items, as at the cutoff `at`."""
    if line.rule.bound is Bound.AT_LEAST:
        return [head(t, line)]
    return [head(t, line), *items(t, line.rule.kpi, line.items, team, at, folding=folding or Folding(), new=line.new)]


def shown_of(line: ScoreLine) -> int:
    """Count the items that `broken` shows unfolded."""
    return min(len(line.items), SHOWN) if line.rule.bound is Bound.AT_MOST else 0


def evidence(t: Texts, card: Scorecard, team: TeamContext, at: datetime) -> list[str]:
    """Write every scored rule with all items, broken rules first; then observed KPIs."""
    ordered = sorted(card.lines, key=lambda line: line.outcome is not Outcome.BROKEN)
    result = []
    for line in ordered:
        if line.outcome.scored:
            result += [head(t, line), *items(t, line.rule.kpi, line.items, team, at, new=line.new)]
    counted = {line.rule.kpi for line in card.lines if line.outcome.scored}
    if DEALS_WON in card.snapshot.readings:
        counted.add(WON_AMOUNT)  # the same deals, each with its sum
    for key, reading in card.snapshot.readings.items():
        if key not in counted and isinstance(reading, Value) and reading.items:
            result += [f"ℹ️ {kpi_name(t, key)}: {len(reading.items)}", *items(t, key, reading.items, team, at)]
    return result


def items(
    t: Texts,
    kpi: str,
    counted: Sequence[Evidence],
    team: TeamContext,
    at: datetime,
    *,
    folding: Folding | None = None,
    new: frozenset[str] | None = None,
) -> list[str]:
    """Write items as links, the dearest first, without sums new items first, and count the items that are not shown.

    What to mend is told as at the cutoff `at`. Spared items come last. Sums are exact in a whole list, and rounded in
    a list with `folding`, which shows the first items, folds the next and cuts the rest.
    """
    ordered = sorted(
        counted, key=lambda item: (bool(item.spared), *price(item, team), new is not None and item.key not in new)
    )
    mending, exact = Mending(t, team, at), folding is None
    written = [
        joined(link(t, kpi, item, team.crm_host, exact=exact), mending.note(kpi, item), _mark(t, item, new))
        for item in (ordered if folding is None else ordered[:FOLDED])
    ]
    if folding is None:
        return written
    result = [*written[:SHOWN], *folding.fold(written[SHOWN:])]
    if len(result) < len(ordered):
        result.append(f"   {t('and-more', n=len(ordered) - len(result))}")
    return result


def items_of_many(
    t: Texts, kpi: str, owners: Iterable[tuple[str, Sequence[Evidence]]], team: TeamContext, at: datetime
) -> list[str]:
    """Write the items of several people as links with the names of the people, the dearest first."""
    mending = Mending(t, team, at)
    found = [(item, name) for name, counted in owners for item in counted]
    found.sort(key=lambda pair: (bool(pair[0].spared), *price(pair[0], team)))
    return [f"{lamp(kpi)} {kpi_name(t, kpi)}: {t.number(len(found))}"] * bool(found) + [
        joined(link(t, kpi, item, team.crm_host), mending.note(kpi, item), _mark(t, item, None), safe(name))
        for item, name in found
    ]


def joined(*parts: str) -> str:
    """Write an item in a line of its own, without the parts that say nothing."""
    return f"   • {' · '.join(filter(None, parts))}"


def price(item: Evidence, team: TeamContext) -> tuple[bool, str, Decimal]:
    """Return a key that sorts the dearest deal first: the team's currency before others, nothing is converted."""
    if item.amount is None:
        return (True, "", Decimal(0))
    currency = item.amount.currency
    return (False, "" if currency == team.currency else currency, -item.amount.amount)


def _mark(t: Texts, item: Evidence, new: frozenset[str] | None) -> str:
    """Mark an item as not counted, late, new or carried over; neither of the last two without an earlier snapshot."""
    if item.spared:
        return t(f"mark-spared-{item.spared}")
    if item.late:
        return t("mark-late")
    if new is None:
        return ""
    return t("mark-new" if item.key in new else "mark-carried")


def deals_and_sums(t: Texts, team: TeamContext, found: PricedDeals) -> str:
    """Write `5 сделок, 3,1 млн ₽`."""
    return ", ".join(filter(None, [t("deals", n=found.deals), t.sums(found.amounts, team.currency)]))


def place(t: Texts, board: Leaderboard | None, crm_user: str) -> str:
    """Write a manager's place, to follow the points; empty without a board."""
    own = board.of(crm_user) if board else None
    if board is None or own is None:
        return ""
    return t("day-apart") if own.place is None else t("day-place", place=own.place, total=len(board.rows))


def link(t: Texts, kpi: str, item: Evidence, host: str, *, exact: bool = True) -> str:
    """Write title, sum and link; links to other hosts than the CRM's are left out."""
    title = title_of(t, kpi, item)
    if item.amount is not None:
        write = t.money if exact else t.rounded
        title += f", {write(item.amount.amount, item.amount.currency)}"
    if not is_of(host, item.url):
        return title
    return f'{title} – <a href="{html.escape(item.url)}">{t("open")}</a>'


def is_of(host: str, url: str) -> bool:
    """Return whether a link leads to the configured CRM."""
    parts = urlsplit(url)
    return bool(host) and parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def fine(t: Texts, lines: Sequence[ScoreLine]) -> str:
    """Write all kept rules in one line; empty without any."""
    words = []
    for line in lines:
        if line.outcome is Outcome.KEPT:
            key = line.rule.kpi
            none = line.value == 0 and t.has(f"none-{key}")
            words.append(t(f"none-{key}") if none else t(f"fine-{key}", value=value(t, line)))
    if not words:
        return ""
    return f"✅ {capitalized(' · '.join(words))}"


def unscored(t: Texts, card: Scorecard) -> list[str]:
    """Write excused rules, rules without data and the cause, observed rules, and KPIs that this CRM does not state.

    A KPI that only lacks a setting says which: nobody named the fields that are required.
    """
    result = _excused(t, card)
    by_cause: dict[Cause | None, list[str]] = {}
    for line in card.lines:
        if line.outcome is Outcome.NO_DATA:
            by_cause.setdefault(line.cause, []).append(line.rule.kpi)
    for cause, keys in by_cause.items():
        why = t(f"no-data-{(cause or Cause.INCOMPLETE).value}")
        result.append(f"⚪ {t('no-data-line', rules=kpi_names(t, keys))} ({why})")
    observed = [line for line in card.lines if line.outcome is Outcome.NOT_APPLICABLE and line.value is not None]
    if observed:
        words = ", ".join(f"{kpi_names(t, [line.rule.kpi])} {value(t, line)}" for line in observed)
        result.append(f"⚪ {t('not-applicable-line', rules=words)}")
    unknown = [
        line.rule.kpi for line in card.lines if isinstance(card.snapshot.readings.get(line.rule.kpi), NotAvailable)
    ]
    unset = [key for key in unknown if t.has(f"unset-{key}")]
    result += [f"⚪ {t('unset-line', rules=kpi_names(t, [key]), why=t(f'unset-{key}'))}" for key in unset]
    if unavailable := [key for key in unknown if key not in unset]:
        result.append(f"⚪ {t('not-available-line', rules=kpi_names(t, unavailable))}")
    return result


def without_points(t: Texts, card: Scorecard) -> str:
    """Write why a day without a rule kept or broken makes no points."""
    if card.excuse is not None:
        return t(f"day-sum-{card.excuse.value}")
    if not card.lines:
        return t("day-sum-unruled")
    return t("day-sum-unscored" if card.count(Outcome.NO_DATA) else "day-sum-observed")


def _excused(t: Texts, card: Scorecard) -> list[str]:
    """Write what was counted on a day that is not scored, and the rules excused on a day that is, with the reason."""
    if card.excuse is Excuse.ABSENT:
        return []
    if card.excuse is not None:
        done = [f"{kpi_name(t, line.rule.kpi).lower()} {value(t, line)}" for line in card.lines if line.value]
        return [f"⚪ {t('not-applicable-line', rules=', '.join(done))}"] if done else []
    by_reason: dict[Excuse, list[str]] = {}
    for line in card.lines:
        if line.excuse is not None:
            by_reason.setdefault(line.excuse, []).append(line.rule.kpi)
    return [
        f"⚪ {t('excused-line', rules=kpi_names(t, keys), why=t(f'excused-{reason.value}'))}"
        for reason, keys in by_reason.items()
    ]


def observed(t: Texts, team: TeamContext, card: Scorecard) -> str:
    """Write the KPIs without a rule in one line: deals won with their sum, deals lost, open deals."""
    ruled = {line.rule.kpi for line in card.lines}
    words = []
    for key, reading in card.snapshot.readings.items():
        if key in ruled or not isinstance(reading, Value) or not reading.number:
            continue
        shown = t.number(reading.number) if isinstance(reading.number, int) else t.sums(reading.number, team.currency)
        words.append(t(f"fine-{key}", value=shown))
    return f"ℹ️ {' · '.join(words)}" if words else ""
