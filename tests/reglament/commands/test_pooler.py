"""Commands work behind a pooler in transaction mode; `run` and `check` say that the service needs the server itself."""

from __future__ import annotations

import asyncio
import io
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console

from crm_clients.base import Severity
from reglament.commands.check import check
from reglament.commands.score import score
from reglament.commands.verify import verify
from reglament.config.settings import Settings, build
from reglament.errors import SettingsError
from reglament.process import pooler_problem
from reglament.service import service
from storage.db import schema
from tests.storage.db.transaction_pooler import transaction_pooler

AT = datetime.fromisoformat("2026-11-19T18:01+03:00")


def settings(url: str, direct_url: str = "") -> Settings:
    tables: dict[str, Any] = {
        "secret_key": "k" * 32,
        "database": {"url": url, "direct_url": direct_url},
        "telegram": {"token": "1:a"},
        "crm": {"main": {"kind": "demo"}},
        "teams": {"sales": {"crm": "main", "members": {"everyone": True}}},
    }
    return build(tables)


async def test_a_day_is_scored_twice_and_verified_behind_a_pooler(empty_postgresql_url: str):
    async with transaction_pooler(empty_postgresql_url) as url:
        await asyncio.to_thread(schema.upgrade, url)
        first = await score(settings(url), "sales", None, AT, send=False)
        again = await score(settings(url), "sales", None, AT, send=False)
        assert first.to_json() == again.to_json()
        assert await verify(settings(url), None, None, Console(file=io.StringIO()))


async def test_run_and_check_refuse_a_pooler_unless_the_server_itself_is_named(postgresql_url: str):
    async with transaction_pooler(postgresql_url) as url:
        with pytest.raises(SettingsError, match=r"set database\.direct_url to the address of the PostgreSQL server"):
            await service.serve(settings(url))
        with pytest.raises(SettingsError, match=r"database\.direct_url leads to a pooler in transaction mode"):
            await service.serve(settings(url, url))
        [line] = [line for line in await check(settings(url)) if line.finding.subject == "pooler"]
        assert line.finding.severity is Severity.ERROR
        assert await pooler_problem(settings(url, postgresql_url)) == ""
    assert await pooler_problem(settings(postgresql_url)) == ""


@pytest.mark.parametrize(
    ("url", "direct"), [("sqlite:///r.db", "postgresql://u:hush@h/d"), ("postgresql://h/d", "sqlite:///r.db")]
)
def test_the_server_itself_is_a_postgresql_beside_a_postgresql(url: str, direct: str):
    with pytest.raises(SettingsError, match="direct_url must begin with postgresql://") as caught:
        settings(url, direct)
    assert "hush" not in str(caught.value)
