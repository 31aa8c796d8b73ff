"""Read the events of the window: companies added, meetings held, calls; and the comments on open deals."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crm_clients.shared.cleaning import clean_title
from crm_clients.template.rows import CallRow, CommentRow, CompanyRow, MeetingRow
from crm_clients.template.session import ReadSession
from scoring.records import Call, Comment, Company, Meeting


async def read_companies(session: ReadSession) -> AsyncIterator[Company]:
    """Yield companies created since the window's start, credited as `companies_credit` says."""
    by_creator = session.config.companies_credit == "creator"
    async for row in session.rows("companies", CompanyRow, session.start):
        manager = row.creator if by_creator else row.owner
        yield Company(str(row.id), clean_title(row.title), str(manager or ""), row.created_at)


async def read_meetings(session: ReadSession) -> AsyncIterator[Meeting]:
    """Yield meetings held since the window's start."""
    async for row in session.rows("meetings", MeetingRow, session.start):
        yield Meeting(str(row.id), clean_title(row.title), str(row.owner), row.held_at)


async def read_calls(session: ReadSession) -> AsyncIterator[Call]:
    """Yield calls that ended since the window's start."""
    async for row in session.rows("calls", CallRow, session.start):
        yield Call(
            str(row.id), clean_title(row.title), str(row.owner), row.ended_at, row.seconds, row.incoming, row.answered
        )


async def read_comments(session: ReadSession) -> AsyncIterator[Comment]:
    """Yield the comments of people on deals that were open at the cutoff."""
    async for row in session.rows("comments", CommentRow, session.cutoff):
        if not row.robot:
            yield Comment(str(row.deal), row.created_at)
