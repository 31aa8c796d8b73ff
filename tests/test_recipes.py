"""The recipes of CONTRIBUTING.md, walked as a newcomer walks them: in a copy of the project, by their own commands."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COPIED = ("scoring", "crm_clients", "tests/__init__.py", "tests/conftest.py", "tests/crm_clients", "pyproject.toml")
"""What the CRM recipe needs of the project."""


def recipe(title: str) -> str:
    """The section of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def code(section: str, language: str) -> str:
    """The only block of a language in a section."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return str(block)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the CRM recipe needs."""
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


def run(checkout: Path, *command: str) -> None:
    result = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_crm_made_by_the_recipe_passes_the_suite_of_all_clients(checkout: Path) -> None:
    section = recipe("Add a CRM")
    run(checkout, "sh", "-ec", code(section, "sh"))
    kinds = checkout / "crm_clients" / "__init__.py"
    table = kinds.read_text(encoding="utf-8")
    last = next(line for line in table.splitlines(keepends=True) if 'CrmKind("demo"' in line)
    kinds.write_text(table.replace(last, last + code(section, "text")), encoding="utf-8")

    run(checkout, sys.executable, "-m", "ruff", "check", "--no-cache", "--fix", "crm_clients", "tests/crm_clients/acme")
    paths = ["tests/crm_clients/acme", "tests/crm_clients/test_rooms.py"]
    run(checkout, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths)
    assert not [path for path in checkout.glob("**/acme/*.py") if "template" in path.read_text().lower()]
