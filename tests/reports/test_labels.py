"""The words of the reports: complete in both languages, and never speaking of punishment in money."""

import ast
import re
from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from fluent.syntax.ast import Message, VariableReference
from fluent.syntax.visitor import Visitor

from reports.labels import LANGUAGES, labels
from reports.pictures.trend import Mark
from reports.workbook.period import DayMark, ReportState
from scoring.entries import EntryKind
from scoring.kpis import CATALOGUE
from scoring.rules import Bound
from scoring.scorecard import Outcome
from scoring.snapshot import Cause

REPORTS = Path(__file__).parents[2] / "reports"


class _Variables(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: VariableReference) -> None:  # noqa: N802
        self.names.add(node.id.name)


def files(language: str) -> tuple[str, str]:
    """The names of a language's files: the labels, and the catalogue of KPIs."""
    return language, f"kpis.{language}"


def messages(language: str) -> dict[str, set[str]]:
    """Every label of a language with its arguments."""
    source = "\n".join((REPORTS / "locales" / f"{name}.ftl").read_text(encoding="utf-8") for name in files(language))
    found: dict[str, set[str]] = {}
    for entry in FluentParser().parse(source).body:
        assert type(entry).__name__ != "Junk", entry
        if isinstance(entry, Message):
            variables = _Variables()
            variables.visit(entry)
            assert entry.id.name not in found, "a label stands twice"
            found[entry.id.name] = variables.names
    return found


def test_both_languages_have_the_same_labels_with_the_same_arguments():
    assert messages("ru") == messages("en")


def test_every_value_of_the_core_has_its_word():
    known = set(messages("ru"))
    wanted = {f"kpi-{key}" for key in CATALOGUE}
    wanted |= {f"outcome-{each}" for each in Outcome} | {f"kind-{each}" for each in EntryKind}
    wanted |= {f"cause-{each}" for each in Cause} | {f"bound-{each}" for each in Bound}
    wanted |= {f"state-{each}" for each in ReportState} | {f"day-mark-{each}" for each in DayMark}
    wanted |= {f"chart-{each}" for each in Mark}
    assert wanted <= known


def test_no_text_for_people_stands_in_the_code():
    for path in REPORTS.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstrings = {
            id(node.body[0].value) if isinstance(node.body[0], ast.Expr) else None
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                assert not re.search("[а-яё]", node.value, re.IGNORECASE), (path.name, node.value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_label_calls_anything_a_fine(language: str):
    for name in files(language):
        for line in (REPORTS / "locales" / f"{name}.ftl").read_text(encoding="utf-8").casefold().splitlines():
            text = re.sub(r"^[a-z][\w-]* =", "", line)  # without the key
            assert not re.search(r"штраф|взыскани|\bfines?\b|\bfined\b|депремир", text)


@pytest.mark.parametrize(
    ("language", "count", "text"),
    [
        ("ru", 1, "и ещё 1 человек"),
        ("ru", 2, "и ещё 2 человека"),
        ("ru", 5, "и ещё 5 человек"),
        ("ru", 21, "и ещё 21 человек"),
        ("ru", 111, "и ещё 111 человек"),
        ("en", 1, "and 1 more"),
        ("en", 280, "and 280 more"),
    ],
)
def test_plural_forms_are_right(language: str, count: int, text: str):
    assert labels(language)("chart-more", count=count) == text


def test_a_missing_label_or_argument_fails_loudly():
    with pytest.raises(LookupError, match="no label 'nonsense' in ru"):
        labels("ru")("nonsense")
    with pytest.raises(LookupError, match="chart-more"):
        labels("en")("chart-more")


def test_another_language_is_refused_in_words():
    with pytest.raises(ValueError, match="ru and en, not 'de'"):
        labels("de")
