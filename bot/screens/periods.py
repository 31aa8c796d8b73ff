"""Show the week and the month of a team, with pages of people, rules and deals (docs/product.md §8)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta

from bot.context import AppContext, TeamContext
from bot.screens import lines, percent_change
from bot.screens.finished_days import ledger_length
from bot.screens.losses import losses, reason
from bot.screens.paging import TextPage
from bot.screens.team import gauges, people_buttons, risk
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import MakeExport, OpenDigest, OpenPicture, Part, TurnMonth, TurnWeek
from bot.texts import Texts, safe
from reports.summary.evidence import WonDay, state_now
from reports.summary.stretches import Comparison, compare_months, compare_weeks, week_of
from reports.summary.summary import PeriodTotals, PersonLine, RuleLine, Summary, summarize
from scoring.entries import Month
from scoring.kpis import DEALS_LOST, DEALS_WITHOUT_TASK, OVERDUE_TASKS
from scoring.names import told_apart
from scoring.snapshot import Value
from storage.days import queries, runs
from storage.days.snapshots import stored_snapshots
from storage.db.database import Session
from storage.ledger import totals
from storage.people import people, teams
from storage.values import LostDeal, Run

PEOPLE, LINES = 10, 25
"""People, or lines, on a page."""
NAMED = 3
"""People named in a line of the overview; the page of people has all."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Choose the part of a period to show."""

    part: Part = Part.ALL
    page: int = 1
    exports: bool = False
    """The reader may have the workbook."""
    until: date | None = None
    """Today: later periods have not begun."""
    digest: date | None = None
    """Day of the digest that the view replaced, for the way back."""


@dataclass(frozen=True, slots=True)
class TeamPeriod:
    """Hold the summary of a team's week or month."""

    summary: Summary
    since: date | None
    """The team's first scored day: earlier periods are empty."""
    lost: tuple[LostDeal, ...] = ()
    """Deals lost in the period."""


async def load_period(session: Session, ctx: AppContext, key: str, day: date, *, monthly: bool) -> TeamPeriod:
    """Load the ISO week, or the calendar month, of a day."""
    since = (await teams.find(session, key)).scored_from
    summary = await load_summary(session, ctx, key, day, monthly=monthly)
    lost = await queries.lost(session, key, summary.period.now.first, summary.period.now.last)
    return TeamPeriod(summary, since, tuple(lost))


async def load_summary(session: Session, ctx: AppContext, key: str, day: date, *, monthly: bool) -> Summary:
    """Sum up the ISO week, or the calendar month, of a day; the result is shared until the ledger grows."""
    last = await runs.last_finished(session, key)

    async def make() -> Summary:
        return await _sum_up(session, ctx.teams[key], day, last, monthly=monthly)

    first = Month.of(day).first if monthly else week_of(day)[0]
    stretch = (key, monthly, first, last.day if last else None, await ledger_length(session, key))
    return await ctx.summaries.get(stretch, make)


async def _sum_up(session: Session, team: TeamContext, day: date, last: Run | None, *, monthly: bool) -> Summary:
    until = last.day if last else day
    calendar = team.calendar
    period = compare_months(calendar, Month.of(day), until) if monthly else compare_weeks(calendar, day, until)
    first, end = period.span
    sums = await _load_sums(session, team.key, period)
    members = [(member.crm_user, member.name) for member in await people.members(session, team.key)]
    figures = await queries.won(session, team.key, first, end)
    won = [WonDay(row.crm_user, row.day, row.deals, row.amounts) for row in figures]
    now = None
    if last is not None:
        now = state_now(last.day, [item.snapshot for item in await stored_snapshots(session, last.id)])
    return await asyncio.to_thread(summarize, period, sums, members, won=won or None, now=now)


async def _load_sums(session: Session, key: str, period: Comparison) -> PeriodTotals:
    """Add up the period and the like stretches before."""
    now, before, earlier = [
        await totals.totals_of_days(session, key, part.first, part.last)
        for part in (period.now, period.before, period.earlier)
    ]
    rules = await totals.rules_of_days(session, key, period.now.first, period.now.last)
    return PeriodTotals(now, before, earlier, rules)


