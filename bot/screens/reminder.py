"""Show the reminder before the cutoff: rules that would be broken, and the points at stake (docs/product.md §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.evidence.folding import Folding
from bot.screens.view import Button, View, rows
from bot.telegram.callbacks import RefreshToday
from bot.texts import Texts
from scoring.scorecard import Outcome, Scorecard
from scoring.snapshot import Manager, Snapshot
from storage.days.terms_of_day import with_terms
from storage.days.windows import load_rulebook
from storage.db.database import Session
from storage.messages.notices import ReminderNotice
from storage.people import people
from storage.values import JudgedDay, StoredSnapshot


@dataclass(frozen=True, slots=True)
class Reminder:
    """Hold a manager's scorecard as of the reminder."""

    card: Scorecard
    minutes: int
    """Minutes until the cutoff."""
    day: date


async def load_reminder(session: Session, ctx: AppContext, notice: ReminderNotice, now: datetime) -> Reminder | None:
    """Score the readings of the notice by the rules of the running window; None after the cutoff."""
    team, user = ctx.teams[notice.team], notice.crm_user
    cutoff = team.calendar.cutoff_of(notice.day)
    if now >= cutoff:
        return None
    names = {member.crm_user: member.name for member in await people.members(session, team.key)}
    snapshot = Snapshot(Manager(user, names.get(user, user)), notice.readings)
    rulebook = await load_rulebook(session, team.key, team.calendar, notice.day)
    minutes = max(1, round((cutoff - now) / timedelta(minutes=1)))
    judged = JudgedDay(team.key, team.connection, notice.day, rulebook)
    [item] = await with_terms(session, judged, [StoredSnapshot(snapshot)])
    return Reminder(item.score(rulebook, notice.day), minutes, notice.day)


def reminder_view(t: Texts, team: TeamContext, data: Reminder) -> View:
    """Show broken rules with links, the points as of now and the points still possible."""
    card = data.card
    broken = [line for line in card.lines if line.outcome is Outcome.BROKEN]
    at = team.calendar.cutoff_of(data.day)
    at_best = card.points + sum(line.rule.reward - line.points for line in broken)
    points, best = t.points(card.points, signed=True), t.signed(at_best)
    text = [f"<b>{t('reminder-head', minutes=data.minutes, points=points, best=best)}</b>"]
    folding = Folding()
    text += [row for line in broken for row in lines.broken(t, line, team, at, folding)]
    hidden = sum(len(line.items) - lines.shown_of(line) for line in broken)

    def to(page: int) -> str:
        return RefreshToday(team=team.key, page=page, reminder=data.day).pack()

    show_all = (Button(t("show-all"), to(1)),) if hidden else ()
    return View("\n".join(text), rows((*show_all, Button(t("today-refresh"), to(0)))), protected=True)
