"""The service's own state answers `health` before anything is imported; whatever is doubtful goes to the database."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reglament.config import settings as settings_module
from reglament.service import state_file
from reglament.service.health import Health, StateFile

FINE = Health(True, "alive: runs, service; 0 messages wait")


@pytest.fixture
def config(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.delenv("REGLAMENT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "config.toml"
    file.write_text('language = "en"\n')
    return file


@pytest.fixture
def kept(config):
    return StateFile(settings_module.load(config))


def _written(kept: StateFile, health: Health = FINE, *, age: float = 1.0) -> None:
    asyncio.run(kept.write(health, datetime.now(UTC) - timedelta(seconds=age)))


def test_a_fresh_state_is_the_answer_with_its_exit_code(kept, config, capfd):
    _written(kept)
    assert state_file.answer([]) == 0
    assert capfd.readouterr().out == f"{FINE.text}\n"
    _written(kept, Health(False, "the loop 'runs' is silent\nзадержка"))
    for arguments in (["--config", str(config)], ["--config=config.toml"]):
        assert state_file.answer(arguments) == 1
    assert "задержка" in capfd.readouterr().out
    assert Path(state_file.path_of(str(config))).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("age", [91.0, -5.0])
def test_an_old_state_or_one_of_the_future_is_no_answer(kept, age):
    _written(kept, age=age)
    assert state_file.answer([]) is None


def test_the_state_of_another_service_is_no_answer(kept, config, monkeypatch, tmp_path):
    _written(kept)
    assert state_file.answer(["--help"]) is None
    with monkeypatch.context() as changed:
        changed.setenv("REGLAMENT_DATABASE__URL", "sqlite:///other.db")
        assert state_file.answer([]) is None
    with monkeypatch.context() as changed:
        changed.chdir(tmp_path / "tmp")
        assert state_file.answer(["--config", str(config)]) is None
    with monkeypatch.context() as changed:
        changed.setattr(os, "uname", lambda: os.uname_result(("Linux", "elsewhere", "", "", "")))
        assert state_file.answer([]) is None
    assert state_file.answer([]) == 0
    config.write_text('language = "ru"\n# changed after the start\n')
    assert state_file.answer([]) is None


def test_a_folder_that_others_may_write_to_is_neither_believed_nor_used(kept, config):
    _written(kept)
    Path(state_file.folder()).chmod(0o777)
    assert state_file.answer([]) is None
    _written(StateFile(settings_module.load(config)))
    assert state_file.answer([]) is None


def test_a_state_cut_off_or_removed_is_no_answer(kept, config):
    _written(kept)
    path = Path(state_file.path_of(str(config)))
    path.write_text("\n".join(path.read_text().split("\n")[:3]))
    assert state_file.answer([]) is None
    kept.remove()
    assert state_file.answer([]) is None
    assert not path.exists()


def test_health_imports_no_library(kept):
    _written(kept)
    program = (
        "import sys; sys.argv = ['reglament', 'health']\n"
        "from reglament.__main__ import main\n"
        "try: main()\n"
        "finally: sys.stderr.write(' '.join(sys.modules))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-S", "-c", program]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert ended.stdout == f"{FINE.text}\n"
    assert not {"asyncio", "json", "pathlib", "pydantic", "re", "sqlalchemy", "typer"} & set(ended.stderr.split())
