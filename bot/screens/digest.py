"""What a head reads of a day: the evening digest, and the team person by person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.paging import Page
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import Action, Part, pack
from bot.texts import Texts, safe
from reports.summary.evidence import Now, OpenItems, add_up, state_now, won_days
from scoring.scorecard import Outcome, Scorecard
from scoring.standings import discipline
from storage.values import Day

WORST = 10
"""People named one by one in the evening: a day is understood in half a minute."""
NAMES = 20
"""Names in one line."""
PEOPLE = 10
"""People on a page."""


def digest(
    t: Texts,
    team: TeamContext,
    day: Day,
    unconnected: Sequence[str],
    earlier: Sequence[tuple[date, Decimal | None]] = (),
) -> View:
    """After the cutoff: who broke what, who is clean, what was not scored; a day in thirty seconds.

    `earlier` days were caught up with this one: their discipline in a line each.
    """
    run = day.run
    clock = t.clock(run.window.cutoff, team.calendar.zone)
    head = t("digest-head", title=safe(team.title), weekday=t.weekday(run.day), clock=clock)
    present = [card for card in day.cards if card.manager.crm_user not in day.absent]
    kept = sum(card.count(Outcome.KEPT) for card in present)
    broken = sum(card.count(Outcome.BROKEN) for card in present)
    text = [f"<b>{head}</b>"]
    text.append(t("digest-discipline", percent=t.percent(discipline(kept, broken))))
    text += _evening_gauges(t, day)
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
        text.append(f"⚪ {t('digest-unread', what=lines.kpi_names(t, sorted(unread)))}")
    text += _named(t, "digest-unconnected", unconnected)
    if earlier:
        text += ["", f"{t('earlier-head')}:"]
        text += [f"   • {_earlier(t, on, of_day)}" for on, of_day in earlier]
    buttons = (
        Button(t("summary-people"), pack(Action.STAFF, team.key, 1)),
        Button(t("summary-deals"), pack(Action.WEEK, team.key, run.day, Part.DEALS, 1)),
    )
    return View("\n".join(text), rows(buttons))


def _earlier(t: Texts, on: date, of_day: Decimal | None) -> str:
    if of_day is None:
        return t("earlier-unscored", day=t.day(on))
    return t("digest-earlier", day=t.day(on), percent=t.percent(of_day))


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


def _evening_gauges(t: Texts, day: Day) -> list[str]:
    """What is wrong now and what was won today, each in a line; nothing of what the CRM does not tell."""
    now = state_now(day.run.day, [card.snapshot for card in day.cards])
    won = won_days((day.run.day, card.snapshot) for card in day.cards) or ()
    text = [gauges(t, now)] if now.overdue.read or now.without_task.read else []
    if deals := sum(each.deals for each in won):
        sums = t.sums(add_up(each.amounts for each in won))
        text.append(t("summary-won", deals=", ".join(filter(None, [t("deals", n=deals), sums]))))
    return text


def gauges(t: Texts, now: Now) -> str:
    """`🟡 просрочено 5 (390 000 ₽) · 🔴 без задачи 2 (1 010 000 ₽)`; a dash for what was not read."""
    return t("gauges", overdue=_gauge(t, now.overdue), taskless=_gauge(t, now.without_task))


def _gauge(t: Texts, found: OpenItems) -> str:
    if not found.read:
        return "–"
    sums = f" ({t.sums(found.amounts)})" if found.amounts else ""
    return f"{t.number(len(found.items))}{sums}"


# The team


def team_now(t: Texts, team: TeamContext, day: Day | None, page: int = 1) -> View:
    """`/team`: everybody as of the last finished run, who needs help first; a button a person."""
    live = Button(t("team-live-button"), pack(Action.LIVE, team.key, 1))
    if day is None:
        return View(t("team-none"), ((live,),))
    head = t("team-head", title=safe(team.title), day=t.day(day.run.day))
    return _team(t, team, head, day.cards, page, Action.STAFF, live)


def team_live(t: Texts, team: TeamContext, cards: Sequence[Scorecard], read_at: datetime, page: int = 1) -> View:
    """The same as if the cutoff were now."""
    head = t("team-head-live", title=safe(team.title), clock=t.clock(read_at, team.calendar.zone))
    return _team(
        t, team, head, cards, page, Action.LIVE, Button(t("team-last-button"), pack(Action.STAFF, team.key, 1))
    )


def _team(
    t: Texts, team: TeamContext, head: str, cards: Sequence[Scorecard], page: int, turns: Action, other: Button
) -> View:
    ordered = sorted(cards, key=lambda card: (card.points, card.manager.name.casefold()))
    shown = Page.of(ordered, page, PEOPLE)
    text = [f"<b>{head}</b>", *(_member(t, card) for card in shown.shown)]
    people = people_buttons(team.key, [(card.manager.crm_user, card.manager.name) for card in shown.shown])
    turning = shown.turning(lambda number: pack(turns, team.key, number))
    return View("\n".join(text), rows(*people, turning, (other,)))


def _member(t: Texts, card: Scorecard) -> str:
    if card.count(Outcome.BROKEN):
        return f"• {_person(t, card)}"
    if card.count(Outcome.EXCUSED):
        return f"⚪ {t('team-absent', name=safe(card.manager.name))}"
    if not card.count(Outcome.KEPT):
        return f"⚪ {t('team-unscored', name=safe(card.manager.name))}"
    points = t.points(card.points, signed=True)
    return f"✅ {t('digest-person', name=safe(card.manager.name), points=points)}"


def people_buttons(team: str, people: Sequence[tuple[str, str]]) -> Rows:
    """Two people a row: (CRM user, name)."""
    buttons = [Button(name, pack(Action.WHO, team, crm_user)) for crm_user, name in people]
    return tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))
