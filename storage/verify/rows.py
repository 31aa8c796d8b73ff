"""Compare the rows that the journal covers with the states that its events tell."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AbsenceRecord, AppealRecord, JournalRowRecord
from storage.db.types import canonical_json
from storage.errors import UNREADABLE
from storage.journal.changes import load_journaled, load_records, states_in
from storage.journal.retold import form_of
from storage.journal.states import COVERED, Covered, text_hash
from storage.values import Problem

_CHUNK = 500
_SHOWN = 20
"""Findings told one by one of a table; the rest is counted."""
_WORDS = {
    "rulebooks": "rulebook",
    "money_versions": "course",
    "periods": "period",
    "teams": "team",
    "people": "person",
    "managers": "account",
    "absences": "absence",
    "appeals": "appeal",
    "invites": "invite",
    "audit_log": "action",
}


@dataclass(slots=True)
class Fold:
    """Hold the last state that a chain tells of each row, as JSON text by table and key; None: removed."""

    states: dict[str, dict[str, str | None]] = field(default_factory=dict)
    form: int = 1
    """Form in which the chain told states last: tables added in later forms are not covered."""

    def take(self, content: Mapping[str, Any]) -> None:
        """Take over the states that an event tells."""
        self.form = form_of(content) or self.form
        for name, row, state in states_in(content):
            self.states.setdefault(name, {})[row] = None if state is None else canonical_json(state)


async def compare(
    session: AsyncSession, chain: int, fold: Fold, team: str, blanked_before: datetime | None
) -> list[Problem]:
    """Compare all rows of a chain with the folded states: missing, added and changed rows, and changed texts.

    `blanked_before`: retention blanked the texts of older rows.
    """
    problems: list[Problem] = []
    for covered in COVERED:
        if covered.belongs_to(chain):
            told = fold.states.pop(covered.name, {})
            table = _Comparison(session, covered, chain, told, blanked_before, is_whole=covered.since <= fold.form)
            found = await table.texts()
            problems += [Problem(team, text) for text in found[:_SHOWN]]
            if len(found) > _SHOWN:
                problems.append(Problem(team, f"{len(found) - _SHOWN} more findings in {covered.name}"))
    problems += [
        Problem(team, f"the journal tells of rows of {name}, which do not belong to it") for name in fold.states
    ]
    return problems


@dataclass(slots=True)
class _Comparison:
    """Compare the rows of a table with the states told."""

    session: AsyncSession
    covered: Covered[Any]
    chain: int
    told: dict[str, str | None]
    blanked_before: datetime | None
    is_whole: bool
    """Whether every row is covered; else only rows that an event tells of."""

    async def texts(self) -> list[str]:
        """Name every row that is not as the journal tells."""
        found: list[str] = []
        async for keys in self._chunks():
            try:
                texts = await self._texts_of(keys)
            except UNREADABLE:  # a row of them: the others are compared all the same
                texts = [text for key in keys for text in await self._text_of(key)]
            found += texts
            self.session.expunge_all()
        gone = [key for key, state in self.told.items() if state is not None]
        return found + [f"{_WORDS[self.covered.name]} {key}: it was removed" for key in sorted(gone)]

    async def _texts_of(self, keys: Sequence[str]) -> list[str]:
        """Compare rows with the states told. Raises an error of UNREADABLE, and then has taken nothing."""
        records = await load_records(self.session, self.covered, keys)
        journaled = await load_journaled(self.session, self.covered.name, keys)
        texts = {key: self._difference(records[key], self.told.get(key), journaled.get(key)) for key in keys}
        for key in keys:
            self.told.pop(key, None)
        return [f"{_WORDS[self.covered.name]} {key}: {text}" for key, text in texts.items() if text]

    async def _text_of(self, key: str) -> list[str]:
        """Compare a single row, which may not be readable."""
        try:
            return await self._texts_of([key])
        except UNREADABLE:
            self.told.pop(key, None)
            return [f"{_WORDS[self.covered.name]} {key}: it cannot be read: it was altered"]

    async def _chunks(self) -> AsyncIterator[Sequence[str]]:
        """Iterate over the keys of the stored rows of the chain, in chunks."""
        table = self.covered.record.__table__
        assert isinstance(table, Table)  # noqa: S101  # a mapped class of ours has a table
        query = select(*self.covered.keys)
        if self.covered.of_team:
            query = query.where(table.c.team_id == self.chain)
        key = self.covered.keys[-1]
        query, after = query.order_by(key).limit(_CHUNK), None
        while True:
            rows = (await self.session.execute(query if after is None else query.where(key > after))).all()
            after = rows[-1][-1] if rows else None
            yield [":".join(map(str, row)) for row in rows]
            if len(rows) < _CHUNK:
                return

    def _difference(self, record: Any, told: str | None, row: JournalRowRecord | None) -> str:
        """Say how a row differs from the state told; empty for a row that is as told."""
        if told is None:
            return "no event of the journal tells of it" if self.is_whole else ""
        said: dict[str, Any] = json.loads(told)
        if row is None or row.state != said:
            return "the state kept beside the journal is another than the events tell"
        if not row.salt and said.get("texts") and not self._may_be_blank(record):
            return "the salt of its texts was removed, though no retention had come to it"
        now: dict[str, Any] = json.loads(canonical_json(self.covered.state(record, row)))
        told_texts, told_lasting = said.pop("texts", {}), said.pop("lasting", None)
        now.pop("texts", None)
        lasting = now.pop("lasting", None)
        changed = self._changed(said, now)
        if row.salt:
            changed += self._changed(told_texts, self._texts_now(record, row, told_texts))
        if told_lasting is not None:
            changed += self._changed(told_lasting, lasting or {})
        return f"changed without an event: {', '.join(changed)}" if changed else ""

    def _changed(self, said: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
        """List what is another now; a state of an earlier form says nothing of what was added since."""
        later = self.covered.later - said.keys()
        return sorted(name for name in (now.keys() | said.keys()) - later if now.get(name) != said.get(name))

    def _texts_now(self, record: Any, row: JournalRowRecord, told: Mapping[str, Any]) -> dict[str, str]:
        """Hash the texts of a row; states of form 1 tell names that last with the other texts."""
        texts = self.covered.texts(record)
        return {
            name: text_hash(row.salt, name, text)
            for name, text in texts.items()
            if text and (name in told or name not in self.covered.lasting)
        }

    def _may_be_blank(self, record: Any) -> bool:
        """Tell whether retention blanked the texts of a row."""
        if self.blanked_before is None:
            return False
        if isinstance(record, AppealRecord):
            return not record.text and not record.decision and record.filed_at < self.blanked_before
        return isinstance(record, AbsenceRecord) and not record.note and record.created_at < self.blanked_before
