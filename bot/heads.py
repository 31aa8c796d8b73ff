"""What a head reads: the evening digest, the team now, the week and the month with their drill-down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

from bot import lines
from bot.callbacks import Action, pack
from bot.context import TeamContext
from bot.paging import Page
from bot.texts import Texts, safe
from bot.views import Button, Rows, View, rows
from reports.evidence import Won
from reports.summary import PersonLine, Summary
from scoring.entries import Month
from scoring.scorecard import Outcome, Scorecard
from scoring.snapshot import Value
from scoring.standings import discipline
from storage.rows import Day

WORST = 10
"""People named one by one in the evening: a day is understood in half a minute."""
NAMES = 20
"""Names in one line."""
PEOPLE, LINES = 10, 25
"""People, and lines, on a page of a drill-down."""


class Part(StrEnum):
    """Which side of the week or month is shown."""

    ALL = "a"
    PEOPLE = "p"
    RULES = "r"
    DEALS = "d"


def digest(t: Texts, team: TeamContext, day: Day, unconnected: Sequence[str]) -> View:
    """After the cutoff: who broke what, who is clean, what was not scored; a day in thirty seconds."""
    run = day.run
    clock = t.clock(run.window.cutoff, team.calendar.zone)
    head = t("digest-head", title=safe(team.title), weekday=t.weekday(run.day), clock=clock)
    present = [card for card in day.cards if card.manager.crm_user not in day.absent]
    kept = sum(card.count(Outcome.KEPT) for card in present)
    broken = sum(card.count(Outcome.BROKEN) for card in present)
    text = [f"<b>{head}</b>"]
    text.append(t("digest-discipline", percent=t.percent(discipline(kept, broken))))
    if not kept + broken:
        text.append(t("digest-nobody"))
    troubled = sorted((card for card in present if card.count(Outcome.BROKEN)), key=lambda card: card.points)
    text += [f"• {_person(t, card)}" for card in troubled[:WORST]]
    if len(troubled) > WORST:
        text.append(t("and-more", n=len(troubled) - WORST))
    text += _named(t, "digest-clean", [card.manager.name for card in present if _clean(card)])
    absent = [card.manager.name for card in day.cards if card.manager.crm_user in day.absent]
    text += _named(t, "digest-absent", absent)
    unread = {line.rule.kpi for card in present for line in card.lines if line.outcome is Outcome.NO_DATA}
    if unread:
        names = ", ".join(lines.kpi_name(t, key) for key in sorted(unread))
        text.append(f"⚪ {t('digest-unread', what=names)}")
    text += _named(t, "digest-unconnected", unconnected)
    buttons = (
        Button(t("summary-people"), pack(Action.STAFF, team.key, 1)),
        Button(t("summary-deals"), pack(Action.WEEK, team.key, run.day, Part.DEALS, 1)),
    )
    return View("\n".join(text), rows(buttons))


def _clean(card: Scorecard) -> bool:
    return card.count(Outcome.KEPT) > 0 and card.count(Outcome.BROKEN) == 0


def _person(t: Texts, card: Scorecard) -> str:
    """`Пётр: −1 балл – 🟡 Просроченные задачи 2`."""
    what = ", ".join(
        f"{lines.sign(line)} {lines.kpi_name(t, line.rule.kpi).lower()} {lines.value(t, line)}"
        for line in card.lines
        if line.outcome is Outcome.BROKEN
    )
    points = t.points(card.points, signed=True)
    return f"{t('digest-person', name=safe(card.manager.name), points=points)} – {what}"


def _named(t: Texts, key: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(safe(name) for name in names[:NAMES])
    more = f" {t('and-others', n=len(names) - NAMES)}" if len(names) > NAMES else ""
    return [t(key, names=shown + more)]


def team_now(t: Texts, team: TeamContext, day: Day | None, page: int = 1) -> View:
    """`/team`: everybody as of the last finished run, who needs help first; a button a person."""
    if day is None:
        return View(t("team-none"))
    text = [f"<b>{t('team-head', title=safe(team.title), day=t.day(day.run.day))}</b>"]
    cards = sorted(day.cards, key=lambda card: (card.points, card.manager.name.casefold()))
    shown = Page.of(cards, page, PEOPLE)
    for card in shown.shown:
        sign = "🔴" if card.count(Outcome.BROKEN) else "✅" if _clean(card) else "⚪"
        points = t.points(card.points, signed=True)
        text.append(t("team-person", sign=sign, name=safe(card.manager.name), points=points))
    people = _buttons_of(team.key, [(card.manager.crm_user, card.manager.name) for card in shown.shown])
    return View("\n".join(text), rows(*people, shown.turning(lambda number: pack(Action.STAFF, team.key, number))))


def _buttons_of(team: str, people: Sequence[tuple[str, str]]) -> Rows:
    """Two people a row: (CRM user, name)."""
    buttons = [Button(name, pack(Action.WHO, team, crm_user)) for crm_user, name in people]
    return tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))


# The week and the month


def summary(
    t: Texts, team: TeamContext, data: Summary, part: Part = Part.ALL, page: int = 1, *, exports: bool = False
) -> View:
    """One phone screen, or a page of one of its sides. `exports`: the reader may have the workbook."""
    text = [f"<b>{_period(t, team, data)}</b>"]
    if part is Part.ALL:
        text += _overview(t, team, data)
        return View("\n".join(line for line in text if line), _summary_buttons(t, team, data, exports=exports))
    people: Rows = ()
    if part is Part.PEOPLE:
        persons = Page.of(data.people, page, PEOPLE)
        text += [_person_line(t, person) for person in persons.shown] or [t("summary-empty")]
        people = _buttons_of(team.key, [(person.crm_user, person.name) for person in persons.shown])
        turning = persons.turning(lambda number: _to(team, data, part, number))
    else:
        lines_ = Page.of((_rules if part is Part.RULES else _deals)(t, team, data), page, LINES)
        text += lines_.shown
        turning = lines_.turning(lambda number: _to(team, data, part, number))
    return View("\n".join(text), rows(*people, turning, (Button(t("summary-back"), _to(team, data)),)))


def _period(t: Texts, team: TeamContext, data: Summary) -> str:
    span = t.span(data.first, data.last)
    title = safe(team.title)
    if data.period.month is not None:
        return t("summary-month", title=title, month=t.month(data.period.month), span=span)
    return t("summary-week", title=title, week=data.period.week[1], span=span)


def _overview(t: Texts, _team: TeamContext, data: Summary) -> list[str]:
    before = data.period.before
    workdays = t("workdays", n=data.workdays)
    if before.workdays and data.discipline_before is not None:
        span = t.span(before.workdays[0], before.workdays[-1])
        text = [t("summary-days", workdays=workdays, scored=data.scored_days, span=span)]
    else:
        text = [t("summary-days-first", workdays=workdays, scored=data.scored_days)]
    if not data.scored_days:
        return [*text, t("summary-empty"), *_state_now(t, data)]
    if data.change is None:
        text.append(t("summary-discipline-first", percent=t.percent(data.discipline)))
    else:
        change = _change(t, data.change)
        text.append(t("summary-discipline", percent=t.percent(data.discipline), change=change))
    plus, minus = t.signed(data.plus), t.signed(-data.minus)
    text.append(t("summary-points", points=t.points(data.points, signed=True), plus=plus, minus=minus))
    text.append(_won(t, data.won))
    if data.improved:
        who = t.listed(safe(person.name) for person in data.improved[:3])
        text.append(f"📈 {t('summary-improved', who=who, change=_change(t, data.improved[0].change))}")
    if data.slides:
        text.append(f"📉 {t('summary-slides', who=t.listed(safe(person.name) for person in data.slides[:5]))}")
    worst = data.worst_rule
    if worst is not None:
        who = _breakers(worst.breakers[:3])
        times = t("times", n=worst.broken)
        text.append(f"🔻 {t('summary-broken', kpi=lines.kpi_name(t, worst.kpi), times=times, who=who)}")
    return text + _state_now(t, data)


def _change(t: Texts, change: Decimal | None) -> str:
    if change is None:
        return "–"
    arrow = "▲" if change > 0 else "▼" if change < 0 else "="
    return f"{arrow} {t.signed(change.normalize() + 0)}"


def _won(t: Texts, won: Won | None) -> str:
    if won is None:
        return t("summary-won-unavailable")
    sums = f", {t.sums(won.amounts)}" if won.amounts else ""
    return t("summary-won", deals=t("deals", n=won.deals), sums=sums)


def _state_now(t: Texts, data: Summary) -> list[str]:
    if data.now is None:
        return []
    overdue, taskless = data.now.overdue, data.now.without_task
    sums = f" ({t.sums(taskless.amounts)})" if taskless.amounts else ""
    return [
        t(
            "summary-now",
            day=t.day(data.now.day),
            overdue=t.number(len(overdue.items)) if overdue.read else "–",
            taskless=t.number(len(taskless.items)) if taskless.read else "–",
            sums=sums,
        )
    ]


def _person_line(t: Texts, person: PersonLine) -> str:
    change = "" if person.change is None else f" ({_change(t, person.change)})"
    line = t(
        "summary-person",
        name=safe(person.name),
        percent=t.percent(person.totals.discipline),
        change=change,
        points=t.points(person.totals.points, signed=True),
    )
    return f"• {line}"


def _breakers(breakers: Sequence[tuple[str, str, int]]) -> str:
    """Who broke a rule, and how often if more than once: (CRM user, name, times)."""
    return ", ".join(safe(name) if times == 1 else f"{safe(name)} ×{times}" for _, name, times in breakers)


def _rules(t: Texts, _team: TeamContext, data: Summary) -> list[str]:
    text = []
    for rule in data.rules:
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
                text += lines.items(t, reading.items, team.crm_host, shown=None)
    return text or [f"✅ {t('none-overdue_tasks')} · {t('none-deals_without_task')}"]


def _to(team: TeamContext, data: Summary, part: Part = Part.ALL, page: int = 1, day: date | None = None) -> str:
    action = Action.WEEK if data.period.month is None else Action.MONTH
    return pack(action, team.key, day or data.first, part, page)


def _summary_buttons(t: Texts, team: TeamContext, data: Summary, *, exports: bool) -> Rows:
    turning = (
        Button(t("summary-prev"), _to(team, data, day=_day_before(data.first))),
        Button(t("summary-next"), _to(team, data, day=_day_after(data.last))),
    )
    sides = (
        Button(t("summary-people"), _to(team, data, Part.PEOPLE)),
        Button(t("summary-rules"), _to(team, data, Part.RULES)),
        Button(t("summary-deals"), _to(team, data, Part.DEALS)),
    )
    kind = "w" if data.period.month is None else "m"
    files = [Button(t("summary-picture"), pack(Action.PICTURE, team.key, kind, data.first))]
    if exports:
        month = data.period.month or Month.of(data.first)
        files.append(Button(t("summary-workbook"), pack(Action.EXPORT, team.key, month, "xlsx")))
    return rows(sides, tuple(files), turning)


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _day_after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
