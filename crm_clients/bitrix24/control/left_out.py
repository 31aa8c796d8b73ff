"""Name what a portal keeps that counts for nobody, and what is odd about it (docs/crm/README.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crm_clients.base import Finding, Severity
from crm_clients.bitrix24.lists import CallProgress, single_call
from crm_clients.bitrix24.meeting_types import CALENDAR, MEETING, TODO, is_in_calendar
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import TodoRow, portal_row
from crm_clients.bitrix24.stages import Stages
from crm_clients.bitrix24.values import number, rows_of, stamp
from crm_clients.errors import CrmError
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.left_out import most_deals, open_deals
from scoring.records import DealState

LATELY = timedelta(days=90)
"""How far back meetings are looked for."""
USERS = 400
"""Users whom a command asks for at most: PHP reads a thousand parameters."""
_WHAT = "the check of the connection"

Ask = Callable[[Sequence[CallProgress]], Awaitable[None]]
"""Runs calls to the end."""


class CompanyCheck:
    """Collect findings on deals that count for nobody, and on meetings that are kept as to-dos."""

    def __init__(self, ask: Ask, now: datetime) -> None:
        self._ask, self._now = ask, now

    async def left_out(self, stages: Stages, dismissed: Mapping[int, str]) -> list[Finding]:
        """Name open deals in stages that the portal does not show, in closing stages, and of dismissed employees.

        `dismissed` are names by user.
        """
        shown = [stage for funnel, listed in stages.order.items() if _is_shown(funnel, stages) for stage in listed]
        closing = [stage for stage in shown if stages.states.get(stage, DealState.OPEN) is not DealState.OPEN]
        people = sorted(dismissed)
        groups = [people[start : start + USERS] for start in range(0, len(people), USERS)]
        parts = [
            _LeftOut(
                [_open_deals({"!@stageId": shown}, "stageId", "categoryId")],
                "in a deleted stage or in a stage of no funnel, not counted (move those)",
                lambda row: _hidden_place(stages, row),
            ),
            _LeftOut(
                [_open_deals({"@stageId": closing or [""]}, "stageId")],
                "marked open in a won or lost stage, not counted as open (look at those)",
                lambda row: stages.names[str(row.get("stageId"))],
            ),
            _LeftOut(
                [_open_deals({"@assignedById": group}, "assignedById") for group in groups],
                "of dismissed employees, counted for nobody (hand those over)",
                lambda row: dismissed[number(row.get("assignedById"))],
            ),
        ]
        await self._ask([call for part in parts for call in part.calls])
        try:
            texts = [part.text_of_rows() for part in parts]
        except (CrmError, KeyError) as error:
            return [Finding(Severity.ERROR, "deals_open", f"what is left out cannot be told: {error}")]
        return [Finding(Severity.WARNING, "deals_open", text) for text in texts if text]

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
        in_calendar = sum(map(is_in_calendar, rows))
        text = (
            f"the portal keeps no meetings, but universal activities ({TODO}); of the last {len(rows)} done "
            f'{in_calendar} stand in the calendar: if those are the meetings, set meeting_types = ["{CALENDAR}"]'
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


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """Describe open deals that count for nobody: the lists that hold them, and where each deal is."""

    calls: Sequence[CallProgress]
    text: str
    place: Callable[[Mapping[str, Any]], str]

    def text_of_rows(self) -> str:
        """Count the deals, and name the places of the first of each list; empty for none. Raises CrmError, KeyError."""
        rows = [row for call in self.calls for row in _rows(call, "items")]
        total = sum(call.total or 0 for call in self.calls)
        if not total:
            return ""
        counts = Counter(self.place(row) for row in rows)
        first = "" if len(rows) >= total else f"of the first {len(rows)} "
        return f"{open_deals(total)} {self.text}: {first}{most_deals(counts)}"


def _hidden_place(stages: Stages, row: Mapping[str, Any]) -> str:
    """Name a deleted stage by its code, another by its name, and the funnel."""
    stage, funnel = str(row.get("stageId")), number(row.get("categoryId"))
    shown = stages.funnel_names.get(funnel, f"{funnel}, which the portal does not show")
    return f"{stages.names.get(stage, f'deleted stage {clean_name(stage)}')} of funnel {shown}"


def _is_shown(funnel: str, stages: Stages) -> bool:
    return not stages.funnels or int(funnel) in stages.funnels


def _open_deals(conditions: Mapping[str, Any], *fields: str) -> CallProgress:
    params = {"entityTypeId": DEAL, "filter": {"closed": "N", **conditions}, "select": ["id", *fields]}
    return single_call("crm.item.list", params, what=_WHAT, group="check")


def _rows(call: CallProgress, at: str = "") -> Sequence[Mapping[str, Any]]:
    """Give the rows of an answer. Raises CrmError."""
    if call.problem is not None:
        raise call.problem
    return rows_of(call.value, at)


def _with_start(rows: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Leave out to-dos without any time."""
    return (row for row in rows if row.get("START_TIME"))
