"""The recipes of CONTRIBUTING.md, walked as a newcomer walks them: in a copy of the project, by their own commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COPIED = (
    "scoring",
    "crm_clients",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/compiled_once.py",
    "tests/crm_clients",
    "pyproject.toml",
)
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


def run(checkout: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    result = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


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


# Commands


PARTS = (
    *("scoring", "crm_clients", "storage", "reports", "bot", "reglament", "migrations"),
    *("tests", "docs", "benchmarks", ".github"),
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the whole project."""
    for name in PARTS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.db*"))
    for file in (*ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "config.example.toml", ROOT / "Makefile"):
        shutil.copy(file, tmp_path)
    return tmp_path


def follow(project: Path, section: str) -> None:
    """Do what the steps say: make a file, or put lines at the end of a file, of a table or of a tuple."""
    steps = re.findall(
        r"^(?:\d+\. |   )((?:(?!```).)*?)`([\w./]+)`:\n\n   ```\w+\n(.*?)   ```", section, re.DOTALL | re.MULTILINE
    )
    for words, path, block in steps:
        lines = re.sub(r"^   ", "", block, flags=re.MULTILINE)
        file, sentence = project / path, words.rpartition(". ")[2]
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        if "In the tuple `" in sentence:
            name = sentence.split("`")[1]
            head, tuple_, rest = re.split(
                rf"(^{name} = \(\n.*?)(?=^\))", before, maxsplit=1, flags=re.DOTALL | re.MULTILINE
            )
            after = head + tuple_ + lines + rest
        elif sentence.strip() == "In":
            row = before.rindex("\n| `reglament ") + 1
            after = before[:row] + lines + before[row:]
        else:
            after = before.rstrip("\n") + "\n\n\n" * bool(before) + lines
        file.write_text(after, encoding="utf-8")


def test_a_command_of_the_command_line_made_by_the_recipe_works(project: Path) -> None:
    follow(project, recipe("Add a command of the command line"))
    run(project, sys.executable, "-m", "ruff", "check", "--no-cache", "reglament")
    run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_docs.py")
    printed = run(project, sys.executable, "-m", "reglament", "teams", "--config", "config.example.toml")
    assert printed == "sales: Отдел продаж\n"


def test_a_command_of_the_bot_made_by_the_recipe_works(project: Path) -> None:
    follow(project, recipe("Add a command of the bot"))
    run(project, sys.executable, "-m", "ruff", "check", "--no-cache", "bot", "tests/bot")
    tests = ["tests/bot/handlers/test_clock.py", "tests/bot/test_texts.py"]
    run(project, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
