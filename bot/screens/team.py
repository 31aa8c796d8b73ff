"""Show `/team`: all managers of a team, as of the last run, or as at the next cutoff if nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.evidence.rule_numbers import short
from bot.screens.members import load_members
from bot.screens.paging import TextPage
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import OpenDigest, OpenPerson, TurnLive, TurnStaff
from bot.texts import Texts, safe
from reports.summary.evidence import Now, OpenItems
from scoring.names import alphabetical
from scoring.scorecard import Outcome, Scorecard
from storage.db.database import Session
from storage.values import Day

PEOPLE = 10
"""Managers on a page."""


def team_view(t: Texts, team: TeamContext, day: Day | None, page: int = 1, digest: date | None = None) -> View:
    """Show all managers as of the last finished run, fewest points first, with a button each.

    `digest` is the day of the digest that the view replaced, for the way back.
    """
    live = Button(t("team-live-button"), TurnLive(team=team.key, page=1, digest=digest).pack())
    ways = rows((live,), _back(t, team.key, digest))
    if day is None:
        return View(t("team-none"), ways)
    head = t("team-head", title=safe(team.title), day=t.day(day.run.day))
    return _view(t, head, day.cards, TurnStaff(team=team.key, page=page, digest=digest), ways)


def live_team_view(
    t: Texts,
    team: TeamContext,
    cards: Sequence[Scorecard],
    read_at: datetime,
    page: int = 1,
    digest: date | None = None,
) -> View:
    """Show all managers as if the cutoff were at `read_at`."""
    head = t("team-head-live", title=safe(team.title), clock=t.clock(read_at, team.calendar.zone))
    turn = TurnLive(team=team.key, page=page, digest=digest)
    return _view(t, head, cards, turn, last_run_rows(t, team.key, digest))


def _view(t: Texts, head: str, cards: Sequence[Scorecard], turn: TurnStaff, ways: Rows) -> View:
    """Show the page of managers that `turn` opens; `ways` lead to other views."""
    ordered = sorted(cards, key=lambda card: (card.points, alphabetical(card.manager.name)))
    shown = TextPage.of(ordered, turn.page, PEOPLE)
    text = [f"<b>{head}</b>", *(_member(t, card) for card in shown.shown)]
    buttons = people_buttons(turn.team, [(card.manager.crm_user, card.manager.name) for card in shown.shown])
    turning = shown.turning(lambda number: turn.model_copy(update={"page": number}).pack())
    return View("\n".join(text), rows(*buttons, turning, *ways), protected=True)


def last_run_rows(t: Texts, key: str, digest: date | None = None) -> Rows:
    """Make the buttons of a live view, also without a reading: to the run before, back to the digest."""
    said = t("team-day-button", day=t.day(digest)) if digest else t("team-last-button")
    last = Button(said, TurnStaff(team=key, page=1, digest=digest).pack())
    return rows((last,), _back(t, key, digest))


def _back(t: Texts, key: str, digest: date | None) -> tuple[Button, ...]:
    return (Button(t("back-digest"), OpenDigest(team=key, day=digest).pack()),) if digest else ()


def _member(t: Texts, card: Scorecard) -> str:
    if card.count(Outcome.BROKEN):
        return f"• {person_line(t, card)}"
    if card.excuse is not None:
        return f"{lines.ABSENT} {t(f'team-{card.excuse.value}', name=safe(card.manager.name))}"
    if not card.count(Outcome.KEPT):
        return f"⚪ {t('team-unscored', name=safe(card.manager.name))}"
    points = t.points(card.points, signed=True)
    return f"✅ {t('digest-person', name=safe(card.manager.name), points=points)}"


def person_line(t: Texts, card: Scorecard) -> str:
    """Write `Пётр: −1 балл – ✖️ звонки 8 из 10, 🟡 просроченные задачи 2`."""
    what = ", ".join(
        f"{lines.sign(line)} {short(t, lines.kpi_name(t, line.rule.kpi).lower(), line)}"
        for line in card.lines
        if line.outcome is Outcome.BROKEN
    )
    points = t.points(card.points, signed=True)
    return f"{t('digest-person', name=safe(card.manager.name), points=points)} – {what}"


def gauges(t: Texts, team: TeamContext, now: Now) -> str:
    """Write `🟡 просрочено 5 (390 тыс. ₽) · 🔴 без задачи 2 (1,01 млн ₽)`, a dash for KPIs that were not read."""
    return t("gauges", overdue=_gauge(t, team, now.overdue), taskless=_gauge(t, team, now.without_task))


def risk(t: Texts, team: TeamContext, now: Now) -> list[str]:
    """Write the sum of the deals that are overdue or without a task, each deal once; nothing without such a sum."""
    at_risk = now.at_risk
    if not at_risk.amounts:
        return []
    return [t("risk", sums=t.sums(at_risk.amounts, team.currency), deals=t("deals", n=at_risk.deals))]


def _gauge(t: Texts, team: TeamContext, found: OpenItems) -> str:
    if not found.read:
        return "–"
    sums = f" ({t.sums(found.amounts, team.currency)})" if found.amounts else ""
    return f"{t.number(len(found.items))}{sums}"


def people_buttons(team: str, people: Sequence[tuple[str, str]]) -> Rows:
    """Make a button for each (CRM user, name), two a row."""
    buttons = [Button(name, OpenPerson(team=team, user=crm_user).pack()) for crm_user, name in people]
    return tuple(tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2))


async def load_member_name(session: Session, key: str, crm_user: str) -> str:
    """Load a member's name; the CRM id if the manager left the team."""
    every = await load_members(session, key)
    return next((member.name for member in every if member.crm_user == crm_user), crm_user)
