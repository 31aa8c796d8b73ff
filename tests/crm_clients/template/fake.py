"""A small server of Template, filled from a `World`: it speaks the documented wire format and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx

from tests.crm_clients.world import LOST, OPEN, Quirks, World, WorldDeal, WorldTask

READER = 1
HOST, TOKEN = "example.template.example", "k3y-0f-the-administrator"
Row = dict[str, Any]


class FakeTemplate:
    """Callable as the handler of an `httpx.MockTransport`."""

    def __init__(self, world: World, quirks: Quirks, *, is_admin: bool = True) -> None:
        self.world, self.quirks, self.is_admin = world, quirks, is_admin

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return httpx.Response(401, json={"error": "unauthorized"})
        name = request.url.path.removeprefix("/api/v1/")
        answer = {"id": READER, "is_admin": self.is_admin} if name == "me" else self._page(name, request.url.params)
        return httpx.Response(200, json=answer, headers={"date": format_datetime(self.world.now, usegmt=True)})

    def _page(self, name: str, params: httpx.QueryParams) -> Row:
        after, limit = int(params["after"]), min(int(params["limit"]), 100, self.quirks.page_size or 100)
        since = datetime.fromisoformat(params["since"]) if "since" in params else datetime.min.replace(tzinfo=UTC)
        rows = sorted(getattr(self, f"_{name}")(since), key=lambda row: row["id"])
        if "ids" in params:
            rows = [row for row in rows if str(row["id"]) in params["ids"].split(",")]
        if "deals" in params:
            rows = [row for row in rows if set(map(str, row["deals"])) & set(params["deals"].split(","))]
        rows = [row for row in rows if params.get("owner") in (None, str(row.get("owner")))]
        start = next((place for place, row in enumerate(rows) if row["id"] > after), len(rows))
        if self.quirks.repeat_rows and 0 < start < len(rows):
            start, limit = start - 1, limit + 1
        return {"items": rows[start : start + limit]}

    # The lists

    def _users(self, _since: datetime) -> Iterator[Row]:
        yield {"id": READER, "name": "Reglament", "active": True, "robot": True}
        for user in self.world.users:
            yield {"id": int(user.id), "name": user.name, "active": user.active, "robot": not user.human}

    def _stages(self, _since: datetime) -> Iterator[Row]:
        for pipeline in self.world.pipelines:
            for place, _stage in enumerate(self.world.stages):
                yield {"id": int(pipeline) * 100 + place, "pipeline": int(pipeline), "place": place}

    def _deals(self, since: datetime) -> Iterator[Row]:
        for deal in self.world.deals:
            if deal.visible and (deal.closed_at is None or deal.closed_at >= since):
                yield self._deal(deal)

    def _deal(self, deal: WorldDeal) -> Row:
        last = deal.last
        closings = [move for move in deal.moves if move.state is not OPEN]
        reopened = [move for move in deal.moves[1:] if move.state is OPEN]
        return {
            "id": int(deal.id),
            "title": deal.title,
            "owner": int(deal.user) if deal.user else None,
            "pipeline": int(deal.pipeline),
            "stage": int(deal.pipeline) * 100 + list(self.world.stages).index(self.world.stage_of(last)),
            "moved_by": int(deal.user) if deal.user else None,
            "state": last.state.value,
            "created_at": deal.created_at.isoformat(),
            "updated_at": last.at.isoformat(),
            "stage_since": last.at.isoformat(),
            "closed_at": deal.closed_at.isoformat() if deal.closed_at else None,
            "reopened": bool(closings and reopened and last.state is not OPEN),
            "amount": None if deal.amount is None else str(deal.amount),
            "currency": deal.currency,
            "loss_reason": last.reason if last.state is LOST else "",
            "fields": {"site": "https://client.example" if deal.filled else ""},
        }

    def _tasks(self, since: datetime) -> Iterator[Row]:
        for task in self.world.tasks:
            if task.done_at is None or task.done_at >= since:
                yield self._task(task)
        for meeting in self.world.meetings:
            if meeting.held_at is None:
                deals = (meeting.deal,) if meeting.deal else ()
                planned = WorldTask(meeting.id, meeting.title, meeting.user, meeting.started_at.date(), deals=deals)
                yield self._task(planned)

    def _task(self, task: WorldTask) -> Row:
        has_time = isinstance(task.deadline, datetime)
        return {
            "id": int(task.id),
            "title": task.title,
            "owner": int(task.user),
            "due_at": task.deadline.isoformat() if task.deadline and has_time else None,
            "due_on": task.deadline.isoformat() if task.deadline and not has_time else None,
            "created_at": task.created_at.isoformat(),
            "done_at": task.done_at.isoformat() if task.done_at else None,
            "deals": [int(deal) for deal in task.deals],
        }

    def _companies(self, since: datetime) -> Iterator[Row]:
        for company in self.world.companies:
            if company.created_at >= since:
                yield {
                    "id": int(company.id),
                    "title": company.title,
                    "creator": int(company.creator),
                    "owner": int(company.owner),
                    "created_at": company.created_at.isoformat(),
                }

    def _meetings(self, since: datetime) -> Iterator[Row]:
        for meeting in self.world.meetings:
            if meeting.held_at is not None and meeting.held_at >= since:
                yield {
                    "id": int(meeting.id),
                    "title": meeting.title,
                    "owner": int(meeting.user),
                    "held_at": meeting.held_at.isoformat(),
                }

    def _calls(self, since: datetime) -> Iterator[Row]:
        for call in self.world.calls:
            if call.ended_at >= since:
                yield {
                    "id": int(call.id),
                    "title": "Звонок",
                    "owner": int(call.user),
                    "ended_at": call.ended_at.isoformat(),
                    "seconds": call.seconds,
                    "incoming": call.incoming,
                    "answered": call.seconds > 0,
                }

    def _comments(self, since: datetime) -> Iterator[Row]:
        asked = {deal.id for deal in self.world.deals if deal.closed_at is None or deal.closed_at >= since}
        for comment in self.world.comments:
            if comment.deal in asked:
                yield {
                    "id": int(comment.id),
                    "deal": int(comment.deal),
                    "created_at": comment.created_at.isoformat(),
                    "robot": not comment.human,
                }
