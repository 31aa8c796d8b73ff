"""Who may import whom, and who may start work or ask for the time. A rule that matters has a machine behind it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("scoring", "crm_clients", "storage", "reports", "bot", "reglament", "migrations")

ALLOWED = {
    "scoring": set(),
    "crm_clients": {"scoring"},
    "storage": {"scoring"},
    "reports": {"scoring"},
    "bot": {"scoring", "storage", "reports"},
    "reglament": {"scoring", "crm_clients", "storage", "reports", "bot"},
    "migrations": {"storage"},
}
"""Package → the other packages that it may import."""

PLACES = {
    "aiogram": ("bot/telegram/", "bot/handlers/", "bot/dispatcher.py"),
    "aiohttp_socks": ("bot/telegram/",),
    "httpx": ("crm_clients/", "reglament/day/foreign_clocks.py", "reglament/service/watch.py", "reglament/witnesses/"),
    "msgspec": ("crm_clients/", "scoring/", "storage/journal/days.py"),
    "sqlalchemy": ("storage/", "migrations/", "crm_clients/sql.py"),
    "aiosqlite": ("storage/", "migrations/"),
    "alembic": ("storage/", "migrations/"),
    "psycopg": ("storage/", "migrations/", "reglament/service/engine_postgres.py"),
    "procrastinate": ("reglament/service/engine_postgres.py", "migrations/"),
    "apscheduler": ("reglament/service/scheduler.py",),
    "jinja2": ("reports/",),
    "resvg_py": ("reports/",),
    "xlsxwriter": ("reports/",),
    "holidays": ("reglament/config/official_days.py", "crm_clients/demo/department.py"),
    "typer": ("reglament/",),
    "rich": ("reglament/",),
    "pydantic_settings": ("reglament/config/settings.py", "reglament/config/environment.py"),
    "fluent": ("bot/", "reports/"),
}
"""Library → where it may be imported; a folder ends with a slash. No test file is looked at."""

MEANT_FOR = {
    "asyncio.create_task": {
        "crm_clients/amocrm/auth.py",  # a renewal of tokens must outlive whoever asked for it
        "crm_clients/amocrm/deals.py",  # changes of stages beside the lists of leads, awaited or cancelled with them
        "crm_clients/bitrix24/batching.py",  # two requests at once, awaited or cancelled by the same read
        "crm_clients/shared/fact_stream.py",  # the read itself, ahead of whoever takes its facts
        "reglament/day/time_limit.py",  # a client's work, ended at its time limit whatever the client does
        "reglament/service/watch.py",  # a ping delays no cutoff; what is on the way is awaited before the service ends
        "bot/telegram/chat_action.py",  # signs of work beside the answer, cancelled and awaited with it
        "bot/telegram/listening.py",  # an update is receipted at once and answered beside, before the service ends
    },
    "get_running_loop.create_task": {
        "reglament/day/claims.py",  # leases are renewed while the day is worked on, and no longer
        "reglament/crm_names.py",  # a slow CRM holds no answer up; the names serve the next reader
        "reglament/day/live.py",  # one reading for all who ask meanwhile
    },
    "get_event_loop.create_task": set(),
    "asyncio.ensure_future": {
        "crm_clients/shared/concurrency.py",  # reads side by side, awaited or cancelled by the read that started them
        "crm_clients/amocrm/history/change_feed.py",  # a kind waits for the others, or for a few seconds
        "bot/telegram/listening.py",  # polling, stopped and awaited by the one who started it
    },
    "datetime.now": {
        "reglament/service/scheduler.py",  # the library compares with the wall clock
        "reglament/process.py",  # the process's clock; everybody else is told what time it is
        "crm_clients/shared/pacing.py",  # the clients' clock, replaced in tests
        "migrations/versions/2026_11_28_no_uncertain_deliveries.py",  # which messages are too old to be sent
        "storage/client_memory.py",  # when a client's memory was written: for the eye, nothing is decided by it
    },
    "datetime.utcnow": set(),
    "datetime.today": set(),
    "date.today": set(),
    "time.time": {"reglament/service/state_file.py"},  # `health` imports nothing of the process, not even its clock
}
"""Name → the modules that are meant for it; all others are told the time, and start work in a task group."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@cache
def imports(path: Path) -> list[tuple[str, int]]:
    """Dotted names that a module imports, wherever in it, with their lines."""
    return list(_imports(path))


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield node.module or "", node.lineno


@cache
def used(path: Path) -> list[tuple[str, int]]:
    """`module.name` wherever it is used, also when the name was imported alone."""
    return list(_used(path))


