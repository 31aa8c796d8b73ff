"""What the process hands to the bot: the teams as settings have them, and what only the process can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from bot.cache import Shared
from bot.screens.view import View
from reports.summary.summary import Summary
from scoring.entries import Month
from scoring.payout import MoneyTerms
from scoring.rules import Rulebook
from scoring.scorecard import Scorecard
from scoring.snapshot import Snapshot
from scoring.standings import Leaderboard
from scoring.workdays import WorkCalendar
from storage.db.database import Database
from storage.values import Day


@dataclass(frozen=True, slots=True)
class TeamContext:
    """A team as the settings have it now."""

    key: str
    title: str
    connection: str
    calendar: WorkCalendar
    rulebook: Rulebook
    """In force for the running window."""
    money: MoneyTerms | None = None
    board: Literal["top3", "full", "off"] = "top3"
    heads: frozenset[int] = frozenset()
    """Telegram user ids from the settings; the database may add more."""
    hr: frozenset[int] = frozenset()
    chat_id: int | None = None
    """The group from the settings; None: what `/bind` stored."""
    thread_id: int | None = None
    reminder_minutes: int = 30
    crm_host: str = ""
    """Links to any other host are not shown."""


@dataclass(frozen=True, slots=True)
class LiveReading:
    """How a team stands as if the cutoff were at `read_at`. Never stored."""

    team: str
    day: date
    """The business day whose window is running."""
    read_at: datetime
    snapshots: tuple[Snapshot, ...]
    rulebook: Rulebook
    """The one that will judge the running window."""


class Live(Protocol):
    """Readings for `/today` and the reminder: one per connection at a time, at most 5 minutes old."""

    async def fresh(self, team: str, now: datetime) -> LiveReading | None:
        """The last reading if it is at most 5 minutes old; answers at once."""

    async def last(self, team: str) -> LiveReading | None:
        """The last reading, however old; answers at once."""

    async def read(self, team: str, now: datetime) -> LiveReading | None:
        """A new reading, shared by all who ask meanwhile.

        None when none may start this close to a cutoff. Raises LiveUnavailable when the CRM cannot be read.
        """


class LiveUnavailable(Exception):
    """The CRM could not be read for `/today`; the text is for people."""


class Exporter(Protocol):
    """Makes the file that HR gets."""

    async def export(self, team: str, period: Month, *, by: str, fmt: Literal["xlsx", "csv"]) -> tuple[str, bytes]:
        """File name and content."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """Everything the bot works with."""

    db: Database
    teams: Mapping[str, TeamContext]
    live: Live
    exporter: Exporter
    company: str = ""
    language: Literal["ru", "en"] = "ru"
    admins: frozenset[int] = field(default_factory=frozenset)
    days: Shared[Day | None] = field(default_factory=Shared, compare=False)
    boards: Shared[Leaderboard] = field(default_factory=Shared, compare=False)
    summaries: Shared[Summary] = field(default_factory=Shared, compare=False)
    digests: Shared[View] = field(default_factory=Shared, compare=False)
    standings: Shared[list[Scorecard]] = field(default_factory=Shared, compare=False)
    """By live reading."""
