"""Describe the bot's surroundings: teams as in the settings, live readings, exports, shared values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from bot.cache import Shared
from bot.screens.view import View
from reports.summary.summary import Summary
from scoring.crm_names import CrmNames
from scoring.entries import Month
from scoring.payout import MoneyTerms
from scoring.rules import Rulebook
from scoring.scorecard import Outcome, Scorecard
from scoring.snapshot import Snapshot
from scoring.standings import Leaderboard
from scoring.workdays import WorkCalendar
from storage.db.database import Database
from storage.errors import AppealRefused
from storage.messages.notices import PardonQuestionNotice
from storage.values import Appeal, AppealCause, AppealState, Day, Member, PointsAct, PointsAuthor


@dataclass(frozen=True, slots=True)
class TeamContext:
    """Describe a team as in the settings now."""

    key: str
    title: str
    connection: str
    calendar: WorkCalendar
    rulebook: Rulebook
    """Rules in force for the running window."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """Reasons for rules as in the settings, by rule id; other rules have the shipped reasons."""
    money: MoneyTerms | None = None
    board: Literal["top", "full", "off"] = "top"
    pictures: Literal["light", "dark"] = "light"
    heads: frozenset[int] = frozenset()
    """Telegram user ids of heads in the settings; the database may add more."""
    hr: frozenset[int] = frozenset()
    chat_id: int | None = None
    """The group in the settings; None: the group stored by `/bind`."""
    thread_id: int | None = None
    reminder_minutes: int = 30
    crm_host: str = ""
    """Host of the CRM; links to other hosts are not shown."""

    @property
    def currency(self) -> str:
        """Return the team's currency, whose sums are shown first."""
        return self.money.currency if self.money else MoneyTerms().currency


@dataclass(frozen=True, slots=True)
class LiveReading:
    """Hold a team's KPIs as at the running window's cutoff, read at `read_at`; never stored."""

    team: str
    day: date
    """The business day whose window is running."""
    read_at: datetime
    snapshots: tuple[Snapshot, ...]
    rulebook: Rulebook
    """Rules that will judge the running window."""


class Live(Protocol):
    """Read teams for `/today` and the reminder: one reading per connection at a time, shared for 5 minutes."""

    async def fresh(self, team: str, now: datetime) -> LiveReading | None:
        """Return the last reading at once if at most 5 minutes old, else None."""

    async def last(self, team: str) -> LiveReading | None:
        """Return the last reading at once, of any age."""

    async def read(self, team: str, now: datetime) -> LiveReading | None:
        """Read the CRM, once for all who ask meanwhile; return None this close to a cutoff.

        Raises LiveUnavailable if the CRM cannot be read.
        """


class LiveUnavailable(Exception):
    """Tell that the CRM could not be read for `/today`; the text is for people."""


class Names(Protocol):
    """Tell the CRM's names of what the settings name by id."""

    async def of(self, connection: str) -> CrmNames:
        """Return the names of a connection as known last; empty as long as the CRM has told none."""


class NoNames:
    """Know no names: ids are shown as the settings spell them."""

    async def of(self, connection: str) -> CrmNames:
        """Return no names."""
        return CrmNames()


class Exporter(Protocol):
    """Make the files for HR."""

    async def export(self, team: str, period: Month, *, by: str, fmt: Literal["xlsx", "csv"]) -> tuple[str, bytes]:
        """Return file name and content of a team's month."""


class Appeals(Protocol):
    """Act on appeals; every act raises AppealRefused or NotFound."""

    async def why_not(self, who: Member, team: str, day: date) -> AppealRefused | None:
        """Tell why nothing of a manager's day can be appealed any more; None while the term of a rule runs."""

    async def file(
        self, who: Member, team: str, day: date, rule: str, cause: AppealCause, text: str, author: str
    ) -> Appeal:
        """File an appeal; the CRM is asked first."""

    async def decide(
        self, appeal_id: int, state: AppealState, *, author: str, reason: str, person_id: int | None
    ) -> Appeal:
        """Decide an appeal."""

    async def withdraw(self, appeal_id: int, *, author: str, person_id: int) -> Appeal:
        """Withdraw an own appeal."""


class PointsByHand(Protocol):
    """Pardon, adjust and correct, each act in a transaction of its own. Every act raises PointsRefused, NotFound."""

    async def adjust(
        self,
        team: str,
        crm_user: str | None,
        points: int,
        day: date | None,
        key: str,
        reason: str,
        author: PointsAuthor,
    ) -> PointsAct:
        """Adjust the points of a person, or (None) of all who were there; the same `key` again changes nothing."""

    async def pardon(self, team: str, day: date, rule: str | None, reason: str, author: PointsAuthor) -> PointsAct:
        """Pardon a day, or one rule on a day, for the whole team."""

    async def pardon_author(self, notice: PardonQuestionNotice, author: PointsAuthor) -> PointsAct:
        """Take the author of a pardon in, as an owner confirms."""

    async def correct(self, team: str, seq: int, outcome: Outcome, reason: str, author: PointsAuthor) -> PointsAct:
        """Correct a rule whose last ledger entry is `seq`; refused after another entry."""


@dataclass(slots=True)
class BotAccount:
    """Hold the bot's account in Telegram; the user name is learnt from Telegram's answer to getMe."""

    username: str = ""
    """Empty: not known yet, or no bot (the demo on a terminal)."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """Hold the surroundings of all handlers and deliveries."""

    db: Database
    teams: Mapping[str, TeamContext]
    live: Live
    exporter: Exporter
    points: PointsByHand
    names: Names = field(default_factory=NoNames, compare=False)
    appeals: Appeals | None = field(default=None, compare=False)
    """None: nothing can be appealed (the demo on a terminal)."""
    company: str = ""
    language: Literal["ru", "en"] = "ru"
    admins: frozenset[int] = field(default_factory=frozenset)
    bot: BotAccount = field(default_factory=BotAccount, compare=False)
    days: Shared[Day | None] = field(default_factory=Shared, compare=False)
    boards: Shared[Leaderboard] = field(default_factory=Shared, compare=False)
    summaries: Shared[Summary] = field(default_factory=Shared, compare=False)
    digests: Shared[View] = field(default_factory=Shared, compare=False)
    standings: Shared[list[Scorecard]] = field(default_factory=Shared, compare=False)
    """Scorecards by live reading."""
