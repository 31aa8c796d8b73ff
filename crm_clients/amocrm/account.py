"""Read the account behind a token: zone, currency, task types, users and rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crm_clients.amocrm.answers import MovedAway, Row, judge_users, require_form
from crm_clients.amocrm.api import AmocrmApi, ListQuery
from crm_clients.amocrm.lists import OverlappingPages
from crm_clients.amocrm.wire import (
    WireAccount,
    WireOwnerOfToken,
    WireTaskType,
    WireUser,
    as_instant,
    as_int,
)
from crm_clients.base import CrmUser
from crm_clients.errors import CrmUnavailable
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.rows import malformed, typed_row, typed_rows
from scoring.records import RecordKind

MEETING_TYPE, MEETING_CODE = 2, "MEETING"
WHOLE_DAY = 86_340
"""Seconds from 00:00 to 23:59."""
FAR_FUTURE = 4_102_444_800
"""The year 2100: later deadlines are typing errors, and calendars end."""

_NEEDED_VIEWS: Mapping[RecordKind, tuple[str, ...]] = {
    RecordKind.DEALS: ("leads",),
    RecordKind.COMMENTS: ("leads",),
    RecordKind.COMPANIES: ("companies",),
    RecordKind.TASKS: ("leads", "contacts", "companies"),
    RecordKind.MEETINGS: ("leads", "contacts", "companies"),
    RecordKind.CALLS: ("leads", "contacts", "companies"),
}
"""Entities by whose view right a kind is visible: tasks and notes are visible together with their entity."""


@dataclass(frozen=True, slots=True)
class Account:
    """Describe the account as `/account` does."""

    name: str
    user: int
    """Id of the token's owner."""
    currency: str
    zone: ZoneInfo
    filters: bool
    """False: the account ignores filters of leads and companies."""
    loss_reasons: bool
    """False: loss reasons are switched off in the account."""
    task_types: Mapping[int, tuple[str, str]]
    """Name and code by id."""

    def meeting_types(self, wanted: Iterable[str]) -> frozenset[int]:
        """Return ids of task types that are meetings: named by id, name or code; without names the account's own."""
        names = {name.strip().casefold() for name in wanted}
        if not names:
            return frozenset(
                {MEETING_TYPE, *(key for key, (_, code) in self.task_types.items() if code == MEETING_CODE)}
            )
        numbers = {int(name) for name in names if name.isdigit()}
        return frozenset(
            numbers
            | {
                key
                for key, (name, code) in self.task_types.items()
                if {name.casefold(), code.casefold()} & names - {""}
            }
        )

    def unknown_meeting_types(self, wanted: Iterable[str]) -> list[str]:
        """Return the names that match no task type of this account."""
        return [name for name in wanted if not self.meeting_types([name]) & self.task_types.keys()]

    def deadline(self, seconds: int, duration: int = 0) -> datetime | None:
        """Convert a deadline; "all day" (23:59, or a whole day from midnight on) lasts until the end of that day."""
        if not seconds:
            return None
        due = as_instant(min(seconds, FAR_FUTURE))
        local = due.astimezone(self.zone)
        clock = (local.hour, local.minute)
        if clock != (23, 59) and not (clock == (0, 0) and duration >= WHOLE_DAY):
            return due
        midnight = datetime(local.year, local.month, local.day, tzinfo=self.zone) + timedelta(days=1)
        return midnight.astimezone(UTC) - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Rights:
    """Describe which entities the token's owner may see."""

    name: str
    admin: bool
    views: Mapping[str, str]
    """View right by entity; `A` is everything."""
    narrowed: bool
    """Whether single stages are hidden from the token's owner."""

    def missing(self, kind: RecordKind) -> str:
        """Say why a kind of record would be read in part only; empty if all records are visible."""
        narrow = [entity for entity in _NEEDED_VIEWS[kind] if self.views.get(entity, "A") != "A"]
        if narrow:
            return f"{self.name} may not see all {', '.join(narrow)}: make the token as an administrator"
        if self.narrowed and not self.admin and "leads" in _NEEDED_VIEWS[kind]:
            return f"{self.name} may not see all stages: make the token as an administrator"
        return ""


async def read_account(api: AmocrmApi, deadline: Deadline) -> Account:
    """Read the account in a single request. Raises CrmError."""
    fits = require_form(lambda data: isinstance(data, dict) and "id" in data, "account")
    query = "with=is_api_filter_enabled,datetime_settings,task_types"
    data = await api.get("account", query, deadline, "the account", fits)
    row = typed_row(data, WireAccount, "the account")
    try:
        zone = ZoneInfo(row.parts.datetime_settings.timezone)
    except (ValueError, OSError, KeyError):
        raise malformed(data, "the account", "a timezone that does not exist") from None
    types = typed_rows(row.parts.task_types, WireTaskType, f"the task types of account {row.id}")
    return Account(
        name=clean_name(row.name),
        user=row.current_user_id,
        currency=row.currency,
        zone=zone,
        filters=row.is_api_filter_enabled is not False,
        loss_reasons=row.is_loss_reason_enabled is not False,
        task_types={task_type.id: (clean_name(task_type.name), task_type.code or "") for task_type in types},
    )


async def read_rights(api: AmocrmApi, account: Account, deadline: Deadline) -> Rights:
    """Read the rights of the token's owner. Raises RightsMissing if the owner is no administrator."""
    what = "the rights of the token's owner"
    try:
        fits = require_form(lambda data: isinstance(data, dict) and "id" in data, "user", judge_users)
        row = await api.get(f"users/{account.user}", "", deadline, what, fits)
    except MovedAway:
        api.forget_refusal()
        row = next((row for row in await read_user_rows(api, deadline) if as_int(row["id"]) == account.user), None)
    user = typed_row(row, WireOwnerOfToken, what)
    views = {name: getattr(user.rights, name).view for name in ("leads", "contacts", "companies")}
    narrowed = any(status.rights.view != "A" for status in user.rights.status_rights or ())
    return Rights(f"{clean_name(user.name)} ({user.id})", user.rights.is_admin, views, narrowed)


async def read_users(api: AmocrmApi, account: Account, deadline: Deadline) -> list[CrmUser]:
    """Read all users, also inactive accounts. Raises CrmUnavailable if the token's own account is not among the rows.

    An empty or cut list must never look like a company that everybody has left.
    """
    users = [crm_user(row) for row in await read_user_rows(api, deadline)]
    if str(account.user) not in {user.id for user in users}:
        raise CrmUnavailable(
            f"the users: amoCRM's list lacks the token's own account ({account.user}), so the list is not whole"
        )
    return users


async def read_user_rows(api: AmocrmApi, deadline: Deadline) -> list[Row]:
    """Read the rows of the list of users. Raises CrmError."""
    rows: dict[Any, Row] = {}

    async def keep(page: list[Row]) -> None:
        rows.update((row["id"], row) for row in page)

    query = ListQuery("users", "with=role,group", deadline, "the users")
    await OverlappingPages(api, query, keep, judge=judge_users).read()
    return list(rows.values())


def crm_user(row: Row) -> CrmUser:
    """Convert a row of the list of users. Raises MalformedRow."""
    user = typed_row(row, WireUser, "the users")
    departments = {str(group.id) for group in user.parts.groups}
    if user.rights.group_id is not None:
        departments.add(str(user.rights.group_id))
    name = clean_name(user.name.strip()) or f"#{user.id}"
    return CrmUser(str(user.id), name, user.rights.is_active, frozenset(departments))
