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
from bot.screens.evidence.rule_numbers import bound, lacking, value
from bot.texts import Texts, capitalized, safe
from reports.summary.evidence import PricedDeals
from scoring.kpis import DEALS_WITHOUT_TASK, DEALS_WON, OVERDUE_TASKS, WON_AMOUNT
from scoring.names import alphabetical
from scoring.rules import Bound
from scoring.scorecard import Outcome, Scorecard, ScoreLine
from scoring.snapshot import Evidence, Spared, Value
from scoring.standings import Leaderboard

BROKEN = "✖️"
"""Sign of whatever is broken and is neither a deal without a task nor an overdue task."""
ABSENT = "➖"
"""Sign of a day of absence; ⚪ is a day, or a rule, that was not scored."""
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
    """Return the names of several KPIs by the alphabet, for the middle of a sentence."""
    return ", ".join(sorted((kpi_name(t, key).lower() for key in keys), key=alphabetical))


def head(t: Texts, line: ScoreLine, *, exact: bool = False) -> str:
    """Write the rule in numbers: value, bound and points."""
    told = {"kpi": kpi_name(t, line.rule.kpi), "value": value(t, line, exact=exact)}
    told |= {"points": t.points(line.points, signed=True), "bound": bound(t, line, exact=exact)}
    if line.rule.bound is Bound.AT_MOST:
        text = t("line-at-most-bound" if line.bound else "line-at-most", **told)
    elif line.outcome is Outcome.BROKEN:
        text = t("line-at-least", **told, lacking=lacking(t, line, exact=exact))
    else:
        text = t("line-at-least-met", **told)
    return f"{sign(line)} {text}"


def broken(t: Texts, line: ScoreLine, team: TeamContext, at: datetime, folding: Folding | None = None) -> list[str]:
    """Write a broken rule; where too much is there (`at_most`) with the first items, as at the cutoff `at`."""
    if line.rule.bound is Bound.AT_LEAST:
        return [head(t, line)]
    folding = folding or Folding()
    return [head(t, line), *items(t, line.rule.kpi, line.marked_items, team, at, folding=folding, new=line.new)]


def aside(t: Texts, line: ScoreLine, team: TeamContext, at: datetime, folding: Folding) -> list[str]:
    """Write the records that do not count because of an absence or a launch, of a rule that is not broken."""
    shown = [item for item in line.marked_items if item.spared in (Spared.APPEARED, Spared.USED)]
    if not shown:
        return []
    told = t("aside-line", kpi=kpi_name(t, line.rule.kpi), n=len(shown))
    return [f"ℹ️ {told}", *items(t, line.rule.kpi, shown, team, at, folding=folding)]


def notes(t: Texts, card: Scorecard) -> list[str]:
    """Write what is special about a day of work: half a day, probation."""
    if card.excuse is not None:
        return []
    half = card.circumstances.half
    text = [] if half is None else [t(f"note-half-{half.value}")]
    return [*text, t("note-newcomer")] if card.newcomer else text


def shown_of(line: ScoreLine) -> int:
    """Count the items that `broken` shows unfolded."""
    return min(len(line.items), SHOWN) if line.rule.bound is Bound.AT_MOST else 0


def evidence(t: Texts, card: Scorecard, team: TeamContext, at: datetime) -> list[str]:
    """Write every scored rule with all items, broken rules first; then every other KPI, with all items.

    Observed rules without items are left to `unscored`, which has the numbers.
    """
    ordered = sorted(card.lines, key=lambda line: line.outcome is not Outcome.BROKEN)
    result = []
    for line in ordered:
        if line.outcome.scored:
            result += [head(t, line, exact=True), *items(t, line.rule.kpi, line.marked_items, team, at, new=line.new)]
    scored = {line.rule.kpi for line in card.lines if line.outcome.scored}
    ruled = {line.rule.kpi for line in card.lines}
    for key, reading in card.snapshot.readings.items():
        if key in scored or not isinstance(reading, Value):
            continue
        # Deals won are the same deals, each with the sum.
        found = () if key == WON_AMOUNT and DEALS_WON in card.snapshot.readings else reading.items
        if found or key not in ruled:
            result.append(f"ℹ️ {kpi_name(t, key)}: {_number(t, team, reading, exact=True)}")
            result += items(t, key, found, team, at)
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


def observed(t: Texts, team: TeamContext, card: Scorecard) -> str:
    """Write the KPIs without a rule in one line: deals won with their sum, deals lost, open deals."""
    ruled = {line.rule.kpi for line in card.lines}
    words = [
        t(f"fine-{key}", value=_number(t, team, reading))
        for key, reading in card.snapshot.readings.items()
        if key not in ruled and isinstance(reading, Value) and reading.number
    ]
    return f"ℹ️ {capitalized(' · '.join(words))}" if words else ""


def _number(t: Texts, team: TeamContext, reading: Value, *, exact: bool = False) -> str:
    """Write the value of a KPI; sums rounded, the team's currency first, or `exact` in all currencies."""
    if isinstance(reading.number, int):
        return t.number(reading.number)
    return (t.whole_sums if exact else t.sums)(reading.number, team.currency)
