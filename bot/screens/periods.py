"""The week and the month of a team with their drill-down: people, rules, deals (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.context import TeamContext
from bot.screens import lines, percent_change
from bot.screens.digest import gauges, people_buttons
from bot.screens.paging import Page
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import Action, Part, pack
from bot.texts import Texts, safe
from reports.summary.evidence import Won
from reports.summary.summary import PersonLine, Summary
from scoring.entries import Month
from scoring.snapshot import Value

PEOPLE, LINES = 10, 25
"""People, and lines, on a page of a drill-down."""
NAMED = 3
"""People named behind what is told of them; the drill-down has all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a period is shown, and to whom."""

    part: Part = Part.ALL
    page: int = 1
    exports: bool = False
    """The reader may have the workbook."""
    since: date | None = None
    """The team's first scored day: there is nothing before its period."""
    until: date | None = None
    """Today: there is nothing after its period."""


def summary(t: Texts, team: TeamContext, data: Summary, shown: Shown) -> View:
    """One phone screen, or a page of one of its sides."""
    text = [f"<b>{_period(t, team, data)}</b>"]
    if shown.part is Part.ALL:
        text += _overview(t, data)
        return View("\n".join(line for line in text if line), _summary_buttons(t, team, data, shown))
    people: Rows = ()
    if shown.part is Part.PEOPLE:
        persons = Page.of(data.people, shown.page, PEOPLE)
        text += [_person_line(t, person) for person in persons.shown] or [t("summary-empty")]
        people = people_buttons(team.key, [(person.crm_user, person.name) for person in persons.shown])
        turning = persons.turning(lambda number: _to(team, data, shown.part, number))
    else:
        every = _rules(t, data) if shown.part is Part.RULES else _deals(t, team, data)
        page = Page.of(every, shown.page, LINES)
        text += page.shown
        turning = page.turning(lambda number: _to(team, data, shown.part, number))
    return View("\n".join(text), rows(*people, turning, (Button(t("summary-back"), _to(team, data)),)))


def _period(t: Texts, team: TeamContext, data: Summary) -> str:
    span = t.span(data.first, data.last)
    title = safe(team.title)
    if data.period.month is not None:
        return t("summary-month", title=title, month=t.month(data.period.month), span=span)
    return t("summary-week", title=title, week=data.period.week[1], span=span)


def _overview(t: Texts, data: Summary) -> list[str]:
    before = data.period.before
    workdays = t("workdays", n=data.workdays)
    if before.workdays and data.discipline_before is not None:
        span = t.span(before.workdays[0], before.workdays[-1])
        text = [t("summary-days", workdays=workdays, scored=data.scored_days, span=span)]
    else:
        text = [t("summary-days-first", workdays=workdays, scored=data.scored_days)]
    if not data.scored_days:
        return [*text, t("summary-empty"), *_state_now(t, data)]
    percent = t.percent(data.discipline)
    text.append(t("summary-discipline", percent=percent, change=percent_change.beside(t, data.change)))
    text += [_points(t, data), _won(t, data), *_people_of_note(t, data)]
    worst = data.worst_rule
    if worst is not None:
        who, times = _breakers(worst.breakers[:NAMED]), t("times", n=worst.broken)
        text.append(f"🔻 {t('summary-broken', kpi=lines.kpi_name(t, worst.kpi), times=times, who=who)}")
    return text + _state_now(t, data)


def _points(t: Texts, data: Summary) -> str:
    plus, minus = t.signed(data.plus), t.signed(-data.minus)
    text = t("summary-points", points=t.points(data.points, signed=True), plus=plus, minus=minus)
    if data.discipline_before is None:
        return text
    return f"{text}, {t('summary-before', what=t.signed(data.points_before))}"


def _won(t: Texts, data: Summary) -> str:
    if data.won is None:
        return t("summary-won-unavailable")
    text = t("summary-won", deals=_deals_and_sums(t, data.won))
    if data.won_before is None or data.discipline_before is None:
        return text
    return f"{text}; {t('summary-before', what=_deals_and_sums(t, data.won_before))}"


def _deals_and_sums(t: Texts, won: Won) -> str:
    """`5 сделок, 3 100 000 ₽`."""
    return f"{t('deals', n=won.deals)}, {t.sums(won.amounts)}" if won.amounts else t("deals", n=won.deals)


