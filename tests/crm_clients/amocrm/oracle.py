"""What each manager's KPIs must be in a made-up amoCRM account.

The expected numbers are computed from what was true at an instant, not from what the API answers later: the oracle
shares no code and no idea with the client under test.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.crm_clients.amocrm.account_rows import LOST, MEETING, UNSORTED, WON, History, Lead, Note
from tests.crm_clients.amocrm.world import World


@dataclass(slots=True)
class Expectation:
    """What the oracle is asked."""

    start: int
    cutoff: int
    companies_credit: str = "creator"
    meeting_types: frozenset[int] = frozenset({MEETING})
    required_fields: dict[str, list[str]] = field(default_factory=dict)
    min_call_seconds: int = 30
    stale_days: int = 14
    grace_hours: int = 24
    excluded_pipelines: frozenset[int] = frozenset()


def expected_of(world: World, ask: Expectation) -> dict[int, dict[str, Any]]:
    """By user: the ids behind each KPI (or its number), from what was true just before the cutoff."""
    result: dict[int, dict[str, Any]] = defaultdict(lambda: defaultdict(set))
    _expect_leads(world, ask, result)
    _expect_tasks(world, ask, result)
    _expect_calls(world, ask, result)
    for company in world.companies.values():
        if ask.start <= company.created_at < ask.cutoff and not company.deleted:
            who = company.created_by if ask.companies_credit == "creator" else company.owner.before(ask.cutoff)
            result[who]["companies_added"].add(company.id)
    return result


def _expect_leads(world: World, ask: Expectation, result: dict[int, dict[str, Any]]) -> None:
    cut = ask.cutoff
    unsorted = {stage.id for stages in world.pipelines.values() for stage in stages if stage.type == UNSORTED}
    with_task = {
        task.entity_id for task in world.tasks.values()
        if task.entity_type == "leads" and task.created_at < cut and not task.deleted and not task.done.before(cut)
    }  # fmt: skip
    commented = {
        note.entity_id for note in world.notes.values()
        if note.entity_type == "leads" and note.type == "common" and note.created_by and note.created_at < cut
        and not note.deleted
    }  # fmt: skip
    for lead in world.leads.values():
        if lead.deleted or lead.created_at >= cut:
            continue
        pipeline, status = lead.stage.before(cut)
        if pipeline in ask.excluded_pipelines or status in unsorted:
            continue
        mine = result[lead.owner.before(cut)]
        if status in (WON, LOST):
            _expect_closed(ask, lead, mine)
            continue
        mine["deals_open"].add(lead.id)
        if lead.id not in with_task:
            mine["deals_without_task"].add(lead.id)
        if lead.id not in commented and lead.created_at < cut - ask.grace_hours * 3600:
            mine["deals_without_comment"].add(lead.id)
        needed = [*ask.required_fields.get("*", []), *ask.required_fields.get(str(pipeline), [])]
        if any(lead.fields.before(cut).get(name) in (None, "", []) for name in needed):
            mine["deals_missing_fields"].add(lead.id)
        limit = cut - ask.stale_days * 86400
        entered = max(at for at, _ in _entries(lead.stage, cut))
        if lead.created_at < limit and entered < limit:
            mine["stale_deals"].add(lead.id)


def _expect_closed(ask: Expectation, lead: Lead, mine: dict[str, Any]) -> None:
    """Won or lost counts when the state (not the stage) was entered within the window."""
    states: list[tuple[int, str]] = []
    for at, (_, status) in lead.stage.steps(ask.cutoff):
        state = {WON: "won", LOST: "lost"}.get(status, "open")
        if not states or states[-1][1] != state:
            states.append((at, state))
    entered, state = states[-1]
    if not ask.start <= entered < ask.cutoff:
        return
    if state == "won":
        mine["deals_won"].add(lead.id)
        mine["won_amount"] = (mine["won_amount"] or 0) + (lead.price.before(ask.cutoff) or 0)
        return
    mine["deals_lost"].add(lead.id)
    if lead.reason.before(ask.cutoff) is None:
        mine["lost_without_reason"].add(lead.id)


def _expect_tasks(world: World, ask: Expectation, result: dict[int, dict[str, Any]]) -> None:
    for task in world.tasks.values():
        if task.deleted or task.created_at >= ask.cutoff:
            continue
        mine = result[task.owner.before(ask.cutoff)]
        if not task.done.before(ask.cutoff):
            if _is_past(world, task.due.before(ask.cutoff), ask.cutoff):
                mine["overdue_tasks"].add(task.id)
            continue
        finished = [at for at, done in task.done.steps(ask.cutoff) if done]
        if task.type_id in ask.meeting_types and ask.start <= finished[-1]:
            mine["meetings_held"].add(task.id)


def _is_past(world: World, due: int, cutoff: int) -> bool:
    """23:59 is shown as "all day" and lasts until midnight of the account's zone."""
    local = datetime.fromtimestamp(due, world.zone)
    if (local.hour, local.minute) == (23, 59):
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0)
        return cutoff >= int(midnight.timestamp())
    return due < cutoff


def _expect_calls(world: World, ask: Expectation, result: dict[int, dict[str, Any]]) -> None:
    once: dict[str, Note] = {}
    order = {"leads": 0, "contacts": 1, "companies": 2}
    for note in sorted(world.notes.values(), key=lambda note: (order[note.entity_type], note.id)):
        if note.type in ("call_in", "call_out") and not note.deleted:
            once.setdefault(note.params.get("uniq") or f"note-{note.id}", note)
    for note in once.values():
        seconds = int(note.params.get("duration") or 0)
        if not ask.start <= min(note.created_at + seconds, note.updated_at) < ask.cutoff:
            continue
        mine = result[note.responsible]
        status = note.params.get("call_status")
        talked = status == 4 or seconds >= 60 or (seconds > 0 and status not in (1, 5, 6, 7))
        if talked and seconds >= ask.min_call_seconds:
            mine["calls_held"].add(note.id)
            mine["talk_seconds"] = (mine["talk_seconds"] or 0) + seconds
        elif not talked and note.type == "call_in":
            mine["missed_calls"].add(note.id)


def _entries(stage: History[tuple[int, int]], until: int) -> list[tuple[int, tuple[int, int]]]:
    """When each stage was entered; staying where one is enters nothing."""
    entries: list[tuple[int, tuple[int, int]]] = []
    for at, value in stage.steps(until):
        if not entries or entries[-1][1] != value:
            entries.append((at, value))
    return entries
