"""amoCRM's calls, companies and comments."""

from __future__ import annotations

import asyncio
from array import array
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec

from crm_clients.amocrm.account import whole
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.history import OWNER, ChangesSinceCutoff
from crm_clients.amocrm.session import Job, pack, path
from crm_clients.shared.comment_cache import CommentCache
from scoring.records import Call, Comment, Company, Fact

CALL_IN, CALL_OUT = "call_in", "call_out"
TALKED, UNANSWERED = 4, frozenset({1, 5, 6, 7})
"""`call_status`: talked; left a message, wrong number, no answer, busy. What lies between is told by the duration."""
COMMENT = "common"


async def read_companies(job: Job) -> None:
    """Companies created in the window, credited to their creator or, by the settings, to their owner."""
    by_owner = job.config.companies_credit == "owner"
    since = ChangesSinceCutoff(job.cutoff)
    companies: list[Company] = []

    async def take(rows: list[Row]) -> None:
        companies.extend(_company(row, by_owner=by_owner) for row in rows if job.covers(whole(row.get("created_at"))))

    async def learn(events: list[Row]) -> None:
        since.add(events)

    span = f"filter[created_at][from]={job.start}&filter[created_at][to]={job.cutoff - 1}"
    await job.api.shifting("companies", f"{span}&order[id]=asc", job.deadline, "companies", take)
    if by_owner and companies and job.is_over:
        await job.events((OWNER,), job.cutoff, None, "owners of companies since the cutoff", learn)
    await job.emit(_as_at_cutoff(company, since) for company in companies)


def _company(row: Row, *, by_owner: bool) -> Company:
    key, user = whole(row["id"]), whole(row.get("responsible_user_id" if by_owner else "created_by"))
    return Company(
        id=str(key),
        title=str(row.get("name") or "").strip() or f"#{key}",
        manager=str(user or ""),  # 0: a robot or an integration
        created_at=datetime.fromtimestamp(whole(row["created_at"]), UTC),
    )


def _as_at_cutoff(company: Company, since: ChangesSinceCutoff) -> Company:
    owner = since.owner("company", int(company.id), int(company.manager or 0))
    return msgspec.structs.replace(company, manager=str(owner or ""))


async def read_calls(job: Job) -> None:
    """Call notes of leads, contacts and companies; the same call on several of them is one."""
    seen: set[str] = set()
    for entity in ("leads", "contacts", "companies"):

        async def take(rows: list[Row], entity: str = entity) -> None:
            calls = [call for row in rows if (call := _call(job, row, entity, seen)) is not None]
            await job.emit(calls)

        query = f"filter[note_type][]={CALL_IN}&filter[note_type][]={CALL_OUT}&filter[updated_at][from]={job.start}"
        await job.api.shifting(f"{entity}/notes", f"{query}&order[id]=asc", job.deadline, f"calls on {entity}", take)


def _call(job: Job, row: Row, entity: str, seen: set[str]) -> Call | None:
    """A call of the window; None for anything else, and for one already seen elsewhere."""
    at = whole(row.get("created_at"))
    kind = row.get("note_type")
    if kind not in (CALL_IN, CALL_OUT) or not job.covers(at):
        return None
    said = row.get("params")
    params: dict[str, Any] = said if isinstance(said, dict) else {}
    key = whole(row["id"])
    user = _caller(row, params)
    seconds = max(0, whole(params.get("duration")))
    status = whole(params.get("call_status"))
    phone = str(params.get("phone") or "").strip()
    mark = str(params.get("uniq") or "").strip() or (phone and f"{kind} {phone} {at} {seconds} {status} {user}")
    if mark in seen:
        return None
    if mark:
        seen.add(mark)
    return Call(
        id=str(key),
        title=phone or f"#{key}",
        manager=str(user or ""),
        ended_at=datetime.fromtimestamp(at, UTC),
        seconds=seconds,
        incoming=kind == CALL_IN,
        answered=status == TALKED or (seconds > 0 and status not in UNANSWERED),
        place=path(pack(entity, whole(row.get("entity_id")))),
    )


def _caller(row: Row, params: dict[str, Any]) -> int:
    """Whose call it was: the note's responsible user, else whom the telephony names, else who wrote the note."""
    return (
        whole(row.get("responsible_user_id")) or whole(params.get("call_responsible")) or whole(row.get("created_by"))
    )


class CommentBook:
    """Which deals have a human comment. Kept in the client's memory: once commented is enough."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._known = CommentCache()

    async def load(self) -> None:
        """Recall the deals that were commented by an earlier cutoff; without those that lost a comment since."""
        kept = await CommentCache.load(self._job.memory, self._job.cutoff)
        if not kept.until:
            return
        gone: set[int] = set()

        async def take(events: list[Row]) -> None:
            gone.update(whole(event.get("entity_id")) for event in events)

        types = ("common_note_deleted",)
        await self._job.events(types, kept.until, None, "deleted comments", take)
        left = (lead for lead in kept.deals if lead not in gone)
        self._known = await asyncio.to_thread(CommentCache, left, kept.until) if gone else kept

    def knows(self, lead: int) -> bool:
        """Whether it is known to have a comment."""
        return lead in self._known

    async def read(self, leads: array[int]) -> None:
        """Look at the notes of the deals of which nothing is known, and keep what was found."""
        job = self._job
        found: set[int] = set()

        async def take(rows: list[Row]) -> None:
            facts: list[Fact] = []
            for row in rows:
                lead, at = whole(row.get("entity_id")), whole(row.get("created_at"))
                if row.get("note_type") != COMMENT or not whole(row.get("created_by")) or at >= job.cutoff:
                    continue
                if lead not in found:
                    found.add(lead)
                    facts.append(Comment(str(lead), datetime.fromtimestamp(at, UTC)))
            await job.emit(facts)

        unknown = (lead for lead in leads if not self.knows(lead))
        query = f"filter[note_type][]={COMMENT}"
        await job.api.by_id("leads/notes", query, "entity_id", unknown, job.deadline, "comments", take)
        known = await asyncio.to_thread(CommentCache, chain(filter(self.knows, leads), found), job.cutoff)
        await known.save(job.memory)