def _people_of_note(t: Texts, data: Summary) -> list[str]:
    text = []
    if data.improved:
        who = t.listed(safe(person.name) for person in data.improved[:NAMED])
        text.append(f"📈 {t('summary-improved', who=who, change=percent_change.beside(t, data.improved[0].change))}")
    if data.slides:
        text.append(f"📉 {t('summary-slides', who=t.listed(safe(person.name) for person in data.slides[:5]))}")
    return text


def _state_now(t: Texts, data: Summary) -> list[str]:
    return [] if data.now is None else [t("summary-now", day=t.day(data.now.day), gauges=gauges(t, data.now))]


def _person_line(t: Texts, person: PersonLine) -> str:
    line = t(
        "summary-person",
        name=safe(person.name),
        percent=t.percent(person.totals.discipline),
        change="" if person.change is None else f" ({percent_change.arrow(t, person.change)})",
        points=t.points(person.totals.points, signed=True),
    )
    won = f" · {_deals_and_sums(t, person.won)}" if person.won and person.won.deals else ""
    return f"• {line}{won}"


def _breakers(breakers: Sequence[tuple[str, str, int]]) -> str:
    """Who broke a rule, and how often if more than once: (CRM user, name, times)."""
    return ", ".join(safe(name) if times == 1 else f"{safe(name)} ×{times}" for _, name, times in breakers)


def _rules(t: Texts, data: Summary) -> list[str]:
    text = []
    for rule in data.rules:
        if rule.discipline is None:  # only observed, or nobody's to keep
            continue
        times = t("times", n=rule.broken)
        kpi = lines.kpi_name(t, rule.kpi)
        text.append(f"• {t('summary-rule', kpi=kpi, percent=t.percent(rule.discipline), times=times)}")
        if rule.breakers:
            text.append(f"   {_breakers(rule.breakers[:5])}")
    return text or [t("summary-empty")]


def _deals(t: Texts, team: TeamContext, data: Summary) -> list[str]:
    """Every taskless deal and overdue task as of the last run, by person, each a link into the CRM."""
    if data.now is None:
        return [t("summary-empty")]
    text: list[str] = []
    for snapshot in data.now.snapshots.values():
        for key, sign in (("deals_without_task", "🔴"), ("overdue_tasks", "🟡")):
            reading = snapshot.readings.get(key)
            if isinstance(reading, Value) and reading.items:
                head = f"{sign} {safe(snapshot.manager.name)} – {lines.kpi_name(t, key).lower()}"
                text.append(f"{head}: {len(reading.items)}")
                text += lines.items(t, key, reading.items, team)
    return text or [f"✅ {t('none-overdue_tasks')} · {t('none-deals_without_task')}"]


def _to(team: TeamContext, data: Summary, part: Part = Part.ALL, page: int = 1, day: date | None = None) -> str:
    action = Action.WEEK if data.period.month is None else Action.MONTH
    return pack(action, team.key, day or data.first, part, page)


def _summary_buttons(t: Texts, team: TeamContext, data: Summary, shown: Shown) -> Rows:
    sides = (
        Button(t("summary-people"), _to(team, data, Part.PEOPLE)),
        Button(t("summary-rules"), _to(team, data, Part.RULES)),
        Button(t("summary-deals"), _to(team, data, Part.DEALS)),
    )
    kind = "w" if data.period.month is None else "m"
    files = [Button(t("summary-picture"), pack(Action.PICTURE, team.key, kind, data.first))]
    if shown.exports:
        month = data.period.month or Month.of(data.first)
        files.append(Button(t("summary-workbook"), pack(Action.EXPORT, team.key, month, "xlsx")))
    return rows(sides, tuple(files), _other_periods(t, team, data, shown))


def _other_periods(t: Texts, team: TeamContext, data: Summary, shown: Shown) -> tuple[Button, ...]:
    """Earlier as long as anything was scored, later as long as it has begun."""
    buttons = []
    if shown.since is None or data.first > shown.since:
        buttons.append(Button(t("summary-prev"), _to(team, data, day=data.first - timedelta(days=1))))
    if shown.until is None or data.last < shown.until:
        buttons.append(Button(t("summary-next"), _to(team, data, day=data.last + timedelta(days=1))))
    return tuple(buttons)
