"""Roll a lead back to the cutoff: state, owner, sum and task of that instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from crm_clients.amocrm.history.change_feed import ChangeFeed
from crm_clients.amocrm.history.stage_history import Loss, StageHistory
from crm_clients.amocrm.rows import LeadRow
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.stages import Stage, Stages, deal_state
from scoring.records import NOTHING, Change, Deal, DealState, Money, RecordKind

NO_LONGER_TOLD = "?"
"""Loss reason of a deal that was lost at the cutoff and has been reopened since, which erases the reason."""


class DealRollback:
    """Convert leads to deals as at the cutoff."""

    def __init__(
        self,
        session: ReadSession,
        feed: ChangeFeed,
        history: StageHistory,
        stages: Stages,
        is_commented: Callable[[int], bool],
        field_names: Mapping[str, str],
    ) -> None:
        """Take the changes since the cutoff, and the names of the required fields for people."""
        self._field_names = field_names
        self._session, self._tasks, self._changes = session, feed.tasks, feed.changes
        self._history, self._stages, self._is_commented = history, stages, is_commented
        self._asks_tasks = RecordKind.TASKS in session.request.kinds
        self._required = stages.required_fields(session.config.required_fields)

    def deal(self, row: LeadRow) -> Deal | None:
        """Return the deal; None for incoming and hidden leads, and for deals closed before the window."""
        changes = self._changes
        stage = changes.stages[row.id][1] if row.id in changes.stages else row.stage
        if self._stages.hides(row.stage, stage):
            return None
        state = deal_state(stage[1])
        closed_at = None
        if state is not DealState.OPEN:
            entered = self._entered(row, state)
            if entered is None or entered < self._session.start:
                return None
            closed_at = datetime.fromtimestamp(entered, UTC)
        has_task = self._has_task(row)
        owner = changes.owner("lead", row.id, row.owner)
        amount = self._money(changes.prices[row.id][1] if row.id in changes.prices else row.price)
        loss = self._moved_loss(row, stage)
        return Deal(
            id=str(row.id),
            title=row.name,
            manager=str(owner or ""),
            state=state,
            created_at=datetime.fromtimestamp(row.created, UTC),
            pipeline=str(stage[0]),
            closed_at=closed_at,
            stage_since=self._stage_since(row),
            amount=amount,
            loss_reason=self._loss_reason(row) if state is DealState.LOST else "",
            missing_fields=self._missing_fields(row, stage, owner, amount) if state is DealState.OPEN else (),
            has_task=has_task,
            has_comment=True if state is DealState.OPEN and self._is_commented(row.id) else None,
            reopened=closed_at is not None and self._history.was_reopened(row.id, int(closed_at.timestamp())),
            moved_by=self._mover(row, state, loss),
            lost_at=datetime.fromtimestamp(loss.second, UTC) if loss else None,
            lost_from=str(loss.pipeline) if loss else "",
            changed=self._untraced_changes(row, owner, state, has_task=has_task),
        )

    def _entered(self, row: LeadRow, state: DealState) -> int | None:
        """Return the second at which a deal was won or lost; None if long ago."""
        entered = self._history.entered(row.id, state)
        if entered is not None:
            return entered
        if row.created >= self._session.start:
            return row.created  # created as closed: every change of its state would be known
        if row.id in self._history.moved_while_closed:
            return None  # moved between two closing stages: closed long ago
        if row.closed and (row.closed < self._session.cutoff or row.id not in self._changes.stages):
            return row.closed
        return None

    def _stage_since(self, row: LeadRow) -> datetime | None:
        """Return the last change of stage; without a change since the horizon an instant before the horizon."""
        if not self._history.keep_stages:
            return None
        horizon = self._history.horizon
        entered = self._history.last_change.get(row.id) or (row.created if row.created >= horizon else horizon - 1)
        return datetime.fromtimestamp(entered, UTC)

    def _loss_reason(self, row: LeadRow) -> str:
        return row.loss_reason or (NO_LONGER_TOLD if row.id in self._changes.stages else "")

    def _moved_loss(self, row: LeadRow, stage: Stage) -> Loss | None:
        """Return the loss of a deal that was lost in another pipeline before it came to the present pipeline."""
        loss = self._history.last_loss(row.id, self._session.start)
        return loss if loss and loss.pipeline != stage[0] else None

    def _mover(self, row: LeadRow, state: DealState, loss: Loss | None) -> str:
        """Return the user who moved a deal into the closing state that counts; empty if amoCRM or nobody tells."""
        if state is DealState.OPEN:
            return str((loss and loss.mover) or "")
        return str(self._history.mover(row.id, state) or "")

    def _missing_fields(self, row: LeadRow, stage: Stage, owner: int, amount: Money | None) -> tuple[str, ...]:
        required = self._required.required_at(str(stage[0]), str(stage[1]))
        with_history = {"price": amount is not None and amount.amount != 0, "responsible_user_id": owner != 0}
        empty = (name for name in required if not with_history.get(name) and name not in row.filled)
        return tuple(self._field_names.get(name, name) for name in empty)

    def _has_task(self, row: LeadRow) -> bool | None:
        """Tell whether a deal had an open task; None if requested tasks could not be read."""
        if not self._asks_tasks:
            return row.has_task
        return self._tasks.lead_had_task(row.id, has_now=row.has_task) if self._tasks.is_known else None

    def _money(self, price: object) -> Money | None:
        return None if price in (None, "") else Money(Decimal(str(price)), self._session.account.currency)

    def _untraced_changes(
        self, row: LeadRow, owner: int, state: DealState, *, has_task: bool | None
    ) -> frozenset[Change]:
        """Name possible changes since the cutoff of which amoCRM keeps no history."""
        fields = set(self._changed_fields(row, state))
        if state is DealState.OPEN and (
            self._tasks.is_lead_uncertain(row.id) or (has_task is False and self._tasks.may_have_lost_task(row, owner))
        ):
            fields.add(Change.BINDING)
        return frozenset(fields) or NOTHING

    def _changed_fields(self, row: LeadRow, state: DealState) -> Iterator[Change]:
        """Name the fields without history that may have changed since the cutoff; reopening erases a loss reason."""
        if row.updated < self._session.cutoff:
            return
        is_explained = self._changes.explain("lead", row.id, row.updated)
        if state is DealState.LOST and (not is_explained or row.id in self._changes.stages):
            yield Change.LOSS_REASON
        if row.id in self._changes.fields or not (is_explained and self._changes.tells_fields):
            yield Change.FIELD
