"""Show which deals and tasks a departed manager left, each as a link, for the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.evidence.day_text import PAGE
from bot.screens.evidence.folding import Folding
from bot.screens.finished_days import load_day
from bot.screens.members import load_name_apart
from bot.screens.paging import TextPage
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import OpenDay, TurnDeparted
from bot.texts import Texts, safe
from scoring.kpis import CATALOGUE, DEALS_OPEN, KpiKind
from scoring.snapshot import Reading, Value
from storage.days import runs
from storage.db.database import Session
from storage.messages.notices import DepartedNotice


@dataclass(frozen=True, slots=True)
class Departed:
    """Hold the readings of a departed manager."""

    name: str
    crm_user: str
    day: date | None
    """Day of the readings; None without any."""
    readings: Mapping[str, Reading]
    notice: int | None = None
    """Delivery id of a notice that holds the readings; None: the readings are those of the last cutoff."""


async def load_departed(session: Session, ctx: AppContext, delivery_id: int, notice: DepartedNotice) -> Departed:
    """Load the readings since the departure, else those of the manager's last cutoff."""
    name = await load_name_apart(session, notice.team, notice.crm_user, notice.name)
    if notice.readings is not None:
        return Departed(name, notice.crm_user, notice.day, notice.readings, delivery_id)
    run = await runs.last_finished(session, notice.team, until=notice.day - timedelta(days=1))
    day = await load_day(session, ctx, notice.team, run.day) if run else None
    card = day.card(notice.crm_user) if day else None
    if run is None or card is None:
        return Departed(name, notice.crm_user, None, {})
    return Departed(name, notice.crm_user, run.day, card.snapshot.readings)


def departed_view(t: Texts, team: TeamContext, data: Departed, page: int = 0, digest: date | None = None) -> View:
    """Show the deals and tasks; page 0 is shortened, from page 1 on the whole list.

    `digest` is the day of the digest that the view replaced, for the way back.
    """
    if data.day is None:
        return View(_head(t, team, data.name))
    read = _states(data.readings)
    text = [_head(t, team, data.name), *_owners(t, read, data.day)]
    if not page or data.notice is None:
        shown = [*text, *_items(t, team, read, data.day, Folding())]
        return View("\n".join(shown), _unfold(t, team, data, read, digest), protected=True)
    notice = data.notice

    def to(number: int) -> str:
        return TurnDeparted(team=team.key, notice=notice, page=number, digest=digest).pack()

    whole = TextPage.of(_items(t, team, read, data.day), page, PAGE)
    buttons = rows(whole.turning(to), (Button(t("show-less"), to(0)),))
    return View("\n".join([*text, *whole.shown]), buttons, protected=True)


def in_digest(t: Texts, data: Departed) -> str:
    """Write in a line of the digest who left and how many deals need a new owner."""
    owners = _owners(t, _states(data.readings), data.day) if data.day else []
    return ". ".join([t("digest-departed", name=safe(data.name)), *owners])


def _unfold(t: Texts, team: TeamContext, data: Departed, read: Mapping[str, Value], digest: date | None) -> Rows:
    """Make the button for the whole list: the manager's day, if the readings are of the last cutoff."""
    if data.notice is None:
        return ((Button(t("show-all"), OpenDay(team=team.key, day=data.day, user=data.crm_user, page=1).pack()),),)
    more = any(len(reading.items) > lines.SHOWN for reading in read.values())
    whole = TurnDeparted(team=team.key, notice=data.notice, page=1, digest=digest).pack()
    return ((Button(t("show-all"), whole),),) if more else ()


def _head(t: Texts, team: TeamContext, name: str) -> str:
    return t("departed", title=safe(team.title), name=safe(name))


def _states(readings: Mapping[str, Reading]) -> dict[str, Value]:
    """Select the state KPIs with a count, open deals first."""
    read = {
        key: reading
        for key, reading in readings.items()
        if isinstance(reading, Value) and CATALOGUE[key].kind is KpiKind.STATE and reading.number
    }
    return dict(sorted(read.items(), key=lambda pair: pair[0] != DEALS_OPEN))


def _owners(t: Texts, read: Mapping[str, Value], on: date) -> list[str]:
    return [t("departed-deals", n=read[DEALS_OPEN].number, day=t.day(on))] if DEALS_OPEN in read else []


def _items(
    t: Texts, team: TeamContext, read: Mapping[str, Value], on: date, folding: Folding | None = None
) -> list[str]:
    """Write deals and tasks as links under headings; the heading of the open deals stands above."""
    text, at = [], team.calendar.cutoff_of(on)
    for key, reading in read.items():
        if reading.items and key != DEALS_OPEN:
            text.append(f"{lines.lamp(key)} {lines.kpi_name(t, key)}: {t.number(len(reading.items))}")
        text += lines.items(t, key, reading.items, team, at, folding=folding)
    return text
