"""No value is too long for a text: Fluent's limit of 2,500 characters a placeable lies outside the texts."""

from __future__ import annotations

import pytest
from fluent.runtime import FluentBundle, FluentResource
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import texts
from reports.fluent import format_message
from reports.labels import labels


def formatted(source: str, **values: object) -> str:
    bundle = FluentBundle(["en"], use_isolating=False)
    bundle.add_resource(FluentResource(f"message = {source}"))
    text, errors = format_message(bundle, bundle.get_message("message").value, values)
    assert errors == []
    return text


@given(st.integers(0, 60_000), st.integers(0, 60_000))
def test_texts_of_any_length_come_through_whole(first: int, second: int):
    assert formatted("a { $x } b { $y } { $x }", x="x" * first, y="y" * second) == (
        f"a {'x' * first} b {'y' * second} {'x' * first}"
    )


def test_a_missing_argument_stays_an_error():
    bundle = FluentBundle(["en"], use_isolating=False)
    bundle.add_resource(FluentResource("message = { $x }"))
    _, errors = format_message(bundle, bundle.get_message("message").value, {"y": "y" * 5000})
    assert errors


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_names_of_a_whole_company_fit_into_a_line_of_the_bot_and_of_the_workbook(language: str):
    names = ", ".join(f"Имя {'Ф' * 100} {number}" for number in range(300))
    assert names in texts(language)("board-apart", names=names)
    assert names in labels(language)("ledger-evidence-more", items=names, count=1)
