"""Describe the data of buttons: short, at most 64 bytes, checked when tapped, never a right (docs/product.md §8).

Prefixes and fields are what buttons of sent messages carry. A new field goes to the end and has a default value: then
`read_tap` still reads the buttons of earlier versions.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, TypeVar

from aiogram.filters.callback_data import CallbackData
from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator

from scoring.entries import Month

BEFORE_CALLBACK_DATA = "3:"
"""What the data of buttons began with up to version 0.1.0, which left out values that were not needed."""


class Part(StrEnum):
    """Name the parts of a week or month."""

    ALL = "a"
    PEOPLE = "p"
    RULES = "r"
    DEALS = "d"


def mark(value: str) -> str:
    """Return the mark of a CRM user or a KPI in a button, always 12 characters.

    CRM ids may hold any character, and keys of KPIs may be long.
    """
    return base64.urlsafe_b64encode(hashlib.blake2b(value.encode(), digest_size=9).digest()).decode()


def _of_this_century(value: date | str) -> date:
    """Read dates of this century only: the pages before and after must exist too. Raises ValueError."""
    day = date.fromisoformat(value) if isinstance(value, str) and re.fullmatch(r"[\d-]{10}", value) else value
    if not isinstance(day, date) or day.year // 100 != 20:
        raise ValueError("no date of this century")
    return day


def _month(value: Month | str) -> Month:
    month = Month.parse(value) if isinstance(value, str) else value
    _of_this_century(month.first)
    return month


TeamKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,23}$")]
Day = Annotated[date, BeforeValidator(_of_this_century), PlainSerializer(lambda day: day.isoformat(), return_type=str)]
MonthOfYear = Annotated[Month, PlainValidator(_month), PlainSerializer(str, return_type=str)]
PageNumber = Annotated[int, Field(ge=0, le=9999)]
RowId = Annotated[int, Field(ge=0, lt=10**18)]
Word = Annotated[str, Field(pattern=r"^[a-z]{1,16}$")]
Marked = Annotated[str, PlainSerializer(mark, return_type=str)]
"""A value that a button carries as a mark; of a tapped button the mark itself, until `Tapped` finds the value."""


class UnfoldEvening(CallbackData, prefix="ev"):
    """Show the evening message with all evidence; page 0: shortened."""

    team: TeamKey
    day: Day
    user: Marked
    page: PageNumber


class RefreshToday(CallbackData, prefix="td"):
    """Show the day as at the cutoff if nothing changes; page 0: shortened, read again if the reading is old."""

    team: TeamKey
    page: PageNumber
    reminder: Day | None = None
    """Day of the reminder that the view replaced."""


class OpenReminder(CallbackData, prefix="rm"):
    """Show the reminder of a day again."""

    team: TeamKey
    day: Day


class ShowRules(CallbackData, prefix="ru"):
    """Show the rules as a new message."""

    team: TeamKey


class AcceptInvite(CallbackData, prefix="ok"):
    """Connect the user to the invited person."""

    token: Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]


class DeclineInvite(CallbackData, prefix="no"):
    """Leave the invite unused."""


class ChooseLanguage(CallbackData, prefix="la"):
    """Choose the language of the bot's messages."""

    language: Word


class OpenMonth(CallbackData, prefix="me"):
    """Show a manager's month by day, in place."""

    team: TeamKey
    user: Marked
    month: MonthOfYear
    person: bool = False
    """The view replaced the summary of `/who`."""


class OpenDay(CallbackData, prefix="dy"):
    """Show a manager's day as a new message."""

    team: TeamKey
    day: Day
    user: Marked
    page: PageNumber


class TurnWeek(CallbackData, prefix="wk"):
    """Show a part of the week of a day."""

    team: TeamKey
    day: Day
    part: Part
    page: PageNumber
    digest: Day | None = None
    """Day of the digest that the view replaced."""


class TurnMonth(TurnWeek, prefix="mo"):
    """Show a part of the month of a day."""


class OpenDigest(CallbackData, prefix="dg"):
    """Show the digest of a day again."""

    team: TeamKey
    day: Day


class OpenPerson(CallbackData, prefix="wh"):
    """Show a manager; `back`: in place, else as a new message."""

    team: TeamKey
    user: Marked
    back: bool = False


class PickTeam(CallbackData, prefix="tm"):
    """Run a command for the team that was picked."""

    command: Word
    team: TeamKey


