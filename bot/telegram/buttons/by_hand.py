"""Describe the data of buttons that pardon, adjust and correct; the rules of `bot.telegram.callbacks` hold."""

from __future__ import annotations

from typing import Annotated

from aiogram.filters.callback_data import CallbackData
from pydantic import Field

from bot.telegram.callbacks import Day, Marked, PageNumber, RowId, TeamKey

Points = Annotated[int, Field(ge=-1000, le=1000)]
Why = Annotated[str, Field(pattern=r"^[a-z]{1,8}$")]
"""Key of a ready reason."""


class ListAdjustable(CallbackData, prefix="jl"):
    """Turn the list of `/adjust` without a name."""

    page: PageNumber


class AdjustPerson(CallbackData, prefix="jp"):
    """Ask how many points a person gets by hand."""

    team: TeamKey
    user: Marked


class AdjustPoints(CallbackData, prefix="jn"):
    """Ask why a person gets points by hand."""

    team: TeamKey
    user: Marked
    points: Points


class AdjustReason(CallbackData, prefix="jr"):
    """Adjust a person's points for a reason of the list."""

    team: TeamKey
    user: Marked
    points: Points
    why: Why


class ListPardonable(CallbackData, prefix="pl"):
    """Ask again which day to pardon."""

    team: TeamKey


class PardonDay(CallbackData, prefix="pd"):
    """Ask what of a day to pardon."""

    team: TeamKey
    day: Day


class PardonRule(CallbackData, prefix="pr"):
    """Ask why to pardon a day, or one rule."""

    team: TeamKey
    day: Day
    rule: Marked | None = None


class PardonReason(CallbackData, prefix="ps"):
    """Pardon a day, or one rule, for a reason of the list."""

    team: TeamKey
    day: Day
    rule: Marked | None
    why: Why


class ConfirmPardon(CallbackData, prefix="pq"):
    """Take the author of a pardon in, as an owner confirms."""

    team: TeamKey
    notice: RowId
    """Id of the delivery that asks."""


class CorrectDay(CallbackData, prefix="kd"):
    """Ask which rule of a manager's day to correct."""

    team: TeamKey
    day: Day
    user: Marked


class CorrectRule(CallbackData, prefix="kr"):
    """Ask to what to correct a rule, and why."""

    team: TeamKey
    seq: RowId
    """Last ledger entry about the rule."""


class CorrectReason(CallbackData, prefix="kw"):
    """Correct a rule for a reason of the list; without a reason ask for one."""

    team: TeamKey
    seq: RowId
    outcome: Annotated[str, Field(pattern="^(kept|excused|broken)$")]
    why: Why | None = None
