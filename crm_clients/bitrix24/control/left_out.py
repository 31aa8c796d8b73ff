"""Name what a portal keeps that counts for nobody, and what is odd about it (docs/crm/README.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from crm_clients.base import Finding, Severity
from crm_clients.bitrix24.lists import CallProgress, single_call
from crm_clients.bitrix24.meeting_types import CALENDAR, MEETING, TODO, is_in_calendar
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import TodoRow, portal_row
from crm_clients.bitrix24.stages import Stages
from crm_clients.bitrix24.values import rows_of, stamp
from crm_clients.errors import CrmError
from scoring.records import DealState

LATELY = timedelta(days=90)
"""How far back meetings are looked for."""
NAMED = 400
"""Users whom a command names at most: PHP reads a thousand parameters."""
_WHAT = "the check of the connection"

Ask = Callable[[Sequence[CallProgress]], Awaitable[None]]
"""Runs calls to the end."""


class CompanyCheck:
    """Collect findings on deals that count for nobody, and on meetings that are kept as to-dos."""

    def __init__(self, ask: Ask, now: datetime) -> None:
        self._ask, self._now = ask, now

    async def left_out(self, stages: Stages, dismissed: Sequence[int]) -> list[Finding]:
        """Name open deals in stages that the portal does not show, in closing stages, and of dismissed employees."""
        shown = [stage for funnel, listed in stages.order.items() if _is_shown(funnel, stages) for stage in listed]
        closing = [stage for stage in shown if stages.states.get(stage, DealState.OPEN) is not DealState.OPEN]
        hidden = _open_deals({"!@stageId": shown})
        closed = _open_deals({"@stageId": closing or [""]})
        groups = [dismissed[start : start + NAMED] for start in range(0, len(dismissed), NAMED)]
        theirs = [_open_deals({"@assignedById": group}) for group in groups]
        calls = [hidden, closed, *theirs]
        await self._ask(calls)
        if problem := next((call.problem for call in calls if call.problem is not None), None):
            return [Finding(Severity.ERROR, "deals_open", str(problem))]
        of_dismissed = sum(call.total or 0 for call in theirs)
        numbers = (
            (hidden.total or 0, "stand in a deleted stage or in a stage of no funnel, and are not counted: move those"),
            (closed.total or 0, "are marked open in a won or lost stage, and are not counted as open: look at those"),
            (of_dismissed, "are of dismissed employees, and count for nobody: give those to somebody"),
        )
        return [
            Finding(Severity.WARNING, "deals_open", f"{number} open deals {text}") for number, text in numbers if number
        ]

    async def meetings(self) -> list[Finding]:
        """Name the preset to set where the portal keeps no meetings of the type "meeting", but universal to-dos."""
        meetings = self._activities({"TYPE_ID": MEETING}, ["ID"])
        todos = self._activities({"PROVIDER_ID": TODO, "COMPLETED": "Y"}, TodoRow.select())
        await self._ask([meetings, todos])
        try:
            rows = [portal_row(row, TodoRow, _WHAT, self._now) for row in _with_start(_rows(todos))]
            if _rows(meetings) or not rows:
                return []
        except CrmError as error:
            return [Finding(Severity.WARNING, "meetings_held", str(error))]
        number = sum(map(is_in_calendar, rows))
        text = (
            f"the portal keeps no meetings, but universal activities ({TODO}); of the last {len(rows)} done {number} "
            f'stand in the calendar: if those are the meetings, set meeting_types = ["{CALENDAR}"]'
        )
        return [Finding(Severity.WARNING, "meetings_held", text)]

    def _activities(self, conditions: Mapping[str, Any], fields: Sequence[str]) -> CallProgress:
        params = {
            "filter": {**conditions, ">=CREATED": stamp(self._now - LATELY)},
            "select": fields,
            "order": {"ID": "DESC"},
            "start": -1,
        }
        return single_call("crm.activity.list", params, what=_WHAT, group="check")


def _is_shown(funnel: str, stages: Stages) -> bool:
    return not stages.funnels or int(funnel) in stages.funnels


def _open_deals(conditions: Mapping[str, Any]) -> CallProgress:
    params = {"entityTypeId": DEAL, "filter": {"closed": "N", **conditions}, "select": ["id"]}
    return single_call("crm.item.list", params, what=_WHAT, group="check")


def _rows(call: CallProgress) -> Sequence[Mapping[str, Any]]:
    """Give the rows of an answer. Raises CrmError."""
    if call.problem is not None:
        raise call.problem
    return rows_of(call.value)


def _with_start(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Leave out to-dos without any time."""
    return (row for row in rows if row.get("START_TIME"))