def period_view(t: Texts, team: TeamContext, data: TeamPeriod, shown: Shown) -> View:
    """Show the overview on one phone screen, or a page of people, rules or deals."""
    summary = data.summary
    text = [f"<b>{_period(t, team, summary)}</b>"]
    if shown.part is Part.ALL:
        text += _overview(t, team, data)
        overview = "\n".join(line for line in text if line)
        return View(overview, _overview_buttons(t, team, data, shown), protected=True)
    buttons: Rows = ()
    if shown.part is Part.PEOPLE:
        persons = TextPage.of(summary.people, shown.page, PEOPLE)
        text += [_person_line(t, team, person) for person in persons.shown] or [t("summary-empty")]
        buttons = people_buttons(team.key, [(person.crm_user, person.name) for person in persons.shown])
        turning = persons.turning(lambda number: _to(team, summary, shown.part, number, digest=shown.digest))
    else:
        every = _rules(t, summary) if shown.part is Part.RULES else _deals(t, team, data)
        page = TextPage.of(every, shown.page, LINES)
        text += page.shown
        turning = page.turning(lambda number: _to(team, summary, shown.part, number, digest=shown.digest))
    turned = rows(*buttons, turning, (_back(t, team, summary, shown.digest),))
    return View("\n".join(text), turned, protected=True)


def _back(t: Texts, team: TeamContext, data: Summary, digest: date | None) -> Button:
    if digest is not None:
        return Button(t("back-digest"), OpenDigest(team=team.key, day=digest).pack())
    return Button(t("summary-back"), _to(team, data))


def _period(t: Texts, team: TeamContext, data: Summary) -> str:
    span = t.span(data.first, data.last)
    title = safe(team.title)
    if data.period.month is not None:
        return t("summary-month", title=title, month=t.month(data.period.month), span=span)
    return t("summary-week", title=title, week=data.period.week[1], span=span)


def _overview(t: Texts, team: TeamContext, period: TeamPeriod) -> list[str]:
    data = period.summary
    before = data.period.before
    workdays = t("workdays", n=data.workdays)
    if before.workdays and data.scored_days_before:
        span = t.span(before.workdays[0], before.workdays[-1])
        key = "summary-days" if data.is_comparable or not data.scored_days else "summary-days-unlike"
        text = [t(key, workdays=workdays, scored=data.scored_days, span=span, before=data.scored_days_before)]
    else:
        text = [t("summary-days-first", workdays=workdays, scored=data.scored_days)]
    if not data.scored_days:
        return [*text, t("summary-empty"), *_state_now(t, team, data)]
    percent = t.percent(data.discipline)
    text.append(t("summary-discipline", percent=percent, change=percent_change.beside(t, data.change)))
    text += [
        _points(t, data),
        _won(t, team, data),
        *losses(t, team, [each.item for each in period.lost]),
        *_people_of_note(t, data),
    ]
    worst = data.worst_rule
    if worst is not None:
        who, times = _breakers(t, worst, NAMED), t("times", n=worst.broken)
        text.append(f"{lines.BROKEN} {t('summary-broken', kpi=lines.kpi_name(t, worst.kpi), times=times, who=who)}")
    return text + _state_now(t, team, data)


def _points(t: Texts, data: Summary) -> str:
    plus, minus = t.signed(data.plus), t.signed(-data.minus)
    per_day = t.signed(data.per_day)
    text = t("summary-points", points=t.points(data.points, signed=True), plus=plus, minus=minus, per_day=per_day)
    if not data.scored_days_before:
        return text
    return f"{text}, {t('summary-before', what=t.signed(data.per_day_before))}"


def _won(t: Texts, team: TeamContext, data: Summary) -> str:
    if data.won is None:
        return t("summary-won-unavailable")
    text = t("summary-won", deals=lines.deals_and_sums(t, team, data.won))
    if data.won_before is None or not data.scored_days_before:
        return text
    return f"{text}; {t('summary-before', what=lines.deals_and_sums(t, team, data.won_before))}"


def _people_of_note(t: Texts, data: Summary) -> list[str]:
    text = []
    if data.improved:
        who = t.listed(safe(person.name) for person in data.improved[:NAMED])
        text.append(f"📈 {t('summary-improved', who=who, change=percent_change.beside(t, data.improved[0].change))}")
    if data.slides:
        text.append(f"📉 {t('summary-slides', who=t.listed(safe(person.name) for person in data.slides[:5]))}")
    return text


def _state_now(t: Texts, team: TeamContext, data: Summary) -> list[str]:
    if data.now is None:
        return []
    return [t("summary-now", day=t.day(data.now.day), gauges=gauges(t, team, data.now)), *risk(t, team, data.now)]


