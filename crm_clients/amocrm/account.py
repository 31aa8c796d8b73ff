"""What must be known of an amoCRM account before its lists mean anything: zone, currency, stages, rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crm_clients.amocrm.answers import Row, judge_users, of_form, rows_of
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.auth import MovedAway
from crm_clients.base import CrmUser
from crm_clients.errors import CrmNonsense
from crm_clients.shared.http import Deadline
from scoring.records import DealState, RecordKind

WON, LOST = 142, 143
"""The closing stages, the same in every pipeline."""
INCOMING = 1
"""`type` of the stage of incoming leads, which nobody has accepted yet: no deals."""
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
"""Tasks and notes have no right of their own: they are visible with what they hang on."""


def state_of(status: int) -> DealState:
    """What a stage says of a deal."""
    return {WON: DealState.WON, LOST: DealState.LOST}.get(status, DealState.OPEN)


def whole(value: object) -> int:
    """A number of the wire as an integer; 0 for null, empty or nonsense."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]  # whatever is no number is caught
    except (TypeError, ValueError, OverflowError):
        return 0


def instant(seconds: object) -> datetime:
    """Unix seconds as an instant. Raises CrmNonsense for anything else."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)  # type: ignore[call-overload]  # checked by converting
    except (TypeError, ValueError, OverflowError, OSError):
        raise CrmNonsense("amoCRM gave a date that is no Unix time") from None


@dataclass(frozen=True, slots=True)
class Account:
    """The account, as `/account` describes it."""

    name: str
    user: int
    """Whose token it is."""
    currency: str
    zone: ZoneInfo
    filters: bool
    """False: the account ignores filters of leads and companies."""
    loss_reasons: bool
    task_types: Mapping[int, tuple[str, str]]
    """Name and code by id."""

    def meeting_types(self, wanted: Iterable[str]) -> frozenset[int]:
        """Ids of the task types that are meetings: those named by id, name or code; else the account's own."""
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
        """Settings that name no task type of this account."""
        return [name for name in wanted if not self.meeting_types([name]) & self.task_types.keys()]

    def deadline(self, seconds: int, duration: int = 0) -> datetime | None:
        """When a task is due; "all day" (at 23:59, or a whole day from midnight on) lasts until the end of that day."""
        if not seconds:
            return None
        due = instant(min(seconds, FAR_FUTURE))
        local = due.astimezone(self.zone)
        clock = (local.hour, local.minute)
        if clock != (23, 59) and not (clock == (0, 0) and duration >= WHOLE_DAY):
            return due
        midnight = datetime(local.year, local.month, local.day, tzinfo=self.zone) + timedelta(days=1)
        return midnight.astimezone(UTC) - timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of all pipelines."""

    names: Mapping[int, str]
    """Pipelines by id."""
    open: tuple[tuple[int, int], ...]
    """Pairs of pipeline and stage."""
    incoming: frozenset[tuple[int, int]]

    @property
    def closed(self) -> tuple[tuple[int, int], ...]:
        """The closing pair of each pipeline."""
        return tuple((pipeline, status) for pipeline in self.names for status in (WON, LOST))


@dataclass(frozen=True, slots=True)
class Rights:
    """What the token's owner may see."""

    name: str
    admin: bool
    views: Mapping[str, str]
    narrowed: bool
    """Whether single stages are hidden from him."""

    def missing(self, kind: RecordKind) -> str:
        """Why a kind of record would be read in part only; empty if it is read whole."""
        narrow = [entity for entity in _NEEDED_VIEWS[kind] if self.views.get(entity, "A") != "A"]
        if narrow:
            return f"{self.name} may not see all {', '.join(narrow)}: make the token as an administrator"
        if self.narrowed and not self.admin and "leads" in _NEEDED_VIEWS[kind]:
            return f"{self.name} may not see all stages: make the token as an administrator"
        return ""


