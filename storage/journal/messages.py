"""Hash the messages of a day for the journal: who was to be told of which kind of news, and the facts of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import DeliveryRecord
from storage.db.types import canonical_json
from storage.journal.states import text_hash
from storage.messages.notices import run_event, to_group

_TEAM = frozenset({"team", "teams"})
"""Facts of a notice that change when a team is renamed; the event names the run, and so the team, by id."""


@dataclass(frozen=True, slots=True)
class DayMessages:
    """Hold the deliveries of a run: kind, recipient and facts of each, in a fixed order."""

    rows: tuple[tuple[str, str, dict[str, Any]], ...]
    newest: datetime | None
    """Instant of the newest delivery."""

    @classmethod
    async def load(cls, session: AsyncSession, run_id: int) -> Self:
        """Load the deliveries of a run, whatever became of each."""
        return (await cls.load_of(session, [run_id]))[run_id]

    @classmethod
    async def load_of(cls, session: AsyncSession, run_ids: Collection[int]) -> dict[int, Self]:
        """Load the deliveries of each run."""
        row = DeliveryRecord
        events = {run_event(run_id): run_id for run_id in run_ids}
        query = select(row.event, row.kind, row.recipient, row.reference, row.created_at).where(row.event.in_(events))
        found: dict[int, list[Any]] = {run_id: [] for run_id in run_ids}
        for event, *delivery in await session.execute(query):
            found[events[event]].append(delivery)
        return {run_id: cls._of(deliveries) for run_id, deliveries in found.items()}

    @classmethod
    def _of(cls, deliveries: Sequence[Any]) -> Self:
        rows = [(kind, _without_team(recipient), facts) for kind, recipient, facts, _ in deliveries]
        rows.sort(key=lambda row: row[:2])  # unique by event, kind and recipient
        return cls(tuple(rows), max((at for *_, at in deliveries), default=None))

    @property
    def is_blank(self) -> bool:
        """Tell whether retention blanked the facts of a delivery."""
        return any(not facts for _, _, facts in self.rows)

    def people_hash(self, salt: str) -> str:
        """Hash kinds and recipients."""
        return _hash(salt, "people", ([kind, recipient] for kind, recipient, _ in self.rows))

    def facts_hash(self, salt: str) -> str:
        """Hash kinds, recipients and facts."""
        rows = (
            [kind, recipient, {name: fact for name, fact in facts.items() if name not in _TEAM}]
            for kind, recipient, facts in self.rows
        )
        return _hash(salt, "facts", rows)


def _hash(salt: str, name: str, rows: Iterable[list[Any]]) -> str:
    return text_hash(salt, name, canonical_json(list(rows)))


def _without_team(recipient: str) -> str:
    return to_group("") if recipient.startswith(to_group("")) else recipient
