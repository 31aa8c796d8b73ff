"""Ask whom, how much and why for points by hand (docs/product.md §13)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.screens.by_hand import reasons
from bot.screens.members import FoundMember
from bot.screens.paging import TextPage
from bot.screens.view import Button, View, rows
from bot.telegram.buttons.by_hand import AdjustPerson, AdjustPoints, AdjustReason, ListAdjustable
from bot.texts import LANGUAGES, MINUS, Texts, safe, texts

MOST_NAMES = 12
OFFERED = ((1, 2, 3, 5, 10), (-1, -2, -3, -5, -10))
_WRITTEN = re.compile(rf"(?P<name>\S.*?)\s+(?P<points>[+\-{MINUS}–]?\d{{1,9}})\s+(?P<reason>\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class WrittenAdjustment:
    """Hold an adjustment as written after `/adjust`."""

    day: date | None
    name: str
    """Empty: all who were there."""
    points: int
    reason: str


def parse_adjustment(text: str, today: date) -> WrittenAdjustment | None:
    """Parse `[19.11] Анна +3 reason`; None for other texts."""
    first, _, rest = text.strip().partition(" ")
    day = reasons.parse_day(first, today)
    found = _WRITTEN.fullmatch(rest.strip() if day else text.strip())
    if found is None:
        return None
    sign = -1 if found["points"][0] in f"-{MINUS}–" else 1
    everybody = {word for language in LANGUAGES for word in texts(language)("adjust-everybody").split(", ")}
    name = "" if found["name"].casefold() in everybody else found["name"]
    return WrittenAdjustment(day, name, sign * int(found["points"].lstrip(f"+-{MINUS}–")), found["reason"])


def whom_view(t: Texts, found: Sequence[FoundMember], page: int = 1) -> View:
    """Show a button for each member, and how to write all in one line."""
    if not found:
        return View(t("who-none"))
    shown = TextPage.of(found, page, MOST_NAMES)
    people = tuple(
        (Button(each.label, AdjustPerson(team=each.team, user=each.crm_user).pack()),) for each in shown.shown
    )
    turning = shown.turning(lambda number: ListAdjustable(page=number).pack())
    name = found[0].name.split()[0]
    text = t("adjust-whom", example=f"<code>/adjust {safe(name)} +3 {t('hand-reason-help')}</code>")
    return View(text, rows(*people, turning))


def points_view(t: Texts, team: str, user: str, name: str) -> View:
    """Ask how many points."""
    offered = [
        tuple(Button(t.signed(each), AdjustPoints(team=team, user=user, points=each).pack()) for each in row)
        for row in OFFERED
    ]
    return View(t("adjust-points", name=safe(name)), (*offered, (_back(t, ListAdjustable(page=1).pack()),)))


def why_view(t: Texts, team: str, user: str, name: str, points: int) -> View:
    """Ask why."""

    def to(why: str) -> str:
        return AdjustReason(team=team, user=user, points=points, why=why).pack()

    text = t("adjust-why", name=safe(name), points=t.points(points, signed=True))
    back = _back(t, AdjustPerson(team=team, user=user).pack())
    return View(text, (*reasons.reason_rows(t, reasons.ADJUST, to), (back,)))


def _back(t: Texts, data: str) -> Button:
    return Button(t("back"), data)
