"""Show the deals behind a digest, a week or a month: without a task, with overdue tasks, lost (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.finished_days import load_day
from bot.screens.losses import reason
from bot.screens.paging import TextPage
from bot.screens.view import Button, View, rows
from bot.telegram.callbacks import OpenDigest, Part, TurnWeek
from bot.texts import Texts, safe
from reports.summary.evidence import Now, state_now
from scoring.kpis import DEALS_LOST, DEALS_WITHOUT_TASK, OVERDUE_TASKS
from scoring.names import told_apart
from scoring.snapshot import Value
from storage.days import queries
from storage.db.database import Session
from storage.values import LostDeal

LINES = 25
"""Lines on a page."""


@dataclass(frozen=True, slots=True)
class DayDeals:
    """Hold the deals behind the digest of a day."""

    state: Now
    lost: tuple[LostDeal, ...]
    names: Mapping[str, str]
    """Names by CRM user."""


async def load_day_deals(session: Session, ctx: AppContext, key: str, day: date) -> DayDeals | None:
    """Load the deals as of the cutoff of a day, and those lost on the day; None without a finished run."""
    finished = await load_day(session, ctx, key, day)
    if finished is None:
        return None
    names = {card.manager.crm_user: card.manager.name for card in finished.cards}
    state = state_now(day, [card.snapshot for card in finished.cards])
    return DayDeals(state, tuple(await queries.lost(session, key, day, day)), names)


def day_deals_view(t: Texts, team: TeamContext, data: DayDeals, page: int) -> View:
    """Show a page of the deals of a day, with the way back to the digest."""
    day = data.state.day
    shown = TextPage.of(deal_lines(t, team, data.state, data.lost, data.names), page, LINES)
    turning = shown.turning(
        lambda number: TurnWeek(team=team.key, day=day, part=Part.DEALS, page=number, digest=day).pack()
    )
    back = Button(t("back-digest"), OpenDigest(team=team.key, day=day).pack())
    head = f"<b>{t('team-head', title=safe(team.title), day=t.day(day))}</b>"
    return View("\n".join([head, *shown.shown]), rows(turning, (back,)), protected=True)


def deal_lines(
    t: Texts, team: TeamContext, state: Now | None, lost: Sequence[LostDeal], names: Mapping[str, str]
) -> list[str]:
    """Write all deals without a task and overdue tasks as of a run, then the deals lost.

    Each is a link into the CRM, the dearest first.
    """
    if state is None:
        return [t("summary-empty")]
    owner = told_apart({user: snapshot.manager.name for user, snapshot in state.snapshots.items()})
    text: list[str] = []
    for key in (DEALS_WITHOUT_TASK, OVERDUE_TASKS):
        owners = [
            (owner[user], reading.items)
            for user, snapshot in state.snapshots.items()
            if isinstance(reading := snapshot.readings.get(key), Value)
        ]
        text += lines.items_of_many(t, key, owners, team, team.calendar.cutoff_of(state.day))
    text += _lost(t, team, lost, names)
    return text or [f"✅ {t('none-overdue_tasks')} · {t('none-deals_without_task')}"]


def _lost(t: Texts, team: TeamContext, lost: Sequence[LostDeal], names: Mapping[str, str]) -> list[str]:
    """Write the lost deals with reason and person."""
    ordered = sorted(lost, key=lambda each: lines.price(each.item, team))
    text = [f"{lines.BROKEN} {lines.kpi_name(t, DEALS_LOST)}: {t.number(len(ordered))}"] if ordered else []
    for each in ordered:
        deal, name = lines.link(t, DEALS_LOST, each.item, team.crm_host), safe(names.get(each.crm_user, each.crm_user))
        text.append(lines.joined(deal, reason(t, each.item), name))
    return text
