"""JSON as CRMs send it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_clients.shared.json_decoding import NotJson, parse

TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


@given(ANYTHING, st.booleans())
def test_it_says_what_was_written(value, escaped):
    assert parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


@pytest.mark.parametrize("number", ["0.1", "1234567890123456789.12", "1e3", "-0.00"])
def test_no_sum_is_rounded(number):
    told = parse(b"[" + number.encode() + b"]")[0]
    assert isinstance(told, Decimal)
    assert str(told) == str(Decimal(number))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (rb'["cut \ud83d"]', "cut �"),
        (rb'["\ude00 cut"]', "� cut"),
        (rb'["\uD83D\uDE00 whole, cut \uD83D"]', "😀 whole, cut �"),
        (rb'["\ud83d\ud83d\ude00"]', "�😀"),
        (rb'["\ud83dx\n"]', "�x\n"),
    ],
)
def test_half_an_emoji_is_replaced(body, said):
    assert parse(body) == [said]


def test_a_mark_before_it_is_skipped():
    assert parse(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    "body", [b"", b'{"a": 1', b"<html>", b"[NaN]", b"[Infinity]", b'["\xff"]', b'["\x01"]', b"[" * 100_000, b"[1] [2]"]
)
def test_anything_else_is_not_json(body):
    with pytest.raises(NotJson):
        parse(body)
