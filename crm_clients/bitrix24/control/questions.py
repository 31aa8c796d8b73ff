"""Describe the control question of each list: the newest records, a record by id, and which records must come.

Every question rides in the first request of a read, a command for each list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

import msgspec

from crm_clients.bitrix24.control.known_records import KnownRecords
from crm_clients.bitrix24.keyset import NewestQuery
from crm_clients.bitrix24.lists import CallProgress, single_call
from crm_clients.bitrix24.objects import COMPANY, DEAL
from crm_clients.bitrix24.rows import CLOSED_TASK, Flag, PortalRow, R
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.values import Row, rows_of
from crm_clients.errors import CrmNonsense
from crm_clients.shared.rows import Id
from scoring.records import RecordKind


class KnownDeal(PortalRow, frozen=True):
    """Tell whether a deal is open, and when the deal moved last."""

    id: Id
    closed: Flag
    movedTime: datetime | None  # noqa: N815  # the portal's spelling


class KnownActivity(PortalRow, frozen=True):
    """Tell whether an activity is a planned activity of a deal."""

    ID: Id
    COMPLETED: Flag
    OWNER_TYPE_ID: Annotated[int, msgspec.Meta(ge=0, le=2000)]


class KnownTask(PortalRow, frozen=True):
    """Tell whether a task is overdue."""

    planned = ("deadline",)
    is_endless_none = False

    id: Id
    status: int
    deadline: datetime | None


class KnownCall(PortalRow, frozen=True):
    """Tell when a call began and ended."""

    past = ("CALL_START_DATE",)

    ID: Id
    CALL_START_DATE: datetime
    CALL_DURATION: Annotated[int, msgspec.Meta(ge=0, le=7 * 86_400)]


class KnownCompany(PortalRow, frozen=True):
    """Tell when a company was created."""

    past: ClassVar[tuple[str, ...]] = ("createdTime",)

    id: Id
    createdTime: datetime  # noqa: N815  # the portal's spelling


def known_deals(session: ReadSession) -> KnownRecords[KnownDeal]:
    """Know open deals and deals that moved since the window before began, which the lists of deals must show."""
    since = session.request.since

    def must_come(row: KnownDeal) -> bool:
        return row.closed == "N" or (row.movedTime is not None and row.movedTime >= since)

    return _known_items(session, DEAL, KnownDeal, RecordKind.DEALS, must_come)


def known_companies(session: ReadSession) -> KnownRecords[KnownCompany]:
    """Know companies created in the window or the window before."""
    since, cutoff = session.request.since, session.request.window.cutoff

    def must_come(row: KnownCompany) -> bool:
        return since <= row.createdTime < cutoff

    return _known_items(session, COMPANY, KnownCompany, RecordKind.COMPANIES, must_come)


def known_activities(session: ReadSession) -> KnownRecords[KnownActivity]:
    """Know planned activities of deals."""

    def must_come(row: KnownActivity) -> bool:
        return row.COMPLETED == "N" and row.OWNER_TYPE_ID == DEAL

    def ask(activity: int) -> CallProgress:
        return single_call("crm.activity.get", {"id": activity}, what="activities", group=RecordKind.TASKS)

    newest = NewestQuery(
        method="crm.activity.list",
        params={"filter": {}, "select": KnownActivity.select()},
        fold=_nothing,
        what="activities",
        group=RecordKind.TASKS,
    )
    return KnownRecords(session, newest, KnownActivity, ask, whole_row, must_come)


def known_tasks(session: ReadSession) -> KnownRecords[KnownTask]:
    """Know overdue tasks."""
    cutoff = session.request.window.cutoff
    select = ["ID", "STATUS", "DEADLINE"]

    def must_come(row: KnownTask) -> bool:
        return row.status not in CLOSED_TASK and row.deadline is not None and row.deadline < cutoff

    def ask(task: int) -> CallProgress:
        params = {"filter": {"ID": task}, "select": select}
        return single_call("tasks.task.list", params, what="tasks", group=RecordKind.TASKS)

    newest = NewestQuery(
        method="tasks.task.list",
        params={"filter": {}, "select": select},
        fold=_nothing,
        what="tasks",
        group=RecordKind.TASKS,
        key="id",
        filter_key="ID",
        rows_at="tasks",
    )
    return KnownRecords(session, newest, KnownTask, ask, first_row_of("tasks"), must_come)


def known_calls(session: ReadSession) -> KnownRecords[KnownCall]:
    """Know calls that began and ended between the start of the window before and the cutoff."""
    since, cutoff = session.request.since, session.request.window.cutoff

    def must_come(row: KnownCall) -> bool:
        return since <= row.CALL_START_DATE and row.CALL_START_DATE + timedelta(seconds=row.CALL_DURATION) < cutoff

    def ask(call: int) -> CallProgress:
        params = {"FILTER": {"ID": call}}
        return single_call("voximplant.statistic.get", params, what="calls", group=RecordKind.CALLS)

    newest = NewestQuery(
        method="voximplant.statistic.get",
        params={"FILTER": {}},
        fold=_nothing,
        what="calls",
        group=RecordKind.CALLS,
    )
    return KnownRecords(session, newest, KnownCall, ask, first_row_of(""), must_come)


def _known_items(
    session: ReadSession, entity: int, row: type[R], group: RecordKind, must_come: Callable[[R], bool]
) -> KnownRecords[R]:
    def ask(item: int) -> CallProgress:
        return single_call("crm.item.get", {"entityTypeId": entity, "id": item}, what=group, group=group)

    newest = NewestQuery(
        method="crm.item.list",
        params={"entityTypeId": entity, "filter": {}, "select": row.select()},
        fold=_nothing,
        what=group,
        group=group,
        key="id",
        rows_at="items",
    )
    return KnownRecords(session, newest, row, ask, item_row, must_come)


def item_row(answer: Any) -> Row:
    """Take the row out of the answer of crm.item.get."""
    return whole_row(answer.get("item") if isinstance(answer, Mapping) else None)


def whole_row(answer: Any) -> Row:
    """Take the answer for the row: of a record that does not exist the method reports an error."""
    if not isinstance(answer, Mapping) or not answer:
        raise CrmNonsense("the portal shows no row")
    return answer


def first_row_of(at: str) -> Callable[[Any], Row | None]:
    """Find the row in a list filtered by id: of a record that does not exist the list is empty."""

    def shown(answer: Any) -> Row | None:
        return next(iter(rows_of(answer, at)), None)

    return shown


def _nothing(_rows: Any) -> tuple[()]:
    """Make no facts: the rows are compared with the lists."""
    return ()
