"""What a head reads when somebody left the CRM: which deals need a new owner, and what of them cannot wait."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bot.context import TeamContext
from bot.screens import lines
from bot.screens.evening import PAGE
from bot.screens.paging import Page
from bot.screens.view import Button, View, rows
from bot.telegram.callbacks import Action, pack
from bot.texts import Texts, safe
from scoring.kpis import CATALOGUE, KpiKind
from scoring.scorecard import Scorecard
from scoring.snapshot import Reading, Value
from storage.messages.notices import DepartedNotice

OPEN = "deals_open"


def as_read(t: Texts, team: TeamContext, number: int, notice: DepartedNotice, page: int = 0) -> View:
    """With what was read once he was gone; page 0 is shortened, from 1 on everything page by page."""
    read = _states(notice.readings or {})
    text = [_head(t, team, notice.name), *_owners(t, read, notice.day)]

    def to(target: int) -> str:
        return pack(Action.LEFT, team.key, number, target)

    if not page:
        more = any(len(reading.items) > lines.SHOWN for reading in read.values())
        everything = (Button(t("show-all"), to(1)),) if more else ()
        return View("\n".join([*text, *_items(t, team, read, lines.SHOWN)]), rows(everything))
    whole = Page.of(_items(t, team, read), page, PAGE)
    return View("\n".join([*text, *whole.shown]), rows(whole.turning(to), (Button(t("show-less"), to(0)),)))


def as_of_last_cutoff(t: Texts, team: TeamContext, name: str, on: date | None, card: Scorecard | None) -> View:
    """With what is known from his last cutoff, where nothing could be read since."""
    if on is None or card is None:
        return View(_head(t, team, name))
    read = _states(card.snapshot.readings)
    text = [_head(t, team, name), *_owners(t, read, on), *_items(t, team, read, lines.SHOWN)]
    everything = Button(t("show-all"), pack(Action.DAY, team.key, on, card.manager.crm_user, 1))
    return View("\n".join(text), ((everything,),))


def _head(t: Texts, team: TeamContext, name: str) -> str:
    return t("departed", title=safe(team.title), name=safe(name))


def _states(readings: Mapping[str, Reading]) -> dict[str, Value]:
    """How things stand, the open deals first."""
    read = {
        key: reading
        for key, reading in readings.items()
        if isinstance(reading, Value) and CATALOGUE[key].kind is KpiKind.STATE and reading.number
    }
    return dict(sorted(read.items(), key=lambda pair: pair[0] != OPEN))


def _owners(t: Texts, read: Mapping[str, Value], on: date) -> list[str]:
    return [t("departed-deals", n=read[OPEN].number, day=t.day(on))] if OPEN in read else []


def _items(t: Texts, team: TeamContext, read: Mapping[str, Value], shown: int | None = None) -> list[str]:
    """Deals and tasks as links under their headings; that of the open deals stands above."""
    text = []
    for key, reading in read.items():
        if reading.items and key != OPEN:
            text.append(f"{lines.lamp(key)} {lines.kpi_name(t, key)}: {t.number(len(reading.items))}")
        text += lines.items(t, key, reading.items, team, shown=shown)
    return text
