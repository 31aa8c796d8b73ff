"""A database in memory for months, and the count of the troubles that they met."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.months import FELT

MEMORY = Path("/dev/shm")


@pytest.fixture
def memory_url(sqlite_template: Path) -> Iterator[str]:
    """A fresh migrated SQLite file, in memory where the system has a folder for that."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        file = Path(folder) / "reglament.db"
        shutil.copy(sqlite_template, file)
        yield f"sqlite:///{file}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how often each trouble was met, where months were lived in this process (`-n 0`)."""
    if FELT:
        terminalreporter.write_line("troubles: " + ", ".join(f"{what} {FELT[what]}" for what in sorted(FELT)))
