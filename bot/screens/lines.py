"""One rule on one day in words: what is fine in a few, what is broken with its evidence."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from bot.context import TeamContext
from bot.texts import Texts, safe
from scoring.kpis import CATALOGUE, KpiKind
from scoring.rules import Bound
from scoring.scorecard import Outcome, Scorecard, ScoreLine, is_money
from scoring.snapshot import Cause, Evidence, NotAvailable, Value
from scoring.standings import Leaderboard

SHOWN = 5
"""Items under a broken rule before "show all"."""
TITLE = 70
"""Characters of a title."""


def sign(line: ScoreLine) -> str:
    """✅ for what is kept, 🟡 for overdue tasks, 🔴 for everything else that is broken; the same in every message."""
    return "✅" if line.outcome is Outcome.KEPT else lamp(line.rule.kpi)


def lamp(key: str) -> str:
    """The sign of a KPI that is not as it should be."""
    return "🟡" if key == "overdue_tasks" else "🔴"


def kpi_name(t: Texts, key: str) -> str:
    """The KPI's name."""
    return t(f"kpi-{key}")


def kpi_names(t: Texts, keys: Iterable[str]) -> str:
    """Several of them in a sentence."""
    return ", ".join(kpi_name(t, key).lower() for key in keys)


def value(t: Texts, line: ScoreLine) -> str:
    """What was counted, with its currency where it is money."""
    if line.value is None:
        return "–"
    return t.money(line.value, line.rule.currency or "") if is_money(line.rule) else t.number(line.value)


def bound(t: Texts, line: ScoreLine) -> str:
    """What the rule asked for that day."""
    limit = line.rule.limit if line.bound is None else line.bound
    return t.money(limit, line.rule.currency or "") if is_money(line.rule) else t.number(limit)


def head(t: Texts, line: ScoreLine) -> str:
    """The rule in numbers: what was counted, what was asked for, what it is worth."""
    kind = "line-at-least-met" if line.outcome is Outcome.KEPT else "line-at-least"
    if line.rule.bound is Bound.AT_MOST:
        kind = "line-at-most-bound" if line.bound else "line-at-most"
    points = t.points(line.points, signed=True)
    values = {"kpi": kpi_name(t, line.rule.kpi), "value": value(t, line), "points": points}
    return f"{sign(line)} {t(kind, **values, **({} if kind == 'line-at-most' else {'bound': bound(t, line)}))}"


def broken(t: Texts, line: ScoreLine, team: TeamContext) -> list[str]:
    """A broken rule; where something must be none, the first of what there is."""
    if CATALOGUE[line.rule.kpi].kind is not KpiKind.STATE:
        return [head(t, line)]
    return [head(t, line), *items(t, line.rule.kpi, line.items, team, shown=SHOWN, new=line.new)]


def shown_of(line: ScoreLine) -> int:
    """How many items `broken` shows."""
    return min(len(line.items), SHOWN) if CATALOGUE[line.rule.kpi].kind is KpiKind.STATE else 0


def evidence(t: Texts, card: Scorecard, team: TeamContext) -> list[str]:
    """Every rule with everything that was counted for it, what is broken first; then what is observed."""
    ordered = sorted(card.lines, key=lambda line: line.outcome is not Outcome.BROKEN)
    result = []
    for line in ordered:
        if line.outcome.scored:
            result += [head(t, line), *items(t, line.rule.kpi, line.items, team, new=line.new)]
    counted = {line.rule.kpi for line in card.lines if line.outcome.scored}
    if "deals_won" in card.snapshot.readings:
        counted.add("won_amount")  # the same deals, each with its sum
    for key, reading in card.snapshot.readings.items():
        if key not in counted and isinstance(reading, Value) and reading.items:
            result += [f"ℹ️ {kpi_name(t, key)}: {len(reading.items)}", *items(t, key, reading.items, team)]
    return result


