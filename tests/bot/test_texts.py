"""Words by language: plural forms, numbers, escaping, and that no locale lacks anything."""

from __future__ import annotations

import ast
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bot.telegram.commands import COMMANDS
from bot.texts import LANGUAGES, language_of, safe, texts
from scoring.entries import Month
from scoring.kpis import CATALOGUE
from scoring.snapshot import Cause
from storage.errors import InviteProblem

ROOT = Path(__file__).parents[2]
RU, EN = texts("ru"), texts("en")


def _messages(language: str) -> dict[str, set[str]]:
    """Message key → the arguments it uses."""
    files = [*sorted((ROOT / "bot/locales" / language).glob("*.ftl")), ROOT / f"reports/locales/kpis.{language}.ftl"]
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    found: dict[str, set[str]] = {}
    for block in re.split(r"^(?=[a-z][\w-]* =)", source, flags=re.MULTILINE):
        match = re.match(r"([a-z][\w-]*) =", block)
        if match:
            found[match[1]] = set(re.findall(r"\$(\w+)", block))
    return found


def test_no_locale_lacks_a_message_or_an_argument():
    assert _messages("ru") == _messages("en")


def _literals(node: ast.AST) -> list[str]:
    return [child.value for child in ast.walk(node) if isinstance(child, ast.Constant) and isinstance(child.value, str)]


BOT_CODE = sorted((ROOT / "bot").rglob("*.py"))


def test_every_text_that_the_code_names_exists():
    known = set(_messages("ru"))
    for file in BOT_CODE:
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "t" and call.args:
                key = call.args[0]
                if isinstance(key, ast.Constant):
                    assert key.value in known, (file.name, key.value)


def test_every_kpi_cause_command_and_invite_problem_has_its_words():
    for language in LANGUAGES:
        t = texts(language)
        for key in CATALOGUE:
            assert t.has(f"kpi-{key}")
            assert t.has(f"fine-{key}")
        for cause in Cause:
            assert t.has(f"no-data-{cause.value}")
        for command in COMMANDS:
            assert t.has(command.text)
        for problem in InviteProblem:
            assert t.has(f"invite-{problem.value}")


@pytest.mark.parametrize("file", BOT_CODE, ids=lambda file: file.stem)
def test_no_text_for_people_stands_in_the_code(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            assert not re.search("[А-Яа-яЁё]", node.value), node.value


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0 баллов"),
        (1, "1 балл"),
        (2, "2 балла"),
        (5, "5 баллов"),
        (11, "11 баллов"),
        (21, "21 балл"),
        (22, "22 балла"),
        (25, "25 баллов"),
        (101, "101 балл"),
        (111, "111 баллов"),
        (-1, "−1 балл"),
        (-2, "−2 балла"),
    ],
)
def test_points_have_the_right_russian_form(number, words):
    assert RU.points(number) == words


def test_signs_numbers_money_and_dates_are_the_readers():
    assert RU.points(2, signed=True) == "+2 балла"
    assert EN.points(-1, signed=True) == "−1 point"
    assert RU.percent(Decimal("85.70")).replace("\xa0", " ") == "85,7 %"
    assert RU.percent(None) == "–"
    assert RU.money(Decimal("1200.50"), "RUB").replace("\xa0", " ") == "1 200,50 ₽"
    assert RU.money(Decimal("585000"), "RUB").replace("\xa0", " ") == "585 000 ₽"
    assert RU.weekday(date(2026, 11, 19)) == "Четверг, 19 ноября"
    assert EN.weekday(date(2026, 11, 19)) == "Thursday, November 19"
    assert RU.month(Month(2026, 11)) == "ноябрь 2026"


def test_foreign_text_is_escaped_one_line_and_isolated():
    assert safe("O'Neil & Co <b>") == "O'Neil &amp; Co &lt;b&gt;"
    assert safe("two\nlines\t here") == "two lines here"
    assert safe("👩‍💼 Анна") == "👩‍💼 Анна"
    assert safe("שלום") == "\u2068שלום\u2069"


def test_the_language_is_the_clients_else_the_installations():
    assert language_of("en-GB", "ru") == "en"
    assert language_of("de", "ru") == "ru"
    assert language_of(None, "en") == "en"
