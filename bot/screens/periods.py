"""Show the week and the month of a team, with pages of people, rules and deals (docs/product.md §8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from bot.context import AppContext, TeamContext
from bot.screens import lines, percent_change
from bot.screens.appeals.counts import rules_lines, waiting_line
from bot.screens.deals import LINES, deal_lines
from bot.screens.finished_days import ledger_length
from bot.screens.losses import losses
from bot.screens.paging import TextPage
from bot.screens.team import gauges, people_buttons, risk
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import MakeExport, OpenDigest, OpenPicture, Part, TurnMonth, TurnWeek
from bot.texts import Texts, safe
from reports.summary.evidence import PricedDeals, WonDay, state_now
from reports.summary.stretches import Comparison, compare_months, compare_weeks, week_of
from reports.summary.summary import PeriodTotals, PersonLine, RuleLine, Summary, summarize
from scoring.entries import Month
from scoring.names import alphabetical
from scoring.standings import hundredths
from storage.appeals import appeals
from storage.days import queries, runs
from storage.days.snapshots import stored_snapshots
from storage.db.database import Session
from storage.ledger import totals
from storage.people import people, teams
from storage.values import Appeal, LostDeal, Run

PEOPLE = 10
"""People on a page."""
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
    appeals: tuple[Appeal, ...] = ()
    """Appeals about days of the period."""
    waiting: tuple[Appeal, ...] = ()
    """Open appeals of the team."""


async def load_period(session: Session, ctx: AppContext, key: str, day: date, *, monthly: bool) -> TeamPeriod:
    """Load the ISO week, or the calendar month, of a day."""
    since = (await teams.find(session, key)).scored_from
    summary = await load_summary(session, ctx, key, day, monthly=monthly)
    first, last = summary.period.now.first, summary.period.now.last
    lost = await queries.lost(session, key, first, last)
    filed = await appeals.listed(session, [key], first, last)
    return TeamPeriod(summary, since, tuple(lost), tuple(filed), tuple(await appeals.open_appeals(session, [key])))


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
    now, run = None, last
    if last is not None and last.day > period.last:
        run = await runs.last_finished(session, team.key, until=period.last)
    if run is not None and run.day >= period.first:
        stored = await stored_snapshots(session, run.id)
        now = state_now(run.day, [item.snapshot for item in stored], is_latest=run == last)
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
        text += [*rules_lines(t, data.appeals, NAMED), *waiting_line(t, data.waiting, shown.until)]
        overview = "\n".join(line for line in text if line)
        return View(overview, _overview_buttons(t, team, data, shown), protected=True)
    buttons: Rows = ()
    if shown.part is Part.PEOPLE:
        persons = TextPage.of(summary.people, shown.page, PEOPLE)
        text += [_person_line(t, team, person) for person in persons.shown] or [t("summary-empty")]
        buttons = people_buttons(team.key, [(person.crm_user, person.name) for person in persons.shown])
        turning = persons.turning(lambda number: _to(team, summary, shown.part, number, digest=shown.digest))
    else:
        if shown.part is Part.RULES:
            every = [*_rules(t, summary), *rules_lines(t, data.appeals)]
        else:
            text += [t("deals-as-of", day=t.day(summary.now.day))] if summary.now else []
            names = {person.crm_user: person.name for person in summary.people}
            every = deal_lines(t, team, summary.now, data.lost, names)
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
    workdays = t("workdays-so-far" if data.period.is_running else "workdays", n=data.workdays)
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
    return [*text, *worst_rules(t, data.worst_rules), *_state_now(t, team, data)]


def worst_rules(t: Texts, worst: Sequence[RuleLine]) -> list[str]:
    """Write the rule broken most and by whom, or the several rules broken equally often; nothing if all were kept."""
    if not worst:
        return []
    broken = worst[0].broken
    names = [t("quoted", text=lines.kpi_name(t, rule.kpi)) for rule in worst]
    if len(worst) == 1:
        key, times, who = "summary-broken", t("times", n=broken), _breakers(t, worst[0], NAMED)
    else:
        key, times, who = "summary-broken-tied", t("times-each", n=broken), ""
    key += "-once" * (broken == 1)
    rules = t.first_of(sorted(names, key=alphabetical), NAMED)
    return [f"{lines.BROKEN} {t(key, rules=rules, times=times, who=who)}"]


def _points(t: Texts, data: Summary) -> str:
    plus, minus = t.signed(data.plus), t.signed(-data.minus)
    per_day = t.signed(data.per_day)
    text = t("summary-points", total=t.signed(data.points), plus=plus, minus=minus, per_day=per_day)
    if not data.is_comparable:
        return text
    return f"{text}, {t('summary-before', what=t.signed(data.per_day_before))}"


def _won(t: Texts, team: TeamContext, data: Summary) -> str:
    """Write the deals won, and against a like stretch what they come to per scored day."""
    if data.won is None:
        return t("summary-won-unavailable")
    text = t("summary-won", deals=lines.deals_and_sums(t, team, data.won))
    if data.won_before is None or not data.is_comparable:
        return text
    now = _per_day(t, team, data.won, data.scored_days)
    before = t("summary-before", what=_per_day(t, team, data.won_before, data.scored_days_before))
    return f"{text}; {t('summary-won-per-day', now=now)}, {before}"


def _per_day(t: Texts, team: TeamContext, won: PricedDeals, days: int) -> str:
    """Write deals won per scored day, and the sum in the team's currency: `1,25 (775 тыс. ₽)`."""
    deals = t.number(hundredths(Fraction(won.deals, days)).normalize() + 0)
    amount = won.amounts.get(team.currency)
    return f"{deals} ({t.rounded(amount / days, team.currency)})" if amount else deals


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
    key = "summary-now" if data.now.is_latest else "summary-then"
    return [t(key, day=t.day(data.now.day), gauges=gauges(t, team, data.now)), *risk(t, team, data.now)]


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
    return t.first_of(told, most, rest="and-other-people")


def _rules(t: Texts, data: Summary) -> list[str]:
    text = []
    for rule in sorted(data.rules, key=lambda rule: (-rule.broken, alphabetical(lines.kpi_name(t, rule.kpi)))):
        if rule.discipline is None:  # only observed, or never scored
            continue
        times = t("times", n=rule.broken)
        kpi = lines.kpi_name(t, rule.kpi)
        text.append(f"• {t('summary-rule', kpi=kpi, percent=t.percent(rule.discipline), times=times)}")
        if rule.breakers:
            text.append(f"   {_breakers(t, rule, 5)}")
    return text or [t("summary-empty")]


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
