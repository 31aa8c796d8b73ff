"""Describe the content of each kind of delivery; `notice_codec` translates notices to stored JSON and back.

A notice holds facts and no words: the text is rendered when the delivery is sent. A delivery is unique by event, kind
and recipient; the chat of a recipient is looked up when the delivery is sent, because chats move. The JSON keys are
the field names of the notices and stay as version 0.1.0 stored them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from scoring.snapshot import Reading


class DeliveryKind(StrEnum):
    """Name the kinds of deliveries, as stored."""

    PERSONAL = "personal"
    BOARD = "board"
    DIGEST = "digest"
    REMINDER = "reminder"
    CORRECTION = "correction"
    ADJUSTED = "adjusted"
    PARDONED = "pardoned"
    PARDON_QUESTION = "pardon_question"
    DELAYED = "delayed"
    NO_DATA = "no_data"
    UNREAD_DAY = "unread_day"
    ALARM = "alarm"
    RIGHTS_MISSING = "rights_missing"
    ZERO_QUESTION = "zero_question"
    SHRUNKEN_LIST = "shrunken_list"
    DEPARTED = "departed"
    APPEAL = "appeal"
    CHANNEL_OFF = "channel_off"
    TROUBLE = "trouble"
    JOINED = "joined"
    DAY_UNSCORED = "day_unscored"
    PINNED_BOARD = "pinned_board"
    PIN_REFUSED = "pin_refused"


class Whose(StrEnum):
    """Name the use of a chat in a team."""

    MANAGER = "manager"
    HEAD = "head"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Hold the content of a delivery; each subclass belongs to a kind of delivery."""

    kind: ClassVar[DeliveryKind]
    team: str
    """Key of the team."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EveningNotice(Notice):
    """Announce a manager's score of a day, to the manager."""

    kind: ClassVar = DeliveryKind.PERSONAL
    day: date
    crm_user: str
    earlier: tuple[date, ...] = ()
    """Days caught up together with `day`; each gets a line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionNotice(Notice):
    """Announce a changed score of a day: the evening message is edited and answered by a short reply."""

    kind: ClassVar = DeliveryKind.CORRECTION
    day: date
    crm_user: str
    seq: int | None = None
    """Ledger entry that changed the score."""
    earlier: tuple[date, ...] = ()
    """Days caught up in the evening message that is edited."""
    absence: int | None = None
    """Absence that changed the score; the short reply then tells of the absence."""
    cancelled: bool = False
    """The absence was cancelled, not recorded."""
    told: bool = True
    """Whether to reply: of the days of an absence the last edited message alone gets the reply."""
    appeal: int | None = None
    """Appeal that was decided; the short reply then tells the decision."""
    pardoned: str | None = None
    """KPI that was pardoned for the whole team; empty: the whole day; None: no pardon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealNotice(Notice):
    """Ask a head to decide an appeal, or tell an owner of an appeal that waits."""

    kind: ClassVar = DeliveryKind.APPEAL
    appeal: int
    stage: str = "filed"
    """`filed`, `reminder` or `owner`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedNotice(Notice):
    """Tell a person of points by hand."""

    kind: ClassVar = DeliveryKind.ADJUSTED
    day: date
    crm_user: str
    seq: int
    """Ledger entry with points, reason and author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PardonedNotice(Notice):
    """Tell a member without broken rules that a day was pardoned for the whole team."""

    kind: ClassVar = DeliveryKind.PARDONED
    day: date
    kpi: str
    """KPI that was pardoned; empty: the whole day."""
    seq: int
    """Ledger entry with reason and author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PardonQuestionNotice(Notice):
    """Ask an owner whether a pardon takes its author in."""

    kind: ClassVar = DeliveryKind.PARDON_QUESTION
    day: date
    crm_user: str
    rule: str
    """Rule that was pardoned; empty: the whole day."""
    rules: int
    """Number of broken rules of the author."""
    author: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardNotice(Notice):
    """Announce the leaderboard of a day, to the group; never edited."""

    kind: ClassVar = DeliveryKind.BOARD
    day: date
    earlier: tuple[date, ...] = ()
    """Days caught up together with `day`; a day that was not scored is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUnscoredNotice(Notice):
    """Tell the group that nobody was scored on a day."""

    kind: ClassVar = DeliveryKind.DAY_UNSCORED
    day: date
    earlier: tuple[date, ...] = ()
    """Days caught up together with `day`, as a board names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedBoardNotice(Notice):
    """Show the latest standings in the pinned message of the group, which is edited after each day."""

    kind: ClassVar = DeliveryKind.PINNED_BOARD
    day: date
    thread: int | None = None
    """Topic of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRefusedNotice(Notice):
    """Tell a head, else an admin, that the bot may not pin messages in the group."""

    kind: ClassVar = DeliveryKind.PIN_REFUSED
    chat: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestNotice(Notice):
    """Sum up a day for a head."""

    kind: ClassVar = DeliveryKind.DIGEST
    day: date
    earlier: tuple[date, ...] = ()
    """Days caught up together with `day`; each gets a line."""
    problem: str = ""
    """Why nothing of the day could be read; empty if anything was."""
    refused: bool = False
    """The CRM refuses requests until a person acts."""
    cause: str = ""
    """End of a text key `problem-…`, for people; `problem` is for operators."""
    departed: tuple[int, ...] = ()
    """Ids of the deliveries, not sent by themselves, that tell of managers who left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderNotice(Notice):
    """Remind a manager before the cutoff of rules that would be broken."""

    kind: ClassVar = DeliveryKind.REMINDER
    day: date
    crm_user: str
    readings: Mapping[str, Reading]
    """KPI readings as of the reminder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayedNotice(Notice):
    """Tell a head that the CRM does not answer and the score comes later."""

    kind: ClassVar = DeliveryKind.DELAYED
    day: date
    retry_until: datetime
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoDataNotice(Notice):
    """Tell heads and admins which KPIs of a day could not be read until the deadline."""

    kind: ClassVar = DeliveryKind.NO_DATA
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadDayNotice(Notice):
    """Tell heads and admins that nothing of a day could be read or scored until the deadline."""

    kind: ClassVar = DeliveryKind.UNREAD_DAY
    day: date
    problem: str
    cause: str = ""
    """End of a text key `problem-…`, for people; `problem` is for operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmNotice(Notice):
    """Tell an admin that the CRM refuses requests until a person acts."""

    kind: ClassVar = DeliveryKind.ALARM
    day: date
    connection: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsMissingNotice(Notice):
    """Tell an admin which KPIs need a right that the CRM's key lacks."""

    kind: ClassVar = DeliveryKind.RIGHTS_MISSING
    day: date
    connection: str
    kpis: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroQuestionNotice(Notice):
    """Ask an admin whether a KPI that is zero for everybody is kept in the CRM at all."""

    kind: ClassVar = DeliveryKind.ZERO_QUESTION
    day: date
    connection: str
    kpi: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrunkenListNotice(Notice):
    """Ask an admin whether a list that shrank too much at once is right."""

    kind: ClassVar = DeliveryKind.SHRUNKEN_LIST
    day: date
    connection: str
    question: int
    """Number of the entry of the audit log that notes the list."""
    what: str
    """`users`, `deals` or `tasks`."""
    known: int
    """Number of entries at the last reading."""
    lost: int
    names: tuple[str, ...] = ()
    """Names of lost users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartedNotice(Notice):
    """Tell a head that a manager left the CRM and open deals need a new owner."""

    kind: ClassVar = DeliveryKind.DEPARTED
    day: date
    crm_user: str
    name: str
    readings: Mapping[str, Reading] | None = None
    """KPI readings of the departed manager on `day`; None: the CRM was not read since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOffNotice(Notice):
    """Tell a head, or of a head's chat an admin, that a chat takes no messages any more."""

    kind: ClassVar = DeliveryKind.CHANNEL_OFF
    teams: tuple[str, ...]
    """Keys of all teams concerned; `team` is the first."""
    whose: Whose
    name: str
    """Name of the person; empty: only the chat id is known."""
    chat: int
    reason: str
    """End of a text key `channel-…`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleNotice(Notice):
    """Tell an admin of a trouble of the service that no other notice tells; `team` may be any team."""

    kind: ClassVar = DeliveryKind.TROUBLE
    trouble: str
    """End of a text key `trouble-…`."""
    since: datetime
    day: date | None = None
    detail: str = ""
    """A number, or the name of a loop, for the text."""
    problem: str = ""
    """A line for operators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedNotice(Notice):
    """Tell an admin who joined the bot; `team` may be any team."""

    kind: ClassVar = DeliveryKind.JOINED
    person: int
    """Id of the person."""
    chat: int
    name: str
    account: str
    """Name in Telegram."""
    username: str = ""


def run_event(run_id: int) -> str:
    """Name the event of a run; the id outlives a renamed team."""
    return f"run:{run_id}"


def reminder_event(team: str, day: date) -> str:
    """Name the event of the reminder before a team's cutoff."""
    return f"reminder:{team}:{day}"


def to_person(person_id: int) -> str:
    """Name a person as recipient, in the chat connected when the delivery is sent."""
    return f"person:{person_id}"


def to_telegram(telegram_id: int) -> str:
    """Name a Telegram user of the settings as recipient, also without a row in the database."""
    return f"tg:{telegram_id}"


def to_group(team: str) -> str:
    """Name the group or topic of a team's leaderboard as recipient (settings, else /bind)."""
    return f"group:{team}"
