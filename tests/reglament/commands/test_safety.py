"""`check` names open files, a weak key, and ids that never wrote to the bot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from crm_clients.base import Severity
from reglament.commands import safety
from reglament.config import settings as settings_module
from reglament.config.settings import build
from reglament.process import clock_now, open_process
from storage.client_memory import StoredMemory
from storage.db.database import Database
from storage.people import channels


def tables(url: str, **more: Any) -> dict[str, Any]:
    return {
        "database": {"url": url},
        "telegram": {"admins": [11, 12]},
        "crm": {"main": {"kind": "demo"}},
        "teams": {"sales": {"crm": "main", "members": {"everyone": True}, "heads": [11, 13], "hr": [14]}},
    } | more


async def test_ids_that_never_wrote_are_named_with_their_places(sqlite_url: str):
    async with open_process(build(tables(sqlite_url))) as process:
        async with process.db.transaction() as session:
            await channels.set_language(session, 12, "ru", at=clock_now())
            await channels.set_menu(session, 14, "a menu", at=clock_now())
            await channels.turn_off(session, 13, "blocked", at=clock_now())
        found = await safety.check(process)
    assert {line.severity for line in found} == {Severity.WARNING}
    named = {line.subject: line.text for line in found}
    assert set(named) == {"telegram.admins, teams.sales.heads", "teams.sales.heads"}
    assert "11 never wrote to the bot" in named["telegram.admins, teams.sales.heads"]
    assert "13 never wrote to the bot" in named["teams.sales.heads"]


async def test_files_that_others_may_read_are_named(sqlite_url: str, tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text(f'[database]\nurl = "{sqlite_url}"\n', encoding="utf-8")
    config.chmod(0o644)
    async with open_process(settings_module.load(config)) as process:
        assert [(line.subject, line.text[:29]) for line in await safety.check(process)] == [
            (str(config), "other users of this machine m")
        ]
        config.chmod(0o600)
        assert await safety.check(process) == []


async def test_a_weak_key_with_tokens_under_it_is_a_warning(sqlite_url: str):
    async with await Database.open(sqlite_url) as db:
        await StoredMemory(db, "main", "short").put("token", "1")
    async with open_process(build({"secret_key": "short", "database": {"url": sqlite_url}})) as process:
        (line,) = await safety.check(process)
    assert (line.severity, line.subject) == (Severity.WARNING, "secret_key")
    assert "reglament secret rotate" in line.text


async def test_a_key_that_does_not_open_what_is_stored_is_an_error(sqlite_url: str):
    async with await Database.open(sqlite_url) as db:
        await StoredMemory(db, "main", "the old key of at least 32 characters").put("token", "1")
    new = {"secret_key": "another-key-of-at-least-32-characters", "database": {"url": sqlite_url}}
    async with open_process(build(new)) as process:
        (line,) = await safety.check(process)
    assert (line.severity, line.subject) == (Severity.ERROR, "crm.main")
    assert "reglament secret rotate" in line.text
