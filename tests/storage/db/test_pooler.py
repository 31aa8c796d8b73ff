"""Behind a pooler in transaction mode one-shot work goes on, and a process that cannot work there finds out."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from storage.client_memory import StoredMemory
from storage.db.database import Database
from storage.db.locks import shared_lock
from storage.db.pooler import hands_connections_on
from tests.storage.db.transaction_pooler import transaction_pooler


@pytest.fixture
async def pooled_url(postgresql_url: str):
    async with transaction_pooler(postgresql_url) as url:
        yield url


async def test_a_statement_repeated_in_many_transactions_needs_no_prepared_name(pooled_url: str):
    async with await Database.open(pooled_url) as db:
        await db.check_schema()
        for number in range(20):
            async with db.reading() as session:
                assert await session.scalar(text("SELECT CAST(:n AS integer)"), {"n": number}) == number
            async with db.transaction() as session:
                await session.execute(text("UPDATE teams SET title = :t"), {"t": str(number)})


async def test_a_shared_lock_has_one_holder_and_is_free_afterwards(pooled_url: str):
    holders: list[int] = []
    most: list[int] = []

    async with await Database.open(pooled_url) as db:

        async def hold(number: int) -> None:
            async with shared_lock(db, "main/token"):
                holders.append(number)
                most.append(len(holders))
                await asyncio.sleep(0)
                holders.remove(number)

        async with asyncio.timeout(30):
            for _ in range(3):
                await asyncio.gather(hold(1), hold(2))
        memory = StoredMemory(db, "main", "key")
        await memory.put("token", "secret")
        assert await memory.get("token") == "secret"
    assert set(most) == {1}


async def test_a_pooler_in_transaction_mode_is_found_also_with_one_connection(postgresql_url: str, sqlite_url: str):
    for connections in (1, 2, 4):
        async with transaction_pooler(postgresql_url, connections) as url, await Database.open(url) as db:
            assert await hands_connections_on(db)
    for direct in (postgresql_url, sqlite_url):
        async with await Database.open(direct) as db:
            assert not await hands_connections_on(db)
