"""Define why points by hand are refused: the reason as a value, for the words of the bot (docs/product.md §13, §19)."""

from __future__ import annotations

from enum import StrEnum

from storage.errors import Refused


class PointsProblem(StrEnum):
    """Name the reasons for refusing a pardon, an adjustment or a correction by hand."""

    NO_AUTHOR = "no_author"
    NO_REASON = "no_reason"
    TOO_LONG = "too_long"
    """The reason is too long."""
    NO_POINTS = "no_points"
    """No points, or more than a slip of the hand may book."""
    FUTURE = "future"
    """The day is not over."""
    TOO_EARLY = "too_early"
    """The day is from before the first scored day of the team."""
    NOT_SCORED = "not_scored"
    """The day has no finished run."""
    NOTHING_BROKEN = "nothing_broken"
    """No broken rule is in force: there is nothing to pardon."""
    NO_RULE = "no_rule"
    """The manager has no such rule on the day."""
    NOT_JUDGED = "not_judged"
    """The rule was neither kept nor broken."""
    ABSENT = "absent"
    """The manager was absent on the day."""
    NOT_THERE = "not_there"
    """The manager is in another team, or in none."""
    NOBODY = "nobody"
    """Nobody of the team was there."""
    CHANGED = "changed"
    """The judgement was changed since it was shown."""
    OVER_LIMIT = "over_limit"
    """More points than `adjust_limit` leaves in the calendar month."""
    OWNER_ONLY = "owner_only"
    """The owner alone corrects to broken."""
    OWN = "own"
    """Nobody books points about himself: the owner decides."""
    OTHER_OWNER = "other_owner"
    """An owner's own points are decided by another owner."""


_TEXTS = {
    PointsProblem.NO_AUTHOR: "points by hand need an author with a name of at most {detail} characters",
    PointsProblem.NO_REASON: "points by hand need a reason",
    PointsProblem.TOO_LONG: "a reason has at most {detail} characters",
    PointsProblem.NO_POINTS: "write points from 1 to {detail}, with + or -",
    PointsProblem.FUTURE: "{detail} is still to come",
    PointsProblem.TOO_EARLY: "the team is scored since {detail}: earlier days have no points",
    PointsProblem.NOT_SCORED: "{detail} was not scored, so nothing was taken on that day; `adjust` gives points",
    PointsProblem.NOTHING_BROKEN: "no broken rule of {detail} is in force: there is nothing to pardon",
    PointsProblem.NO_RULE: "no such rule was judged for this manager on {detail}",
    PointsProblem.NOT_JUDGED: "the rule was neither kept nor broken on {detail}; `adjust` gives points instead",
    PointsProblem.ABSENT: "the manager was absent on {detail}: cancel the absence instead",
    PointsProblem.NOT_THERE: "the manager is not in the team {detail}",
    PointsProblem.NOBODY: "nobody of the team was there on {detail}",
    PointsProblem.CHANGED: "the judgement was changed meanwhile, look again",
    PointsProblem.OVER_LIMIT: "by hand at most {detail} points may be moved for a person in a calendar month "
    "(adjust_limit); more is for the owner",
    PointsProblem.OWNER_ONLY: "the owner alone corrects a rule to broken",
    PointsProblem.OWN: "nobody books points about himself: the owner decides",
    PointsProblem.OTHER_OWNER: "an owner's own points are decided by another owner",
}


class PointsRefused(Refused):
    """Report points by hand that are refused; `detail` completes the text: a day, a number, a team."""

    def __init__(self, problem: PointsProblem, detail: str = "") -> None:
        self.problem, self.detail = problem, detail
        super().__init__(_TEXTS[problem].format(detail=detail))