def _person_line(t: Texts, team: TeamContext, person: PersonLine) -> str:
    line = t(
        "summary-person",
        name=safe(person.name),
        percent=t.percent(person.totals.discipline),
        change=percent_change.beside(t, person.change, person.days),
        points=t.points(person.totals.points, signed=True),
    )
    won = f" · {lines.deals_and_sums(t, team, person.won)}" if person.won and person.won.deals else ""
    return f"• {line}{won}"


def _breakers(t: Texts, rule: RuleLine, most: int) -> str:
    """Write who broke a rule, with the number of times if several; where all did alike nobody is named."""
    if rule.by_all_alike:
        return t("summary-all", n=rule.breakers[0][2])
    told = [safe(name) if times == 1 else f"{safe(name)} ×{times}" for _, name, times in rule.breakers]
    return t.first_of(told, most)


def _rules(t: Texts, data: Summary) -> list[str]:
    text = []
    for rule in data.rules:
        if rule.discipline is None:  # only observed, or never scored
            continue
        times = t("times", n=rule.broken)
        kpi = lines.kpi_name(t, rule.kpi)
        text.append(f"• {t('summary-rule', kpi=kpi, percent=t.percent(rule.discipline), times=times)}")
        if rule.breakers:
            text.append(f"   {_breakers(t, rule, 5)}")
    return text or [t("summary-empty")]


def _deals(t: Texts, team: TeamContext, period: TeamPeriod) -> list[str]:
    """Write all deals without a task and overdue tasks as of the last run, then the deals lost in the period.

    Each is a link into the CRM, the dearest first.
    """
    data = period.summary
    if data.now is None:
        return [t("summary-empty")]
    names = told_apart({user: snapshot.manager.name for user, snapshot in data.now.snapshots.items()})
    text: list[str] = []
    for key in (DEALS_WITHOUT_TASK, OVERDUE_TASKS):
        owners = [
            (names[user], reading.items)
            for user, snapshot in data.now.snapshots.items()
            if isinstance(reading := snapshot.readings.get(key), Value)
        ]
        text += lines.items_of_many(t, key, owners, team, team.calendar.cutoff_of(data.now.day))
    text += _lost(t, team, period)
    return text or [f"✅ {t('none-overdue_tasks')} · {t('none-deals_without_task')}"]


def _lost(t: Texts, team: TeamContext, period: TeamPeriod) -> list[str]:
    """Write the lost deals with reason and person."""
    names = {person.crm_user: person.name for person in period.summary.people}
    ordered = sorted(period.lost, key=lambda each: lines.price(each.item, team))
    text = [f"{lines.BROKEN} {lines.kpi_name(t, DEALS_LOST)}: {t.number(len(ordered))}"] if ordered else []
    for each in ordered:
        deal, name = lines.link(t, DEALS_LOST, each.item, team.crm_host), safe(names.get(each.crm_user, each.crm_user))
        text.append(lines.joined(deal, reason(t, each.item), name))
    return text


def _to(
    team: TeamContext,
    data: Summary,
    part: Part = Part.ALL,
    page: int = 1,
    day: date | None = None,
    digest: date | None = None,
) -> str:
    kind = TurnWeek if data.period.month is None else TurnMonth
    return kind(team=team.key, day=day or data.first, part=part, page=page, digest=digest).pack()


def _overview_buttons(t: Texts, team: TeamContext, data: TeamPeriod, shown: Shown) -> Rows:
    summary = data.summary
    sides = (
        Button(t("summary-people"), _to(team, summary, Part.PEOPLE)),
        Button(t("summary-rules"), _to(team, summary, Part.RULES)),
        Button(t("summary-deals"), _to(team, summary, Part.DEALS)),
    )
    kind = "w" if summary.period.month is None else "m"
    files = [Button(t("summary-picture"), OpenPicture(team=team.key, period=kind, first=summary.first).pack())]
    if shown.exports:
        month = summary.period.month or Month.of(summary.first)
        files.append(Button(t("summary-workbook"), MakeExport(team=team.key, month=month, fmt="xlsx").pack()))
    return rows(sides, tuple(files), _other_periods(t, team, data, shown))


def _other_periods(t: Texts, team: TeamContext, data: TeamPeriod, shown: Shown) -> tuple[Button, ...]:
    """Make the buttons to the period before, from the first scored day on, and to the period after, if begun."""
    summary, buttons = data.summary, []
    if data.since is None or summary.first > data.since:
        buttons.append(Button(t("summary-prev"), _to(team, summary, day=summary.first - timedelta(days=1))))
    if shown.until is None or summary.last < shown.until:
        buttons.append(Button(t("summary-next"), _to(team, summary, day=summary.last + timedelta(days=1))))
    return tuple(buttons)
