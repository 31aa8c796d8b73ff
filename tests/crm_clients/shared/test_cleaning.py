"""Text from outside is clean once it is in: no control characters, no half pairs, no endless names."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_clients.shared.cleaning import LONGEST_NAME, LONGEST_TITLE, clean_name, clean_title
from crm_clients.shared.json_decoding import parse


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (rb'["\u0000"]', " "),
        (rb'["a\u0000b\u001F\u007f\u0085c"]', "a b   c"),
        (rb'["\\u0000 stays, \n stays, \u00e9 stays"]', "\\u0000 stays, \n stays, é stays"),
        (rb'["\\\u0000"]', "\\ "),
        (rb'["\u0000 and half a pair \ud83d"]', "  and half a pair �"),
    ],
)
def test_an_escaped_control_character_is_a_space(body: bytes, said: str) -> None:
    assert parse(body) == [said]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=30))
def test_no_text_of_a_crm_holds_nul_once_decoded(text: str) -> None:
    assert "\x00" not in parse(json.dumps([text]).encode())[0]


@given(st.text(max_size=1000))
def test_names_and_titles_are_short_and_fit_for_every_database_and_workbook(text: str) -> None:
    for clean, most in ((clean_name, LONGEST_NAME), (clean_title, LONGEST_TITLE)):
        said = clean(text)
        assert len(said) <= most
        assert not [character for character in said if ord(character) < 32 or 0xD800 <= ord(character) < 0xE000]
        assert clean(said) == said


def test_an_ordinary_title_is_left_alone() -> None:
    assert clean_title("Монтаж <насоса> & Ко 👍🏽") == "Монтаж <насоса> & Ко 👍🏽"
    assert clean_name("И" * 121) == "И" * 119 + "…"


def test_a_phone_number_at_the_cut_of_a_title_is_shortened_too() -> None:
    said = clean_title("И" * 488 + " +7 912 345-67-89, перезвонить")
    assert "912" not in said
    assert said == "И" * 488 + " …6789, пер" + "…"
