"""Answer whether a KPI that is zero for everybody is kept in the CRM, for `reglament answer`."""

from __future__ import annotations

from reglament.config.settings import Settings
from reglament.process import open_process
from reglament.witnesses.anchoring import anchor_once
from storage.people import zero_questions

AUTHOR = "reglament answer"


async def answer(settings: Settings, team: str, kpi: str, *, is_kept: bool) -> None:
    """Note the answer. Raises Refused if nothing was asked about the KPI."""
    async with open_process(settings) as process:
        async with process.db.transaction() as session:
            await zero_questions.answer(session, team, kpi, is_kept=is_kept, author=AUTHOR, at=process.now())
        await anchor_once(process)
