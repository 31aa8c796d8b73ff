"""Describe the rows that the journal covers: what of a row moves money or blame, and what a change is called."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, String, inspect

from storage.db.models import (
    AbsenceRecord,
    AppealRecord,
    AuditRecord,
    Base,
    InviteRecord,
    JournalRowRecord,
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
from storage.ledger.chain import new_salt
from storage.values import AbsenceState, AppealState, PeriodState

FORM = 3
"""Number of the form in which states are told now; events that state no form are of form 1.

Form 2 added invites, title and chats of teams, the team of accounts, and a lasting salt for names of absences; form 3
added appeals.
"""
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
    lasting: frozenset[str] = frozenset()
    """Names of texts that retention leaves: hashed with a salt of their own, which stays."""
    later: frozenset[str] = frozenset()
    """Columns and texts told since form 2: a state without them is of form 1, and says nothing of them."""
    since: int = 1
    """Form since which the table is covered."""
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

    @property
    def has_text_key(self) -> bool:
        """Tell whether the primary key is a text; all other keys are numbers, or a number and a month."""
        return isinstance(self.keys[0].type, String)

    def give_salts(self, row: JournalRowRecord) -> None:
        """Give a journaled row the salts that the hashes of the texts need, unless given before."""
        row.salt = row.salt or new_salt()
        self.give_lasting_salt(row)

    def give_lasting_salt(self, row: JournalRowRecord) -> None:
        """Give a journaled row the salt for names that retention leaves, unless given before or not needed."""
        row.lasting_salt = row.lasting_salt or (new_salt() if self.lasting else "")

    def state(self, record: R, row: JournalRowRecord) -> dict[str, Any]:
        """Return the state of a row; texts hashed with the salts of the journaled `row`."""
        texts, lasting = {}, {}
        for name, text in self.texts(record).items():
            if name in self.lasting:
                lasting[name] = text_hash(row.lasting_salt, name, text) if text else None
            elif text or name in self.later:
                texts[name] = text_hash(row.salt, name, text) if text else None
        state = _plain(self.plain(record))
        return state | ({"texts": texts} if texts else {}) | ({"lasting": lasting} if lasting else {})

    def added(self, old: State, new: State) -> dict[str, Any]:
        """Return a state of form 1 with what form 2 tells besides: all that was told before stays."""
        whole = {name: value for name, value in new.items() if name in self.later or name == "lasting"} | dict(old)
        texts = {name: value for name, value in new.get("texts", {}).items() if name in self.later}
        return whole | ({"texts": texts | old.get("texts", {})} if texts else {})


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


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def _always(kind: JournalKind) -> Kinds:
    return lambda _old, _new: kind


def _version(row: RulebookRecord | MoneyVersionRecord) -> dict[str, Any]:
    return {"version": row.version, "content": content_hash(row.content), "valid_from": row.valid_from}


def _absence_kind(old: State, new: State) -> JournalKind:
    if not old:
        return JournalKind.ABSENCE_RECORDED
    return JournalKind.ABSENCE_CANCELLED if new["state"] == AbsenceState.CANCELLED else JournalKind.ABSENCE_DECIDED


def _appeal_kind(old: State, new: State) -> JournalKind:
    if not old:
        return JournalKind.APPEAL_FILED
    if old["state"] == new["state"]:
        return JournalKind.APPEAL_RECHECKED
    is_withdrawn = new["state"] == AppealState.WITHDRAWN
    return JournalKind.APPEAL_WITHDRAWN if is_withdrawn else JournalKind.APPEAL_DECIDED


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


def _invite_kind(old: State, new: State) -> JournalKind:
    if not old:
        return JournalKind.INVITE_MADE
    return JournalKind.INVITE_CHANGED if old["used_at"] == new["used_at"] else JournalKind.INVITE_USED


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
        texts=lambda row: {"title": row.title, "chat": _text(row.chat_id), "thread": _text(row.thread_id)},
        later=frozenset({"title", "chat", "thread"}),
        kind=_always(JournalKind.TEAM_CHANGED),
    ),
    Covered[PersonRecord](
        PersonRecord,
        plain=lambda row: {"roles": [list(grant) for grant in row.roles]},
        texts=lambda row: {
            "name": row.name,
            "chat": _text(row.telegram_id),
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
            "team": row.team_id,
        },
        later=frozenset({"team"}),
        texts=lambda row: {"name": row.name},
        kind=_account_kind,
    ),
    Covered[AbsenceRecord](
        AbsenceRecord,
        plain=lambda row: (
            {
                "manager": row.manager_id,
                "first": row.first,
                "last": row.last,
                "kind": row.kind,
                "state": row.state,
                "created_at": row.created_at,
                "decided_at": row.decided_at,
            }
            | ({"half": row.half} if row.half else {})
        ),  # whole days are told as before there were halves
        texts=lambda row: {"note": row.note, "author": row.author, "decided_by": row.decided_by},
        lasting=frozenset({"author", "decided_by"}),
        kind=_absence_kind,
    ),
    Covered[AppealRecord](
        AppealRecord,
        plain=lambda row: {
            "team": row.team_id,
            "manager": row.manager_id,
            "day": row.day,
            "rule": row.rule,
            "entry": row.entry_id,
            "cause": row.cause,
            "state": row.state,
            "filed_at": row.filed_at,
            "recheck": None if row.recheck is None else content_hash(row.recheck),
            "decided_at": row.decided_at,
        },
        texts=lambda row: {
            "text": row.text,
            "decision": row.decision,
            "author": row.author,
            "decided_by": row.decided_by,
        },
        lasting=frozenset({"author", "decided_by"}),
        since=3,
        kind=_appeal_kind,
    ),
    Covered[InviteRecord](
        InviteRecord,
        plain=lambda row: {
            "manager": row.manager_id,
            "role": row.role,
            "team": row.team_id,
            "created_at": row.created_at,
            "expires_at": instant_text(row.expires_at),  # as text: no event is written at an instant to come
            "used_at": row.used_at,
            "used_by": row.used_by,
        },
        texts=lambda row: {"name": row.name, "created_by": row.created_by},
        since=2,
        kind=_invite_kind,
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