def items(
    t: Texts,
    kpi: str,
    counted: Sequence[Evidence],
    team: TeamContext,
    *,
    shown: int | None = None,
    new: frozenset[str] | None = None,
) -> list[str]:
    """Counted things as links, the new ones first, and how many there are beyond those shown."""
    ordered = sorted(counted, key=lambda item: item.key not in new) if new is not None else list(counted)
    cut = ordered if shown is None else ordered[:shown]
    result = [f"   • {link(t, item, team.crm_host)}{_when(t, kpi, item, team)}{_mark(t, item, new)}" for item in cut]
    if len(cut) < len(ordered):
        result.append(f"   {t('and-more', n=len(ordered) - len(cut))}")
    return result


def _when(t: Texts, kpi: str, item: Evidence, team: TeamContext) -> str:
    """The deadline of what is overdue, the time of what happened."""
    if item.since is None:
        return ""
    moment = t.moment(item.since, team.calendar.zone)
    if kpi == "overdue_tasks":
        return f" · {t('mark-due', moment=moment)}"
    return f" · {moment}" if CATALOGUE[kpi].kind is KpiKind.EVENT else ""


def _mark(t: Texts, item: Evidence, new: frozenset[str] | None) -> str:
    """New or carried over; nothing where there is no earlier snapshot to tell by."""
    if new is None:
        return ""
    return f" · {t('mark-new' if item.key in new else 'mark-carried')}"


def place(t: Texts, board: Leaderboard | None, crm_user: str) -> str:
    """A manager's place, to be put behind his points; nothing where there is no board."""
    own = board.of(crm_user) if board else None
    if board is None or own is None:
        return ""
    return t("day-apart") if own.place is None else t("day-place", place=own.place, total=len(board.rows))


def link(t: Texts, item: Evidence, host: str) -> str:
    """Title, sum and a link; no link to any host but the CRM's."""
    title = safe(shortened(item.title)) or item.key
    if item.amount is not None:
        title += f", {t.money(item.amount.amount, item.amount.currency)}"
    if not is_of(host, item.url):
        return title
    return f'{title} – <a href="{html.escape(item.url)}">{t("open")}</a>'


def shortened(text: str) -> str:
    """A title that leaves room for others: a page of evidence must stay one message."""
    return text if len(text) <= TITLE else f"{text[: TITLE - 1].rstrip()}…"


def is_of(host: str, url: str) -> bool:
    """Whether a link leads to the CRM that is configured."""
    parts = urlsplit(url)
    return bool(host) and parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def fine(t: Texts, lines: Sequence[ScoreLine]) -> str:
    """All kept rules in one line; empty without any."""
    words = []
    for line in lines:
        if line.outcome is Outcome.KEPT:
            key = line.rule.kpi
            none = line.value == 0 and t.has(f"none-{key}")
            words.append(t(f"none-{key}") if none else t(f"fine-{key}", value=value(t, line)))
    if not words:
        return ""
    sentence = " · ".join(words)
    return f"✅ {sentence[0].upper()}{sentence[1:]}"


def unscored(t: Texts, card: Scorecard) -> list[str]:
    """What was not read and why, what this CRM cannot tell, what is only observed."""
    result = []
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
    if unknown:
        result.append(f"⚪ {t('not-available-line', rules=kpi_names(t, unknown))}")
    return result


def observed(t: Texts, card: Scorecard) -> str:
    """Observed KPIs that no rule scores, in one line: deals won with their sum, deals lost, open deals."""
    ruled = {line.rule.kpi for line in card.lines}
    words = []
    for key, reading in card.snapshot.readings.items():
        if key in ruled or not isinstance(reading, Value) or not reading.number:
            continue
        shown = t.number(reading.number) if isinstance(reading.number, int) else t.sums(reading.number)
        words.append(t(f"fine-{key}", value=shown))
    return f"ℹ️ {' · '.join(words)}" if words else ""