class ListTeams(CallbackData, prefix="ts"):
    """Ask again for which team a command shall run."""

    command: Word


class ListPeople(CallbackData, prefix="pp"):
    """Turn the list of `/who` without a name."""

    page: PageNumber


class TurnStaff(CallbackData, prefix="sf"):
    """Show all managers as of the last run."""

    team: TeamKey
    page: PageNumber
    digest: Day | None = None
    """Day of the digest that the view replaced."""


class TurnLive(TurnStaff, prefix="lv"):
    """Show all managers as at the cutoff if nothing changes."""


class MakeExport(CallbackData, prefix="ex"):
    """Send the workbook or the CSV file of a month."""

    team: TeamKey
    month: MonthOfYear
    fmt: Word


class OpenPicture(CallbackData, prefix="pi"):
    """Show the trend of a week or month, of the team or of one manager."""

    team: TeamKey
    period: Annotated[str, Field(pattern="^[wm]$")]
    first: Day
    user: Marked | None = None


class BindTeam(CallbackData, prefix="bi"):
    """Send a team's leaderboard to this group."""

    team: TeamKey


class TurnDeparted(CallbackData, prefix="lf"):
    """Show deals and tasks of a departed manager; page 0: shortened."""

    team: TeamKey
    notice: RowId
    """Id of the delivery."""
    page: PageNumber
    digest: Day | None = None
    """Day of the digest that the view replaced."""


class RevealAdmin(CallbackData, prefix="he"):
    """Tell by a tap who wrote `/bind` in the group's name."""


class MakeInvites(CallbackData, prefix="in"):
    """Make new links for all who have not joined."""

    team: TeamKey


class DisconnectPerson(CallbackData, prefix="dc"):
    """Disconnect a person from the chat that joined."""

    person: RowId
    chat: RowId


class ConfirmList(CallbackData, prefix="li"):
    """Confirm a list that shrank."""

    connection: TeamKey
    question: RowId


class AnswerZero(CallbackData, prefix="ze"):
    """Tell whether a KPI that is zero for everybody is kept in the CRM."""

    team: TeamKey
    kpi: Marked
    word: Word


class DisputeDay(CallbackData, prefix="dd"):
    """Ask which rule of an own day is disputed; `back`: in place, else as a new message."""

    team: TeamKey
    day: Day
    back: bool = False


class DisputeRule(CallbackData, prefix="dr"):
    """Ask why a rule of an own day is disputed."""

    team: TeamKey
    day: Day
    rule: Marked


class DisputeCause(CallbackData, prefix="du"):
    """Ask for a line of text on a disputed rule."""

    team: TeamKey
    day: Day
    rule: Marked
    cause: Word


class FileAppeal(CallbackData, prefix="fa"):
    """File an appeal without a text."""

    team: TeamKey
    day: Day
    rule: Marked
    cause: Word


class CloseDispute(CallbackData, prefix="cd"):
    """Leave the day as it is."""


class WithdrawAppeal(CallbackData, prefix="aw"):
    """Withdraw an own appeal."""

    appeal: RowId


class OpenAppeal(CallbackData, prefix="ao"):
    """Show an appeal, in place; `queue`: with the way back to the queue."""

    appeal: RowId
    queue: bool = False


class ListAppeals(CallbackData, prefix="al"):
    """Show the open appeals, in place."""

    page: PageNumber


class DecideAppeal(CallbackData, prefix="ad"):
    """Ask for the reason of a decision."""

    appeal: RowId
    word: Word


class ChooseReason(CallbackData, prefix="ar"):
    """Decide an appeal for a reason from the list, or ask for the decider's own."""

    appeal: RowId
    word: Word
    reason: Word


class Stay(CallbackData, prefix="st"):
    """Show the position only."""


Tap = TypeVar("Tap", bound=CallbackData)


def read_tap(data: str | None, kinds: Sequence[type[Tap]]) -> Tap | None:
    """Read the data of a tapped button; None for other kinds, and for data that no button carries."""
    prefix, _, values = (data or "").removeprefix(BEFORE_CALLBACK_DATA).partition(":")
    kind = next((kind for kind in kinds if kind.__prefix__ == prefix), None)
    if kind is None:
        return None
    told = values.split(":") if values else []
    if (data or "").startswith(BEFORE_CALLBACK_DATA):
        told += [""] * (len(kind.model_fields) - len(told))
    try:
        return kind.unpack(":".join([prefix, *told]))
    except (TypeError, ValueError):
        return None
