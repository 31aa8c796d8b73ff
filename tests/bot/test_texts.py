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
    assert RU.weekday(date(2026, 11, 19)) == "четверг, 19 ноября"
    assert EN.weekday(date(2026, 11, 19)) == "Thursday, November 19"
    assert RU.month(Month(2026, 11)) == "ноябрь 2026"


@pytest.mark.parametrize(
    ("amount", "russian", "english"),
    [
        ("0", "0 ₽", "RUB 0"),
        ("850.40", "850 ₽", "RUB 850"),
        ("12.346", "12,3 ₽", "RUB 12.3"),
        ("999.5", "1 тыс. ₽", "RUB 1K"),
        ("1234", "1,23 тыс. ₽", "RUB 1.23K"),
        ("815000", "815 тыс. ₽", "RUB 815K"),
        ("999499.99", "999 тыс. ₽", "RUB 999K"),
        ("999500", "1 млн ₽", "RUB 1M"),
        ("49523481.17", "49,5 млн ₽", "RUB 49.5M"),
        ("1005000", "1,01 млн ₽", "RUB 1.01M"),
        ("-2040000", "−2,04 млн ₽", "−RUB 2.04M"),
        ("7300000000", "7,3 млрд ₽", "RUB 7.3B"),
        ("1234000000000000", "1 230 трлн ₽", "RUB 1,230T"),
    ],
)
def test_a_sum_is_read_at_a_glance(amount, russian, english):
    told = [texts.rounded(Decimal(amount), "RUB").replace("\xa0", " ") for texts in (RU, EN)]
    assert told == [russian, english]


def test_the_teams_currency_comes_first_and_the_others_are_counted():
    sums = {"EUR": Decimal(900), "RUB": Decimal(2040000), "USD": Decimal("22200.5"), "KZT": Decimal(0)}
    assert RU.sums(sums, "RUB").replace("\xa0", " ") == "2,04 млн ₽ + ещё 2 валюты"
    assert RU.sums({"EUR": Decimal(900), "USD": Decimal(1)}, "RUB").replace("\xa0", " ") == "900 € + ещё 1 валюта"
    assert EN.sums(sums, "USD").replace("\xa0", " ") == "$22.2K + 2 more currencies"
    assert RU.sums({"RUB": Decimal(0)}, "RUB").replace("\xa0", " ") == "0 ₽"
    assert RU.sums({}, "RUB") == ""


def test_foreign_text_is_escaped_one_line_and_isolated():
    assert safe("O'Neil & Co <b>") == "O'Neil &amp; Co &lt;b&gt;"
    assert safe("two\nlines\t here") == "two lines here"
    assert safe("👩‍💼 Анна") == "👩‍💼 Анна"
    assert safe("שלום") == "\u2068שלום\u2069"


def test_the_language_is_the_clients_else_the_installations():
    assert language_of("en-GB", "ru") == "en"
    assert language_of("de", "ru") == "ru"
    assert language_of(None, "en") == "en"
