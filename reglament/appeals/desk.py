"""Offer the acts on appeals to the bot."""

from __future__ import annotations

from datetime import date

from reglament.appeals.acts import decide_appeal, file_appeal, why_not, withdraw_appeal
from reglament.process import Process
from storage.errors import AppealRefused
from storage.values import Appeal, AppealCause, AppealState, Member


class AppealDesk:
    """Act on appeals as `bot.context.Appeals` promises."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def why_not(self, who: Member, team: str, day: date) -> AppealRefused | None:
        """Tell why nothing of a manager's day can be appealed any more; None while the term of a rule runs."""
        return await why_not(self._process, who, team, day)

    async def file(
        self, who: Member, team: str, day: date, rule: str, cause: AppealCause, text: str, author: str
    ) -> Appeal:
        """File an appeal; the CRM is asked first."""
        return (await file_appeal(self._process, who, team, day, rule, cause, text, author)).appeal

    async def decide(
        self, appeal_id: int, state: AppealState, *, author: str, reason: str, person_id: int | None
    ) -> Appeal:
        """Decide an appeal."""
        process = self._process
        async with process.db.transaction() as session:
            act = await decide_appeal(
                process, session, appeal_id, state, author=author, reason=reason, person_id=person_id
            )
        return act.appeal

    async def withdraw(self, appeal_id: int, *, author: str, person_id: int) -> Appeal:
        """Withdraw an own appeal."""
        async with self._process.db.transaction() as session:
            act = await withdraw_appeal(self._process, session, appeal_id, author=author, person_id=person_id)
        return act.appeal
