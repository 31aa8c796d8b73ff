"""Hold the results of storage besides the values of `scoring`, by subject: frozen, neutral, without sessions."""

from __future__ import annotations

from storage.values.appeals import Appeal, AppealCause, AppealCounts, AppealState, Recheck
from storage.values.by_hand import PointsAct, PointsAuthor, RuleOfDay
from storage.values.days import (
    Day,
    JudgedDay,
    LostDeal,
    Run,
    RunDates,
    RunLease,
    RunState,
    Scorecards,
    StoredSnapshot,
    WonFigures,
)
from storage.values.ledger import CompanyVerification, Period, PeriodState, Problem, ToldTeam, Verification, Witnessed
from storage.values.messages import Delivery, DeliveryState
from storage.values.people import (
    Absence,
    AbsenceKind,
    AbsenceState,
    Channel,
    Invite,
    Member,
    Person,
    Role,
    RoleGrant,
    Team,
)

__all__ = [
    "Absence",
    "AbsenceKind",
    "AbsenceState",
    "Appeal",
    "AppealCause",
    "AppealCounts",
    "AppealState",
    "Channel",
    "CompanyVerification",
    "Day",
    "Delivery",
    "DeliveryState",
    "Invite",
    "JudgedDay",
    "LostDeal",
    "Member",
    "Period",
    "PeriodState",
    "Person",
    "PointsAct",
    "PointsAuthor",
    "Problem",
    "Recheck",
    "Role",
    "RoleGrant",
    "RuleOfDay",
    "Run",
    "RunDates",
    "RunLease",
    "RunState",
    "Scorecards",
    "StoredSnapshot",
    "Team",
    "ToldTeam",
    "Verification",
    "Witnessed",
    "WonFigures",
]
