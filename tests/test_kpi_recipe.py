"""The recipe for a KPI in CONTRIBUTING.md: walked in a copy of the project, and true of every KPI that is there."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent

import pytest

from scoring.kpis import CATALOGUE
from scoring.records import RecordKind
from tests.test_recipes import ROOT, recipe, run


def block(section: str, language: str) -> str:
    """The only block of a language in a section."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    return str(found)


def copy(names: Iterable[str], folder: Path) -> None:
    for name in names:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)


def insert(path: Path, before: str, text: str) -> None:
    """Put lines before the first that begins with `before`, as far from the margin as that one."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    number = next(number for number, line in enumerate(lines) if line.lstrip().startswith(before))
    margin = lines[number].removesuffix(lines[number].lstrip())
    lines.insert(number, indent(text, margin))
    path.write_text("".join(lines), encoding="utf-8")


def catalogue(language: str) -> str:
    return (ROOT / f"reports/locales/kpis.{language}.ftl").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_kpi_has_its_names_and_its_line_in_the_docs(key: str) -> None:
    for language in ("ru", "en"):
        assert f"\n{CATALOGUE[key].locale_key} = " in catalogue(language)
        assert f"\nfine-{key} = " in catalogue(language)
    page = (ROOT / "docs/kpis.md").read_text(encoding="utf-8")
    kinds = ", ".join(kind for kind in RecordKind if kind in CATALOGUE[key].needs)
    assert f"\n| `{key}` | {CATALOGUE[key].kind} | {kinds} | " in page


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_kpi_has_a_test_and_a_line_for_its_users(key: str) -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/scoring").glob("test_*.py"))
    assert f'"{key}"' in tests
    assert f"`{key}`" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_name_or_line_is_left_of_a_kpi_that_is_gone() -> None:
    for language in ("ru", "en"):
        named = re.findall(r"^(?:kpi|fine|none)-(\w+) =", catalogue(language), re.MULTILINE)
        assert set(named) == set(CATALOGUE)
    lines = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/kpis.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert lines == list(CATALOGUE)


CLIENTS = sorted(path.parent.name for path in (ROOT / "crm_clients").glob("*/client.py"))


@pytest.mark.parametrize("kind", CLIENTS)
def test_every_client_writes_out_what_it_can_state_of_every_kpi(kind: str) -> None:
    tree = ast.parse((ROOT / "crm_clients" / kind / "client.py").read_text(encoding="utf-8"))
    tables = [
        [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
    ]
    assert list(CATALOGUE) in tables, "each KPI, once, in the catalogue's order"


KPI_COPIED = (
    *("scoring", "crm_clients", "reports", "docs", "pyproject.toml", "README.md"),
    *("tests/__init__.py", "tests/scoring", "tests/test_recipes.py", "tests/test_kpi_recipe.py"),
)
"""What the KPI recipe needs of the project."""

KPI_TEST = """
from tests.scoring.builders import call, ends, ids


def test_only_long_calls_count() -> None:
    missed = call("3", answered=False, seconds=0)
    assert ids("long_calls", call("1", seconds=599), call("2", seconds=600), missed) == ["2"]


def test_a_call_of_unknown_length_may_be_long() -> None:
    assert ends("long_calls", call("4", seconds=None)) == (0, 1)
"""


def test_a_kpi_made_by_the_recipe_is_counted_and_complete(tmp_path: Path) -> None:
    copy(KPI_COPIED, tmp_path)
    section = recipe("Add a KPI")
    insert(tmp_path / "scoring/kpis.py", "Kpi[Call](", block(section, "python").rstrip() + ",\n")
    for language in ("ru", "en"):
        insert(tmp_path / f"reports/locales/kpis.{language}.ftl", "kpi-companies_added", block(section, "ftl"))
    insert(tmp_path / "docs/kpis.md", "| `calls_held`", block(section, "md"))
    insert(tmp_path / "README.md", "| `calls_held`", block(section, "markdown"))
    for kind in CLIENTS:
        insert(tmp_path / f"crm_clients/{kind}/client.py", '"calls_held"', block(section, "py"))
    (tmp_path / "tests/scoring/test_long_calls.py").write_text(KPI_TEST, encoding="utf-8")

    tests = ["tests/scoring/test_long_calls.py", "tests/test_kpi_recipe.py", "-k", "long_calls or gone or writes_out"]
    run(tmp_path, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