def _used(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            yield f"{owner}.{node.attr}", node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute | ast.Name):
                yield f"{called.attr if isinstance(called, ast.Attribute) else called.id}.{node.attr}", node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def spoken_meanwhile(path: Path) -> Iterator[int]:
    """Lines that wait for Telegram while a transaction of the database is open."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.AsyncWith) and any(
            isinstance(item.context_expr, ast.Call)
            and isinstance(item.context_expr.func, ast.Attribute)
            and item.context_expr.func.attr in ("reading", "transaction")
            for item in node.items
        ):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Await) and isinstance(inner.value, ast.Call):
                    called = ast.unparse(inner.value.func)
                    if called.startswith(("show.", "message.", "query.", "bot.", "self.bot.", "menus.")):
                        yield inner.lineno


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def everything() -> Iterator[Path]:
    for package in PACKAGES:
        yield from files(package)


def test_every_package_is_there_and_looked_at() -> None:
    assert all(files(package) for package in PACKAGES)
    assert set(ALLOWED) == set(PACKAGES)


def test_scoring_needs_only_the_standard_library_and_msgspec() -> None:
    strange = [
        f"{place(path)}:{line} imports {name}"
        for path in files("scoring")
        for name, line in imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names | {"scoring", "msgspec"}
    ]
    assert strange == []


def test_scoring_asks_neither_the_clock_nor_the_world() -> None:
    worldly = {"asyncio", "os", "pathlib", "random", "socket", "sqlite3", "subprocess", "threading", "time", "urllib"}
    strange = [
        f"{place(path)}:{line} imports {name}"
        for path in files("scoring")
        for name, line in imports(path)
        if name.split(".")[0] in worldly
    ]
    assert strange == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    strange = [
        f"{place(path)}:{line} imports {name}"
        for path in files(package)
        for name, line in imports(path)
        if name.split(".")[0] in set(PACKAGES) - {package} - ALLOWED[package]
    ]
    assert strange == []


@pytest.mark.parametrize("library", PLACES)
def test_a_library_is_imported_only_where_it_belongs(library: str) -> None:
    strange = [
        f"{place(path)}:{line} imports {name}"
        for path in everything()
        for name, line in imports(path)
        if name.split(".")[0] == library and not place(path).startswith(PLACES[library])
    ]
    assert strange == []


@pytest.mark.parametrize("name", MEANT_FOR)
def test_only_the_modules_meant_for_it_ask_for_the_time_or_start_tasks(name: str) -> None:
    strange = [
        f"{place(path)}:{line} uses {found}"
        for path in everything()
        for found, line in used(path)
        if found == name and place(path) not in MEANT_FOR[name]
    ]
    assert strange == []


def test_nobody_waits_for_telegram_while_a_transaction_is_open() -> None:
    """A send waits for its slots, which need a connection, too: a crowd would wait for itself."""
    assert [f"{place(path)}:{line}" for path in files("bot") for line in spoken_meanwhile(path)] == []


def test_no_private_module_of_another_library_is_imported() -> None:
    """Such a module may move in any release, and its import would end the program at its start."""
    strange = [
        f"{place(path)}:{line} imports {name}"
        for path in everything()
        for name, line in imports(path)
        if name.split(".")[0] not in {*PACKAGES, "__future__"} and any(part[0] == "_" for part in name.split("."))
    ]
    assert strange == []


def test_crm_clients_do_not_know_each_other() -> None:
    """A folder per CRM; only `shared` and the modules beside the folders may be used by several."""
    common = {"shared", "base", "errors"}
    strange = [
        f"{place(path)}:{line} imports {name}"
        for path in files("crm_clients")
        for name, line in imports(path)
        if name.startswith("crm_clients.") and name.split(".")[1] not in common | {path.relative_to(ROOT).parts[1]}
    ]
    assert strange == []


def test_the_import_contracts_of_the_project_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_commands_that_need_no_telegram_no_drawing_and_no_clock_import_none() -> None:
    program = (
        "import sys\nfrom reglament.commands import health, snapshot, tables, verify, witnesses\nprint(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    heavy = {"aiogram", "aiohttp", "apscheduler", "jinja2", "procrastinate", "resvg_py", "xlsxwriter"}
    assert heavy & set(ended.stdout.split()) == set()


# The checks themselves


def test_the_checks_see_what_they_look_for(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "import asyncio, datetime\n"
        "from datetime import datetime as moment\n"
        "from asyncio import create_task\n"
        "def late():\n"
        "    import httpx\n"
        "    asyncio.get_running_loop().create_task(x)\n"
        "    return datetime.datetime.now(), asyncio.create_task, httpx.get\n"
    )
    speaking = tmp_path / "speaking.py"
    speaking.write_text(
        "async def answer(db, message):\n"
        "    async with db.reading() as session:\n"
        "        view = await look(session)\n"
        "        await show.send(message, view)\n"
        "    await show.send(message, view)\n"
    )
    assert list(spoken_meanwhile(speaking)) == [4]
    assert [name for name, _ in imports(module)] == ["asyncio", "datetime", "datetime", "asyncio", "httpx"]
    names = {name for name, _ in used(module)}
    assert {
        "asyncio.create_task",
        "datetime.now",
        "datetime.datetime",
        "httpx.get",
        "get_running_loop.create_task",
    } <= names
