"""Read the planned work in Bitrix24: CRM activities, tasks, and tasks that are also activities.

A list shows the owner of an activity; further bindings are asked in `bindings.py` (docs/crm/bitrix24.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from crm_clients.bitrix24.control.known_records import KnownRecords
from crm_clients.bitrix24.control.questions import known_activities, known_tasks
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress
from crm_clients.bitrix24.objects import DEAL, place
from crm_clients.bitrix24.rows import CLOSED_TASK, FINISHED, ActivityRow, TaskRow
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.values import Row, is_same_change, is_yes, stamp
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.doubts import owner_doubt
from crm_clients.shared.id_set import IdSet
from scoring.records import NOTHING, Change, Doubtful, RecordKind, Task

CALL, TASK, EMAIL = 2, 3, 4
"""TYPE_ID of an activity."""
TASK_PROVIDERS = frozenset({"CRM_TASKS_TASK", "TASKS"})
"""Providers of activities that mirror a task."""
ASK_NOTHING = frozenset(
    {
        "CRM_TASKS_TASK_COMMENT",
        "IMOPENLINES_SESSION",
        "CRM_WEBFORM",
        "CRM_EMAIL",
        "CRM_SMS",
        "CRM_LF_MESSAGE",
        "CRM_WHATSAPP",
        "CRM_NOTIFICATION",
        "CRM_EXTERNAL_CHANNEL",
        "CRM_CALL_TRACKER",
    }
)
"""Providers of letters, chats, forms and notices: traces of past events, not next steps."""
INCOMING = "1"
"""DIRECTION of an incoming call."""
MIRRORED = "task-"
"""Beginning of the id of a task of the tasks module; the ids of activities are plain numbers."""
AWAITS_APPROVAL = 4
"""Status of a task that another person must approve."""
OVERDUE = 50
"""Planned activities for each activity that is expected to be overdue."""
WHAT_ACTIVITIES, WHAT_TASKS = "activities", "tasks"
_UNTOLD = frozenset({Change.OWNER, Change.DEADLINE})
"""Changes of which Bitrix24 keeps no history that a list tells; of activities neither that of being done."""

SELECT_TASK = [
    "ID", "TITLE", "RESPONSIBLE_ID", "DEADLINE", "CREATED_DATE", "CLOSED_DATE", "CHANGED_DATE", "STATUS", "UF_CRM_TASK",
]  # fmt: skip


def asks_something(row: ActivityRow) -> bool:
    """Tell whether an activity is a next step: not a letter, a chat, a form or the record of a call."""
    if row.TYPE_ID == EMAIL or row.PROVIDER_ID in ASK_NOTHING or is_yes(row.IS_INCOMING_CHANNEL):
        return False
    if row.TYPE_ID == CALL:
        return str(row.DIRECTION) != INCOMING and not (row.ORIGIN_ID or "").startswith("VI_")
    return True


class TaskReader:
    """Read all planned work, and know afterwards which deals have a next step."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._cutoff = session.request.window.cutoff
        self._covered = IdSet()
        self._tasks: set[int] = set()
        self._mirrors: list[tuple[int, Task]] = []
        self._certain: set[str] = set()
        """Tasks that were read unchanged: a change seen later in this read is no doubt."""
        self.covered_deal = 0
        """A deal that owns an open activity."""
        self._known_activities, self._known_tasks = known_activities(session), known_tasks(session)
        self.done: dict[int, ActivityRow] = {}
        """Activities done since the cutoff that were next steps at the cutoff."""

    @property
    def known(self) -> list[KnownRecords[Any]]:
        """List the known records that the lists asked for must show."""
        covers_deals = self._session.wants("deals_without_task")
        return [self._known_activities, self._known_tasks] if covers_deals else [self._known_tasks]

    def start(self, pages: int) -> list[QueryProgress]:
        """Begin to read all planned work; `pages` are expected of the open activities of deals.

        Tasks cover their deals, so each KPI of tasks reads the same tasks: no value depends on the other KPIs asked. A
        task that waits for approval covers its deal whatever its deadline.
        """
        until = stamp(self._cutoff, up=True)
        lists: list[QueryProgress] = []
        if self._session.wants("deals_without_task"):
            lists += [
                self._activities({"COMPLETED": "N", "OWNER_TYPE_ID": DEAL}, pages),
                self._list_tasks({"REAL_STATUS": AWAITS_APPROVAL}, 1),
            ]
        late = pages // OVERDUE + 1
        lists.append(self._list_tasks({"!REAL_STATUS": FINISHED, "<DEADLINE": until}, late))
        if self._session.wants("overdue_tasks"):
            rest = {"!OWNER_TYPE_ID": DEAL} if len(lists) > 1 else {}
            lists.append(self._activities({"COMPLETED": "N", "<DEADLINE": until, **rest}, 1 if rest else late))
        return lists

    def unmatched_mirrors(self) -> Iterator[Task | Doubtful]:
        """Give the activities that mirror an unknown task, once all tasks are read; a known task counts itself."""
        for key, mirror in self._mirrors:
            if key not in self._tasks:
                yield from self._told(mirror)
        self._mirrors = []

    def has_task(self, deal: int) -> bool:
        """Tell whether an open activity has the deal for owner, or a task names the deal."""
        return deal in self._covered

    def done_since(self) -> list[QueryProgress]:
        """Begin to read the work done or changed since the cutoff, asked last: such work may be in no other list."""
        cutoff = stamp(self._cutoff)
        return [
            self._activities({">=LAST_UPDATED": cutoff}, 1, ask_last=True),
            self._list_tasks({">=CLOSED_DATE": cutoff}, 1, ask_last=True),
            self._list_tasks({">=CHANGED_DATE": cutoff}, 1, ask_last=True),
        ]

    def _activities(self, conditions: Row, pages: int, *, ask_last: bool = False) -> QueryProgress:
        return KeysetQuery(
            method="crm.activity.list",
            params={"filter": conditions, "select": ActivityRow.select()},
            fold=self._fold,
            row=ActivityRow,
            see=self._known_activities.see,
            what=WHAT_ACTIVITIES,
            group=RecordKind.TASKS,
            expected_pages=pages,
            ask_last=ask_last,
        ).start()

    def _list_tasks(self, conditions: Row, pages: int, *, ask_last: bool = False) -> QueryProgress:
        return KeysetQuery(
            method="tasks.task.list",
            params={"filter": conditions, "select": SELECT_TASK},
            fold=self._fold_tasks,
            row=TaskRow,
            see=self._known_tasks.see,
            what=WHAT_TASKS,
            group=RecordKind.TASKS,
            key="id",
            filter_key="ID",
            rows_at="tasks",
            expected_pages=pages,
            ask_last=ask_last,
        ).start()

    def is_step(self, row: ActivityRow) -> bool:
        """Tell whether an activity is a next step and was open at the cutoff."""
        return asks_something(row) and self._open_at_cutoff(row)

    def _open_at_cutoff(self, row: ActivityRow) -> bool:
        if self._cutoff <= row.CREATED:
            return False
        return not is_yes(row.COMPLETED) or self._last_change(row) is not None

    def _last_change(self, row: ActivityRow) -> datetime | None:
        """Give the last change of a done activity, if after the cutoff: Bitrix24 tells no time of completion."""
        return row.LAST_UPDATED if self._cutoff <= row.LAST_UPDATED else None

    def _fold(self, rows: Sequence[ActivityRow]) -> Iterator[Task | Doubtful]:
        planned = [row.ID for row in rows if row.OWNER_TYPE_ID == DEAL and not is_yes(row.COMPLETED)]
        self._known_activities.keep(planned)
        for row in rows:
            if not self.is_step(row):
                continue
            is_done, deal = is_yes(row.COMPLETED), 0
            if is_done:
                self.done[row.ID] = row
            if row.OWNER_TYPE_ID == DEAL:
                deal = row.OWNER_ID
                self._cover(deal)
                self.covered_deal = self.covered_deal if is_done else deal
            task = self.task(row, frozenset({str(deal)} if deal else ()))
            if not self._concerns(task):
                continue
            if not is_mirror(row):
                yield from self._told(task)
            elif row.ASSOCIATED_ENTITY_ID:  # without the id of the task: the task counts itself
                self._mirrors.append((row.ASSOCIATED_ENTITY_ID, task))

    def _concerns(self, task: Task) -> bool:
        """Tell whether a task is to be counted, or may have been; other planned work only covers the deal."""
        late = isinstance(task.deadline, datetime) and task.deadline < self._cutoff
        concerns = self._session.concerns(task.manager)
        return self._session.wants("overdue_tasks") and ((late or concerns) if task.changed else (late and concerns))

    def _told(self, task: Task) -> Iterator[Task | Doubtful]:
        """Give a task, with a doubt for every member if another may have been responsible at the cutoff."""
        if not task.changed:
            self._certain.add(task.id)
        elif task.id not in self._certain:
            yield owner_doubt(task, self._session.request.members)
        yield task

    def _cover(self, deal: int) -> None:
        if deal:
            self._covered.add(deal)

    def task(self, row: ActivityRow, deals: frozenset[str]) -> Task:
        """Make a fact of an activity, bound to `deals`."""
        mirrored = row.ASSOCIATED_ENTITY_ID if is_mirror(row) else None
        counts = mirrored or not is_mirror(row)
        return Task(
            id=f"{MIRRORED}{mirrored}" if mirrored else str(row.ID),
            title=clean_title(row.SUBJECT or ""),
            manager=row.manager if counts else "",
            deadline=row.DEADLINE,
            created_at=row.CREATED,
            done_at=self._last_change(row) if is_yes(row.COMPLETED) else None,
            deals=deals,
            place=place(row.OWNER_TYPE_ID, row.OWNER_ID),
            changed=self._changed_activity(row),
        )

    def _changed_activity(self, row: ActivityRow) -> frozenset[Change]:
        """Name the possible changes of an activity; one done may have been done before the cutoff, and edited since."""
        if self._last_change(row) is None:
            return NOTHING
        return _UNTOLD | {Change.COMPLETION} if is_yes(row.COMPLETED) else _UNTOLD

    def _fold_tasks(self, rows: Sequence[TaskRow]) -> Iterator[Task | Doubtful]:
        late = (row for row in rows if row.deadline is not None and row.deadline < self._cutoff)
        self._known_tasks.keep([row.id for row in late if row.status not in CLOSED_TASK])
        for row in rows:
            done = row.closedDate if row.closedDate is not None and row.closedDate >= self._cutoff else None
            if done is None and row.status in CLOSED_TASK:
                continue
            self._tasks.add(row.id)
            if row.createdDate < self._cutoff:
                for deal in row.deals:
                    self._cover(int(deal))
            task = self.own_task(row, done)
            if row.createdDate < self._cutoff and self._concerns(task):
                yield from self._told(task)

    def own_task(self, row: TaskRow, done: datetime | None) -> Task:
        """Make a fact of a task of the tasks module, done at an instant or open."""
        return Task(
            id=f"{MIRRORED}{row.id}",
            title=clean_title(row.title or ""),
            manager=row.manager,
            deadline=row.deadline,
            created_at=row.createdDate,
            done_at=done,
            deals=row.deals,
            awaits_approval=row.status == AWAITS_APPROVAL and done is None,
            changed=self._changed(row, done),
        )

    def _changed(self, row: TaskRow, done: datetime | None) -> frozenset[Change]:
        """Name the possible changes, if a task was changed after the cutoff by more than the closing."""
        changed = row.changedDate
        if changed is None or changed < self._cutoff or (done is not None and is_same_change(done, changed)):
            return NOTHING
        return _UNTOLD


def is_mirror(row: ActivityRow) -> bool:
    """Tell whether an activity mirrors a task of the tasks module."""
    return row.TYPE_ID == TASK or row.PROVIDER_ID in TASK_PROVIDERS
