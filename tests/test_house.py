"""Count what the house promises: rooms, circles, class names, words of docstrings, cited pages."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("scoring", "crm_clients", "storage", "reports", "bot", "reglament")
FILES_A_ROOM = 24
LINES_A_FILE = 400
PRONOUNS_PER_100_WORDS = 2.0

_PRONOUN = re.compile(
    r"\b(it|its|itself|what|whatever|whom|whose|whoever|one|ones|those|they|them|their|he|him|his"
    r"|somebody|anybody|nobody|everybody|something|anything|nothing|things?)\b",
    re.IGNORECASE,
)
_PAGE = re.compile(r"\b((?:docs/)?[a-z0-9_/-]+\.md)\b")
_DESCRIBED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
VERBS = frozenset(Path(__file__).with_name("verbs.txt").read_text(encoding="utf-8").split())
"""Verbs that a docstring may begin with. Add a missing verb; a noun, an article or a pronoun never."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def sources() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def docstrings(module: ast.AST) -> Iterator[tuple[int, str]]:
    """Docstrings of modules, classes and functions with their lines."""
    for node in ast.walk(module):
        if isinstance(node, _DESCRIBED) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text


def attribute_docstrings(module: ast.AST) -> Iterator[str]:
    """Strings that stand below an assignment."""
    for node in ast.walk(module):
        body = node.body if isinstance(node, _DESCRIBED) else []
        for above, below in pairwise(body):
            match above, below:
                case ast.Assign() | ast.AnnAssign(), ast.Expr(value=ast.Constant(value=str(text))):
                    yield text


def module_name(path: Path) -> str:
    return place(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(path: Path, modules: Mapping[str, Path]) -> set[str]:
    """Modules of the house that a module imports, also for types alone and inside functions."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules else node.module for name in names}
    return (found & modules.keys()) - {module_name(path)}


def not_verbs(path: Path) -> list[str]:
    starts = [(line, re.split(r"[\s,:.;]", text, maxsplit=1)[0]) for line, text in docstrings(tree(path))]
    return [f"{place(path)}:{line} begins with {word!r}" for line, word in starts if word.lower() not in VERBS]


def test_a_room_holds_two_dozen_files_at_most():
    rooms = defaultdict(list)
    for path in sources():
        if path.name != "__init__.py":
            rooms[place(path.parent)].append(path.name)
    assert {room: len(files) for room, files in rooms.items() if len(files) > FILES_A_ROOM} == {}


def test_a_file_holds_one_idea():
    lengths = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {file: lines for file, lines in lengths.items() if lines > LINES_A_FILE} == {}


def test_no_module_imports_itself_by_way_of_others():
    modules = {module_name(path): path for path in sources()}
    graph = {name: imported(path, modules) for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_a_class_name_has_one_meaning():
    """The same part of two CRMs may have one name; nothing else shares a name."""
    places = defaultdict(list)
    for path in sources():
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(place(path))
    shared = {name: files for name, files in places.items() if len(files) > 1}
    assert {n: f for n, f in shared.items() if not all(file.startswith("crm_clients/") for file in f)} == {}


def test_docstrings_speak_in_nouns():
    words = 0
    pronouns: dict[str, int] = defaultdict(int)
    for path in sources():
        for text in (*(text for _, text in docstrings(tree(path))), *attribute_docstrings(tree(path))):
            words += len(re.findall(r"[A-Za-z']+", text))
            pronouns[place(path)] += len(_PRONOUN.findall(text))
    rate = 100 * sum(pronouns.values()) / words
    worst = sorted(pronouns.items(), key=lambda item: -item[1])[:10]
    assert rate <= PRONOUNS_PER_100_WORDS, f"{rate:.2f} per 100 words; most in {worst}"


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "scoring"])
def test_a_docstring_begins_with_a_verb(package):
    assert [line for path in sources() if path.is_relative_to(ROOT / package) for line in not_verbs(path)] == []


def test_every_page_that_is_cited_exists():
    files = [path for path in ROOT.rglob("*") if path.suffix in (".py", ".ftl") and ".venv" not in path.parts]
    cited = {(page, place(path)) for path in files for page in _PAGE.findall(path.read_text(encoding="utf-8"))}
    strange = {(page, file) for page, file in cited if not (ROOT / page).exists()}
    assert strange == set()
