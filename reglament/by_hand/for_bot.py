"""Let the bot pardon, adjust and correct: each act is a single transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from reglament.by_hand import adjusting, correcting, pardoning
from reglament.process import Process
from scoring.scorecard import Outcome
from storage.ledger import by_hand
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.messages.notices import PardonQuestionNotice
from storage.people import people
from storage.values import PointsAct, PointsAuthor


@dataclass(frozen=True, slots=True)
class ActsForBot:
    """Pardon, adjust and correct in the name of a user of the bot (`bot.context.PointsByHand`)."""

    process: Process

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
        """Adjust the points of a person, or (None) of all who were there. Raises PointsRefused, NotFound."""
        async with self.process.db.transaction() as session:
            if crm_user is None:
                return await adjusting.adjust_all(
                    self.process, session, team, points, reason=reason, author=author, day=day, key=key
                )
            who = await people.member(session, self.process.settings.teams[team].crm, crm_user)
            return await adjusting.adjust(
                self.process, session, team, who, points, reason=reason, author=author, day=day, key=key
            )

    async def pardon(self, team: str, day: date, rule: str | None, reason: str, author: PointsAuthor) -> PointsAct:
        """Pardon a day, or one rule on a day. Raises PointsRefused."""
        async with self.process.db.transaction() as session:
            return await pardoning.pardon(self.process, session, team, day, rule, reason=reason, author=author)

    async def pardon_author(self, notice: PardonQuestionNotice, author: PointsAuthor) -> PointsAct:
        """Take the author of a pardon in. Raises PointsRefused."""
        rule = notice.rule or None
        async with self.process.db.transaction() as session:
            return await pardoning.pardon_author(
                self.process, session, notice.team, notice.crm_user, notice.day, rule,
                reason=notice.reason, author=author,
            )  # fmt: skip

    async def correct(self, team: str, seq: int, outcome: Outcome, reason: str, author: PointsAuthor) -> PointsAct:
        """Correct a rule whose last ledger entry is `seq`. Raises PointsRefused, NotFound."""
        async with self.process.db.transaction() as session:
            row, rule = await by_hand.find_rule(session, team, seq)
            if rule is None:
                raise PointsRefused(PointsProblem.NO_RULE, str(row.day))
            who = await people.member(session, self.process.settings.teams[team].crm, row.crm_user)
            return await correcting.correct(
                self.process, session, team, who, row.day, rule.rule, outcome, reason=reason, author=author, shown=seq
            )