async def read_account(api: AmocrmApi, deadline: Deadline) -> Account:
    """One call. Raises CrmError."""
    fits = of_form(lambda data: isinstance(data, dict) and "current_user_id" in data, "account")
    query = "with=is_api_filter_enabled,datetime_settings,task_types"
    data = await api.get("account", query, deadline, "the account", fits)
    try:
        parts = data.get("_embedded") or {}
        settings = parts.get("datetime_settings") or data.get("datetime_settings") or {}
        types = parts.get("task_types") or data.get("task_types") or []
        types = list(types.values()) if isinstance(types, dict) else types
        return Account(
            name=str(data.get("name") or ""),
            user=whole(data["current_user_id"]),
            currency=str(data.get("currency") or "RUB"),
            zone=ZoneInfo(settings.get("timezone") or "Europe/Moscow"),
            filters=data.get("is_api_filter_enabled") is not False,
            loss_reasons=data.get("is_loss_reason_enabled") is not False,
            task_types={whole(row["id"]): (str(row.get("name") or ""), str(row.get("code") or "")) for row in types},
        )
    except (AttributeError, KeyError, TypeError, ValueError, OSError):
        raise CrmNonsense("the account: amoCRM answered something that is no account") from None


async def read_stages(api: AmocrmApi, deadline: Deadline) -> Stages:
    """One call. Raises CrmError."""
    what = "the pipelines"
    fits = of_form(lambda data: rows_of(data, "pipelines") is not None, "list of pipelines")
    data = await api.get("leads/pipelines", "", deadline, what, fits)
    names: dict[int, str] = {}
    pairs: list[tuple[int, int]] = []
    incoming: set[tuple[int, int]] = set()
    try:
        for pipeline in data["_embedded"]["pipelines"]:
            key = whole(pipeline["id"])
            names[key] = str(pipeline.get("name") or key)
            for status in pipeline["_embedded"]["statuses"]:
                pair = (key, whole(status["id"]))
                if whole(status.get("type")) == INCOMING:
                    incoming.add(pair)
                elif pair[1] not in (WON, LOST):
                    pairs.append(pair)
    except (AttributeError, KeyError, TypeError):
        raise CrmNonsense(f"{what}: amoCRM answered something that is no list of pipelines") from None
    return Stages(names, tuple(pairs), frozenset(incoming))


async def read_rights(api: AmocrmApi, account: Account, deadline: Deadline) -> Rights:
    """One call. Raises RightsMissing if the token's owner is no administrator."""
    what = "the rights of the token's owner"
    try:
        fits = of_form(lambda data: isinstance(data, dict) and "rights" in data, "user", judge_users)
        row = await api.get(f"users/{account.user}", "", deadline, what, fits)
    except MovedAway:
        api.forget_refusal()
        row = next((row for row in await user_rows(api, deadline) if whole(row["id"]) == account.user), None)
    try:
        rights = row["rights"]
        views = {
            entity: str(rights[entity].get("view") or "A")
            for entity in ("leads", "contacts", "companies")
            if isinstance(rights.get(entity), dict)
        }
        narrowed = any(
            (status.get("rights") or {}).get("view", "A") != "A" for status in rights.get("status_rights") or []
        )
        return Rights(str(row.get("name") or account.user), bool(rights.get("is_admin")), views, narrowed)
    except (AttributeError, KeyError, TypeError):
        raise CrmNonsense(f"{what}: amoCRM answered something that is no user") from None


async def user_rows(api: AmocrmApi, deadline: Deadline) -> list[Row]:
    """All users, also inactive ones. Raises CrmError."""
    rows: dict[Any, Row] = {}

    async def keep(page: list[Row]) -> None:
        rows.update((row["id"], row) for row in page)

    await api.shifting("users", "with=role,group", deadline, "the users", keep, judge=judge_users)
    return list(rows.values())


def user(row: Row) -> CrmUser:
    """A user of the list."""
    rights = row.get("rights") or {}
    groups = (row.get("_embedded") or {}).get("groups") or []
    departments = {str(group["id"]) for group in groups if isinstance(group, dict) and group.get("id") is not None}
    if rights.get("group_id") is not None:
        departments.add(str(rights["group_id"]))
    name = str(row.get("name") or "").strip() or f"#{row['id']}"
    return CrmUser(str(row["id"]), name, rights.get("is_active") is not False, frozenset(departments))
