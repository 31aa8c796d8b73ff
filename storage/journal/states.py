"""Describe the rows that the journal covers: what of a row moves money or blame, and what a change is called."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, inspect

from storage.db.models import (
    AbsenceRecord,
    AuditRecord,
    Base,
    ManagerRecord,
    MoneyVersionRecord,
    PeriodRecord,
    PersonRecord,
    RulebookRecord,
    TeamRecord,
)
from storage.db.types import canonical_json, instant_text
from storage.journal.chain import COMPANY
from storage.journal.kinds import JournalKind
from storage.values import AbsenceState, PeriodState

R = TypeVar("R", bound=Base)
State = Mapping[str, Any]
Kinds = Callable[[State, State], JournalKind]


@dataclass(frozen=True)
class Covered(Generic[R]):
    """Describe how the journal covers a table."""

    record: type[R]
    plain: Callable[[R], dict[str, Any]]
    """Columns that stand in the journal as they are: ids, numbers, days."""
    kind: Kinds
    """Name a change from the state before (empty: a new row) to the state after."""
    texts: Callable[[R], dict[str, str | None]] = lambda _row: {}
    """Names, reasons and addresses: in the journal only as salted hashes, so that retention may blank them."""
    of_team: bool = False
    """Whether each row belongs to a team, so to the chain of that team; all other rows to the company's."""

    @property
    def name(self) -> str:
        """Return the name of the table."""
        return str(self.record.__tablename__)

    def chain(self, record: R) -> int:
        """Return the chain that covers a row."""
        return int(record.team_id) if self.of_team else COMPANY  # type: ignore[attr-defined]

    def belongs_to(self, chain: int) -> bool:
        """Tell whether a chain covers rows of the table."""
        return self.of_team == (chain != COMPANY)

    @property
    def keys(self) -> list[ColumnElement[Any]]:
        """Return the columns of the primary key."""
        return list(inspect(self.record).primary_key)

    def row_of(self, record: R) -> str:
        """Return the primary key as text."""
        return ":".join(map(str, inspect(self.record).primary_key_from_instance(record)))

    def state(self, record: R, salt: str) -> dict[str, Any]:
        """Return the state of a row; texts hashed with `salt`."""
        hashes = {name: text_hash(salt, name, text) for name, text in self.texts(record).items() if text}
        return _plain(self.plain(record)) | ({"texts": hashes} if hashes else {})


def text_hash(salt: str, name: str, text: str) -> str:
    """Hash a text with the salt of its row."""
    return hashlib.sha256("\0".join((salt, name, text)).encode()).hexdigest()


def content_hash(content: Any) -> str:
    """Hash plain data, whole: 12 digits of a version name a text, and prove little."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write instants and days as text."""
    return {
        name: instant_text(value) if isinstance(value, datetime) else str(value) if isinstance(value, date) else value
        for name, value in values.items()
    }


def _always(kind: JournalKind) -> Kinds:
    return lambda _old, _new: kind


def _version(row: RulebookRecord | MoneyVersionRecord) -> dict[str, Any]:
    return {"version": row.version, "content": content_hash(row.content), "valid_from": row.valid_from}


def _absence_kind(old: State, new: State) -> JournalKind:
    if not old:
        return JournalKind.ABSENCE_RECORDED
    return JournalKind.ABSENCE_CANCELLED if new["state"] == AbsenceState.CANCELLED else JournalKind.ABSENCE_DECIDED


def _period_kind(_old: State, new: State) -> JournalKind:
    return JournalKind.PERIOD_LOCKED if new["state"] == PeriodState.LOCKED else JournalKind.PERIOD_APPROVED


def _person_kind(old: State, new: State) -> JournalKind:
    if not old:
        return JournalKind.PERSON_ADDED
    before, after = ([tuple(grant) for grant in state["roles"]] for state in (old, new))
    if before != after:
        return JournalKind.ROLE_GIVEN if set(after) - set(before) else JournalKind.ROLE_TAKEN
    chats = [state.get("texts", {}).get("chat") for state in (old, new)]
    if chats[0] != chats[1]:
        return JournalKind.CHAT_JOINED if chats[1] else JournalKind.CHAT_PARTED
    return JournalKind.PERSON_CHANGED


def _account_kind(old: State, new: State) -> JournalKind:
    if not old:
        return JournalKind.ACCOUNT_ADDED
    if old["person"] != new["person"]:
        return JournalKind.ACCOUNT_PARTED if new["person"] is None else JournalKind.ACCOUNT_JOINED
    if old["active"] != new["active"]:
        return JournalKind.ACCOUNT_RETURNED if new["active"] else JournalKind.ACCOUNT_LEFT
    return JournalKind.ACCOUNT_CHANGED


COVERED: tuple[Covered[Any], ...] = (
    Covered[RulebookRecord](
        RulebookRecord,
        plain=_version,
        kind=_always(JournalKind.RULEBOOK_STORED),
        of_team=True,
    ),
    Covered[MoneyVersionRecord](
        MoneyVersionRecord,
        plain=_version,
        kind=_always(JournalKind.COURSE_STORED),
        of_team=True,
    ),
    Covered[PeriodRecord](
        PeriodRecord,
        plain=lambda row: {
            "state": row.state,
            "approved_at": row.approved_at,
            "approved_seq": row.approved_seq,
            "locked_at": row.locked_at,
        },
        texts=lambda row: {"approved_by": row.approved_by, "locked_by": row.locked_by},
        kind=_period_kind,
        of_team=True,
    ),
    Covered[TeamRecord](
        TeamRecord,
        plain=lambda row: {
            "key": row.key,
            "connection": row.connection,
            "scored_from": row.scored_from,
            "archived_at": row.archived_at,
        },
        kind=_always(JournalKind.TEAM_CHANGED),
    ),
    Covered[PersonRecord](
        PersonRecord,
        plain=lambda row: {"roles": [list(grant) for grant in row.roles]},
        texts=lambda row: {
            "name": row.name,
            "chat": None if row.telegram_id is None else str(row.telegram_id),
        },
        kind=_person_kind,
    ),
    Covered[ManagerRecord](
        ManagerRecord,
        plain=lambda row: {
            "connection": row.connection,
            "crm_user": row.crm_user,
            "active": row.active,
            "left_at": row.left_at,
            "person": row.person_id,
        },
        texts=lambda row: {"name": row.name},
        kind=_account_kind,
    ),
    Covered[AbsenceRecord](
        AbsenceRecord,
        plain=lambda row: {
            "manager": row.manager_id,
            "first": row.first,
            "last": row.last,
            "kind": row.kind,
            "state": row.state,
            "created_at": row.created_at,
            "decided_at": row.decided_at,
        },
        texts=lambda row: {"note": row.note, "author": row.author, "decided_by": row.decided_by},
        kind=_absence_kind,
    ),
    Covered[AuditRecord](
        AuditRecord,
        plain=lambda row: {"at": row.at},
        texts=lambda row: {"row": canonical_json([row.author, row.action, row.subject, row.details])},
        kind=_always(JournalKind.ACTION),
    ),
)
BY_RECORD: Mapping[type[Base], Covered[Any]] = {each.record: each for each in COVERED}
BY_NAME: Mapping[str, Covered[Any]] = {each.name: each for each in COVERED}
