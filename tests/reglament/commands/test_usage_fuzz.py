"""Command lines of any form: exit 0, 1 or 2, never a traceback, never a mistake of ours. Seeded, a few seconds long."""

from __future__ import annotations

import random
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from reglament import cli
from reglament.config import settings
from reglament.errors import WorkFailed

WORDS = (
    "snapshot", "score", "board", "export", "invite", "people", "verify", "migrate", "health",
    "--team", "--day", "--at", "--period", "--config", "--json", "--output", "-o", "--digest", "--user", "--role",
    "--name", "--format", "--no-send", "--help", "--version", "rename-team", "join",
)  # fmt: skip
VALUES = (
    "sales", "nobody", "", " ", "day", "month", "2026-11", "2026-13", "0000-00", "9999-12", "0001-01", "2026-11-19",
    "0001-01-01", "9999-12-31", "2026-02-30", "2026-11-19T18:01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00",
    "2026-11-19T25:00", "\udcff", "ключ", "x" * 5000, "[bold]", "-1", "1e9", "main:1", "main:", ":", "out.xlsx", ".",
    "/no/such/folder/out.xlsx", "csv", "head", "admin", "deadbeef", "=", "%s", "\u202e", "a\nb",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGLAMENT_CONFIG", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    text = (
        '[crm.main]\nkind = "demo"\n[teams.sales]\ncrm = "main"\nmembers = { everyone = true }\n[teams.sales.money]\n'
    )
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["reglament", *arguments])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.mark.parametrize("seed", range(2))
def test_a_command_line_of_any_form_ends_with_0_1_or_2_and_no_mistake(seed: int, folder, monkeypatch, capfd):
    rng = random.Random(seed)
    for _ in range(25):
        words = [rng.choice(WORDS[:9])]
        if rng.random() < 0.8 and words[0] in ("snapshot", "score", "board", "export", "invite"):
            words += ["--team", "sales"]
        for _ in range(rng.randrange(3)):
            words += [rng.choice(WORDS[9:]), rng.choice(VALUES)]
        code = run(monkeypatch, *words)
        told = "".join(capfd.readouterr())
        assert code in (0, 1, 2), (words, told)
        assert "Traceback" not in told, (words, told)
        assert "mistake of ours" not in told, (words, told)


def test_a_mistake_of_ours_is_one_line_that_names_a_private_log_with_the_traceback(folder, monkeypatch, capfd):
    def broken(*_args: object) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(settings, "load", broken)
    assert run(monkeypatch, "people") == WorkFailed.exit_code
    told = capfd.readouterr().err
    (log,) = folder.glob("reglament-*.log")
    assert told.startswith(f"reglament: a mistake of ours, logged as {log}")
    assert told.count("\n") == 1
    assert "KeyError: 'planted'" in log.read_text(encoding="utf-8")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_mistake_without_a_place_for_its_log_is_still_one_line(folder, monkeypatch, capfd):
    def broken(*_args: object) -> None:
        raise ExceptionGroup("side by side", [RecursionError("planted"), WorkFailed("foreseen")])

    monkeypatch.setattr(settings, "load", broken)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder / "missing"))
        assert run(monkeypatch, "people") == WorkFailed.exit_code
    assert capfd.readouterr().err.startswith(
        "reglament: a mistake of ours, logged as ExceptionGroup at test_usage_fuzz.py"
    )
