"""Verify teams side by side, each in a process of its own: a verification keeps a processor busy."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from datetime import datetime

from sqlalchemy import func, select

from storage.db.database import Database
from storage.db.models import TeamRecord
from storage.errors import UNREADABLE
from storage.values import CompanyVerification, Verification
from storage.verify.verification import verification

WORTH_PROCESSES = 50_000
"""Entries from which processes are started: the start of a process takes as long as ten thousand entries."""
Found = Verification | str
"""A verification, or the name of the error that ended it: stored data were altered beyond reading."""


async def verify_teams(
    database: Database,
    url: str,
    keys: Sequence[str],
    company: CompanyVerification,
    now: datetime,
    *,
    pool: Executor | None = None,
) -> AsyncIterator[tuple[str, Found]]:
    """Verify teams and yield each verification in the order of `keys`, side by side where that is worth processes.

    `pool` replaces the processes.
    """
    processes = min(len(keys), os.cpu_count() or 1)
    if pool is None and (processes < 2 or await _entries(database) < WORTH_PROCESSES):
        for key in keys:
            yield key, await _verify(database, key, company, now)
        return
    spawn = multiprocessing.get_context("spawn")  # a fork would copy the threads of the database driver in mid-work
    with nullcontext(pool) if pool else ProcessPoolExecutor(processes, spawn) as workers:
        running = [workers.submit(_verify_alone, url, key, company, now) for key in keys]
        for key, future in zip(keys, running, strict=True):
            yield key, await asyncio.wrap_future(future)


async def _entries(database: Database) -> int:
    async with database.reading() as session:
        return int(await session.scalar(select(func.sum(TeamRecord.ledger_seq))) or 0)


def _verify_alone(url: str, key: str, company: CompanyVerification, now: datetime) -> Found:
    """Verify a team in this process."""
    return asyncio.run(_open_and_verify(url, key, company, now))


async def _open_and_verify(url: str, key: str, company: CompanyVerification, now: datetime) -> Found:
    async with await Database.open(url) as database:
        return await _verify(database, key, company, now)


async def _verify(database: Database, key: str, company: CompanyVerification, now: datetime) -> Found:
    try:
        async with database.reading() as session:
            return await verification(session, key, company, now=now)
    except UNREADABLE as error:
        return type(error).__name__
