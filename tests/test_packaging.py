"""The wheel works from elsewhere: everything that the program needs is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without network and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--wheel-dir", folder, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("reglament-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed: Path, folder: Path, *command: str) -> str:
    """What Python prints, with the wheel's packages before those of the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("REGLAMENT_CONFIG", None)
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demonstration_runs_from_the_wheel(installed, tmp_path):
    imported = run(installed, tmp_path, "-c", "import reglament, scoring; print(reglament.__file__, scoring.__file__)")
    assert all(path.startswith(str(installed)) for path in imported.split())
    printed = run(installed, tmp_path, "-m", "reglament", "demo", "--days", "5", "--language", "en")
    assert "The ledger" in printed
    assert list(tmp_path.rglob("*.xlsx"))
    assert list(tmp_path.rglob("*.png"))


def test_the_wheel_holds_neither_tests_nor_secrets(installed):
    names = {path.relative_to(installed).parts[0] for path in installed.rglob("*") if path.is_file()}
    assert names - {"scoring", "crm_clients", "storage", "reports", "bot", "reglament", "migrations"} == {
        next(name for name in names if name.endswith(".dist-info"))
    }
