"""Tell which tasks were open at the cutoff, and which deals had an open task then.

amoCRM writes no event when a completed task is opened again. A task changed since the cutoff in a way that no event
tells may have been done at the cutoff; where amoCRM cannot say, the record is doubtful (`docs/crm/amocrm.md`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from crm_clients.amocrm.answers import BadRequest, Row
from crm_clients.amocrm.history.changes import TASK_DONE, ChangesSinceCutoff, Checkpoint, is_completion
from crm_clients.amocrm.rows import LeadRow, TaskRow
from crm_clients.amocrm.session import ReadSession, of_entities
from crm_clients.amocrm.wire import WireEvent
from crm_clients.errors import CrmError, DeadlineExceeded
from crm_clients.shared.concurrency import in_parts
from crm_clients.shared.pacing import Deadline

YOUNG_SECONDS = 7 * 86_400
"""Age up to which a deal may still be spared by a team's settings."""
EVENT_IDS = 10
"""Entities in a filter of events: amoCRM refuses more."""


class OpenTaskHistory:
    """Collect tasks changed since the cutoff, and tell how tasks stood at the cutoff."""

    def __init__(self, session: ReadSession, changes: ChangesSinceCutoff, *, is_wanted: bool) -> None:
        self._session, self._changes = session, changes
        self._is_wanted = is_wanted
        """Whether tasks are read at all."""
        self._error: CrmError | None = None
        """Why changed tasks could not be read; the deals' own changes are known all the same."""
        self._checkpoint = Checkpoint(session.cutoff)
        self.changed: dict[int, TaskRow] = {}
        """Tasks changed since the cutoff, by id."""
        self._leads_with_task: set[int] = set()
        """Leads with a task that was open at the cutoff."""
        self._leads_with_new_task: set[int] = set()
        """Leads with known tasks that exist or are open only since the cutoff."""
        self._uncertain_leads: set[int] = set()
        """Leads with a task that may have been open or done at the cutoff."""
        self._doubted: Counter[tuple[int, int]] = Counter()
        """Deals without a task that a deleted task may have covered, by owner and pipeline."""
        self._had_older_task: dict[int, bool] = {}
        """Whether a lead with a new task also had an older open task."""
        self._done_before: dict[int, bool] = {}
        """Whether a task had ever been completed before the cutoff."""

    @property
    def is_known(self) -> bool:
        """Tell whether tasks are read, and could be read so far."""
        return self._is_wanted and self._error is None

    def ensure_known(self) -> None:
        """Raise the error that kept changed tasks from being read, if any."""
        if self._error is not None:
            raise type(self._error)(str(self._error))

    async def read_changed(self) -> None:
        """Read tasks changed since the last call; an error makes the history unknown."""
        if not self.is_known:
            return
        session = self._session
        filters = f"filter[updated_at][from]={self._checkpoint.advance(session.now)}&order[id]=asc"
        try:
            await session.lists.shifting(session.query("tasks", filters, "tasks changed since the cutoff"), self._take)
        except CrmError as error:
            self._error = error

    async def resolve(self) -> None:
        """Ask for earlier completions and older tasks, once the events are read; an error makes the history unknown."""
        if not self.is_known:
            return
        try:
            await self._ask_for_completions()
            self._assign(self.changed.values())
            await self._ask_for_older_tasks()
        except CrmError as error:
            self._error = error

    async def _take(self, rows: list[Row]) -> None:
        for raw in rows:
            row = TaskRow.parse(self._session, raw)
            if row.updated >= self._session.cutoff and not row.deleted:
                self.changed[row.id] = row

    async def _ask_for_completions(self) -> None:
        """Find tasks completed before the cutoff; unanswered questions leave a task in doubt."""
        session = self._session
        asked = {
            row.id: row.created
            for row in self.changed.values()
            if self.was_open(row) and row.id not in self._done_before
        }
        if not asked:
            return
        what = "earlier completions of tasks"
        self._done_before.update(dict.fromkeys(asked, True))  # until the answer is there
        deadline = Deadline(session.deadline.remaining(what) / 2, session.api.http.clock)

        async def read(part: list[int]) -> None:
            found: set[int] = set()

            async def take(events: list[WireEvent]) -> None:
                found.update(event.entity_id for event in events if is_completion(event, session.cutoff))

            chosen = of_entities("task", part)
            since = min(asked[key] for key in part)
            await session.read_events(
                (TASK_DONE,), since, session.cutoff, what, take, filters=chosen, deadline=deadline
            )
            self._done_before.update((key, key in found) for key in part)

        with suppress(DeadlineExceeded, BadRequest):
            await in_parts(asked, EVENT_IDS, read)

    def _assign(self, rows: Iterable[TaskRow]) -> None:
        """Sort the leads of changed tasks by the state of the tasks at the cutoff."""
        for row in rows:
            if not row.lead:
                continue
            if self.was_likely_open(row):
                self._leads_with_task.add(row.lead)
            elif not row.done or row.created >= self._session.cutoff:
                self._leads_with_new_task.add(row.lead)
            if self.was_open(row) and self._may_have_been_done(row):
                self._uncertain_leads.add(row.lead)

    async def _ask_for_older_tasks(self) -> None:
        """Find older open tasks of leads with a new task: a lead's own row tells of the new task only."""
        asked = self._leads_with_new_task - self._leads_with_task - self._had_older_task.keys()
        if not asked:
            return
        self._had_older_task.update(dict.fromkeys(asked, False))

        async def take(rows: list[Row]) -> None:
            for raw in rows:
                row = TaskRow.parse(self._session, raw)
                if row.lead in self._had_older_task and not row.done and not row.deleted and self.was_likely_open(row):
                    self._had_older_task[row.lead] = True

        filters = "filter[entity_type]=leads&filter[is_completed]=0"
        query = self._session.query("tasks", filters, "tasks of deals that got a new one")
        await self._session.lists.by_ids(query, "entity_id", asked, take)

    def was_open(self, row: TaskRow) -> bool:
        """Tell whether a task was open at the cutoff, or may have been."""
        return row.created < self._session.cutoff and (not row.done or row.id in self._changes.done)

    def was_likely_open(self, row: TaskRow) -> bool:
        """Tell the likelier state at the cutoff: a task once done, with an unexplained change, was reopened since."""
        was_likely_done = self._may_have_been_done(row) and not self._changes.explain("task", row.id, row.updated)
        return self.was_open(row) and not was_likely_done

    def is_uncertain(self, row: TaskRow) -> bool:
        """Tell whether a task may have stood otherwise at the cutoff."""
        return self._may_have_been_done(row) or not self._changes.explain("task", row.id, row.updated)

    def _may_have_been_done(self, row: TaskRow) -> bool:
        """Tell whether a task was completed before the cutoff and reopened at an unknown time."""
        return row.updated >= self._session.cutoff and self._done_before.get(row.id, False)

    def lead_had_task(self, lead: int, *, has_now: bool) -> bool:
        """Tell whether a lead had an open task at the cutoff, given the present."""
        return lead in self._leads_with_task or (has_now and self._had_older_task.get(lead, True))

    def is_lead_uncertain(self, lead: int) -> bool:
        """Tell whether `lead_had_task` may be wrong for a lead."""
        return lead in self._uncertain_leads

    def may_have_lost_task(self, row: LeadRow, owner: int) -> bool:
        """Tell whether to doubt that a deal without a task had none at the cutoff, as tasks were deleted since.

        The events do not name the deals: in each pipeline so many deals of an owner are in doubt as tasks were deleted,
        besides all deals that are young or changed lately, for such a deal may not count at all.
        """
        lost = self._changes.lost_tasks
        if not lost or row.updated >= self._session.start or row.created >= self._session.cutoff - YOUNG_SECONDS:
            return bool(lost)
        self._doubted[owner, row.stage[0]] += 1
        return self._doubted[owner, row.stage[0]] <= lost
