"""kill −9 a real `reglament run` again and again: one ledger, at most the messages in flight repeated.

None is lost, and those in flight at a kill are sent once more.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import update

from bot.delivery.courier import IN_FLIGHT
from reglament.config import settings as settings_module
from reglament.day.members import learn_members
from reglament.process import open_process, store_teams
from storage.days import queries, runs
from storage.db.database import Database
from storage.db.models import DeliveryRecord, RunRecord
from storage.messages import deliveries
from storage.people import invites, people
from storage.values import DeliveryState
from storage.verify import verification as verify
from tests.bot.botapi import TOKEN, BotApi

ROOT = Path(__file__).parents[2]
MANAGERS, HEAD = 12, 222
KILLED = {"sqlite": (0, 1, 6), "postgresql": (4,)}
"""The service is killed when it has taken the day in hand and told so many people."""
BEHIND = datetime.now(UTC).hour - 12
TODAY = (datetime.now(UTC) - timedelta(hours=BEHIND)).date()
"""Where it is noon now, so that the day does not end before the test."""
PATIENCE = 180
"""Seconds after which a broken test ends; nothing is measured by it."""


def _config(folder: Path, url: str, api_url: str) -> Path:
    file = folder / "config.toml"
    file.write_text(
        f"""
[database]
url = "{url}"
[telegram]
token = "{TOKEN}"
api_url = "{api_url}"
[crm.main]
kind = "demo"
managers = {MANAGERS}
timezone = "Etc/GMT{BEHIND:+d}"
[teams.sales]
crm = "main"
members = {{ everyone = true }}
timezone = "Etc/GMT{BEHIND:+d}"
holidays = ""
weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
cutoff = "00:00"
reminder_minutes = 0
heads = [{HEAD}]
board = "off"
""",
        encoding="utf-8",
    )
    return file


async def _connect_everybody(config: Path, api: BotApi) -> list[int]:
    """All managers have joined; nothing is scored yet."""
    chats = [HEAD]
    async with open_process(settings_module.load(config)) as process:
        await store_teams(process)
        await learn_members(process, "sales")
        for number in range(MANAGERS):
            async with process.db.transaction() as session:
                member = (await people.unconnected(session, "sales"))[0]
                token = await invites.invite_manager(
                    session, member.connection, member.crm_user, author="test", at=process.now()
                )
                await invites.accept(session, token, 1000 + number, at=process.now())
            chats.append(1000 + number)
    for chat in chats:
        api.user(chat, started=True)
    return chats


@contextlib.asynccontextmanager
async def _service(config: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("a") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "reglament",
            "run",
            "--config",
            str(config),
            cwd=config.parent,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=sink,
            stderr=sink,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                os.kill(process.pid, signal.SIGKILL)
            await process.wait()


async def _has_told(count: int, api: BotApi, database: Database) -> bool:
    async with database.reading() as session:
        run = await runs.find(session, "sales", TODAY)
    return run is not None and sum(len(chat.messages) for chat in api.chats.values()) >= count


async def _all_sent(database: Database) -> bool:
    async with database.reading() as session:
        run = await runs.find(session, "sales", TODAY)
        counts = await deliveries.count_by_state(session)
    open_ = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
    return run is not None and bool(run.digest) and not open_


async def _until(happened: Callable[[], Awaitable[bool]], service: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await happened():
            assert service.returncode is None, "the service stopped by itself"
            await asyncio.sleep(0.02)


async def _leases_end(database: Database) -> None:
    """A minute passes; on SQLite the next start needs none."""
    async with database.transaction() as session:
        for table in (RunRecord, DeliveryRecord):
            await session.execute(update(table).values(lease_until=0.0))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_killed_at_any_moment_a_day_is_written_once_and_told_to_everybody(kind, request, tmp_path):
    url = request.getfixturevalue(f"{kind}_url")
    log = tmp_path / "run.log"
    async with BotApi(latency=0.03) as api:
        config = _config(tmp_path, url, api.url)
        chats = await _connect_everybody(config, api)
        async with await Database.open(url) as database:
            for told in KILLED[kind]:
                async with _service(config, log) as service:
                    await _until(partial(_has_told, told, api, database), service)
                    service.kill()
                if not database.is_sqlite:
                    await _leases_end(database)
            async with _service(config, log) as service:
                await _until(lambda: _all_sent(database), service)
                service.terminate()
                assert await service.wait() == 0
            async with database.reading() as session:
                found = await verify.verification(session, "sales")
                entries = await queries.entries(session, "sales", TODAY, TODAY)
                failed = (await deliveries.count_by_state(session)).get(DeliveryState.FAILED, 0)
        texts = {chat: [message.text for message in api.chat(chat).messages if message.text] for chat in chats}
    assert found.problems == ()
    counted = collections.Counter((entry.crm_user, entry.rule) for entry in entries)
    assert len(counted) == MANAGERS * 5
    assert set(counted.values()) == {1}
    assert failed == 0
    assert all(texts.values()), log.read_text()
    repeated = sum(len(messages) - 1 for messages in texts.values() if messages)
    assert repeated <= len(KILLED[kind]) * IN_FLIGHT
    assert "Traceback" not in log.read_text()
