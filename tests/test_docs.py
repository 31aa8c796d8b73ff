"""Documentation that cannot drift: commands, settings, versions and links are those of the code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.main import get_command

from bot.telegram.commands import commands_for
from crm_clients import CRM_KINDS
from reglament import __version__
from reglament.cli import app
from reglament.config.money import MoneySettings
from reglament.config.rules import KpiTable, RuleSettings
from reglament.config.settings import AnchorSettings, DatabaseSettings, Settings, TelegramSettings, load
from reglament.config.team import TeamSettings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MIGRATIONS = sorted(path.stem for path in (ROOT / "migrations/versions").glob("[0-9]*.py"))
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for folder in ("", "docs/**/", "benchmarks/")
    for page in ROOT.glob(f"{folder}*.md")
)
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
MODELS = [
    Settings,
    AnchorSettings,
    DatabaseSettings,
    TelegramSettings,
    TeamSettings,
    KpiTable,
    RuleSettings,
    MoneySettings,
    *(kind.config_model() for kind in CRM_KINDS.values()),
]
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_stands_in_the_readme(name):
    command = get_command(app).commands[name]  # type: ignore[attr-defined]
    assert command.help
    assert f"`reglament {name}" in README


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_setting_stands_in_the_example_and_in_the_manual(model: type[BaseModel]):
    for name in model.model_fields:
        assert re.search(rf"\b{name}\b", EXAMPLE), name
        assert re.search(rf"\b{name}\b", CONFIGURATION), name


def test_the_example_loads():
    assert load(ROOT / "config.example.toml").teams


def test_every_kind_of_crm_is_documented():
    for kind in CRM_KINDS:
        assert f'"{kind}"' in EXAMPLE
        assert f"`{kind}`" in CONFIGURATION
        assert kind == "demo" or (ROOT / f"docs/crm/{kind}.md").exists()


def test_there_is_one_version_below_what_is_not_released():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    unreleased, newest, *_ = re.findall(r"^## \[(.+?)\]", CHANGELOG, re.MULTILINE)
    assert unreleased == "Unreleased"
    assert project["version"] == __version__ == newest


@pytest.mark.parametrize("migration", MIGRATIONS)
def test_every_migration_stands_in_the_changelog(migration):
    assert f"`{migration}`" in CHANGELOG


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page):
    file = ROOT / page
    text = re.sub(r"^ *```.*?^ *```$", "", file.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith("http"):
            assert (file.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_wrapped_at_120_but_for_tables_and_code(page):
    assert list(too_long((ROOT / page).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs/decisions").glob("*.md")), ids=lambda page: page.stem)
def test_a_decision_says_what_it_costs_the_reader(page: Path):
    assert re.search(r"cost[s]?\s+the\s+reader", page.read_text(encoding="utf-8"))


def test_the_workflow_of_forks_does_what_the_makefile_says():
    """No rights but reading, actions by hash, no commands and no hosts of its own."""
    workflow = (ROOT / ".github/workflows/check.yml").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert "\npermissions: {}\n" in workflow
    assert set(re.findall(r"run: make (\S+)", workflow)) == {"check", "coverage", "audit"} <= targets
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action) for action in re.findall(r"uses: (\S+)", workflow))
    assert "://" not in workflow


def too_long(text: str) -> Iterator[int]:
    """Yield the numbers of the lines over 120 characters outside tables and fenced code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        fenced ^= line.lstrip().startswith("```")
        if len(line) > 120 and not fenced and not line.startswith("|"):
            yield number


def test_the_check_of_lines_sees_paragraphs_alone():
    assert list(too_long("x" * 121 + "\n```\n" + "x" * 121 + "\n```\n| " + "x" * 121 + "\n" + "y" * 121)) == [1, 6]


ROOMS = ("scoring", "reglament", "reglament/day", "reglament/config", "reglament/service", "storage")
"""Packages whose files docs/architecture.md names one by one."""


@pytest.mark.parametrize("room", ROOMS)
def test_the_page_on_the_tree_names_every_file_of_the_rooms_that_it_lists(room):
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    files = {path.stem for path in (ROOT / room).glob("*.py")} - {"__init__", "__main__"}
    assert {name for name in files if not re.search(rf"\b{name}\b", page)} == set()


@pytest.mark.parametrize("role", ["manager", "head", "hr", "admin"])
def test_the_page_of_the_bot_lists_the_commands_of_every_role(role):
    page = (ROOT / "docs/bot.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| {role} |"))
    commands = {name for span in re.findall(r"`([^`]+)`", row) for name in re.findall(r"/(\w+)", span)}
    assert commands == {command.name for command in commands_for([role])}
