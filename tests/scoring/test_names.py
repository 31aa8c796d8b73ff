"""Names as people write, sort and confuse them (docs/product.md §8)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.names import alphabetical, fold, is_meant, is_whole, told_apart


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Анна Петрова", "анна"),
        ("Анна Петрова", "петр анн"),
        ("Анна  Петрова", " АННА   петрова "),
        ("Фёдор Ёлкин", "елкин фед"),
        ("Федор Елкин", "Фёдор ёлкин"),
        ("Фёдор Ёлкин", "елкин"),
        ("Анна-Мария Соль", "мария"),
        ("José Núñez", "nunez jose"),
        ("Jose Nunez", "José"),
        ("Seán O’Neil", "o'neil"),
        ("Seán O'Neil", "oneil"),
        ("Straße", "STRASSE"),
        ("Андрей Йодов", "йод"),
    ],
)
def test_a_name_is_found_as_people_write_it(name, written):
    assert is_meant(name, written)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Анна Петрова", ""),
        ("Анна Петрова", " - "),
        ("Анна Петрова", "нна"),
        ("Анна Петрова", "анна анна"),
        ("Анна Петрова", "анна петрова олеговна"),
        ("Андрей", "андреи"),
        ("Анна", "anna"),
    ],
)
def test_what_is_no_beginning_of_the_name_does_not_find_it(name, written):
    assert not is_meant(name, written)


def test_beginnings_are_dealt_to_the_words_they_fit():
    assert is_meant("Анна Аннина", "анн анна")
    assert is_meant("Анна Аннина", "аннина а")
    assert not is_meant("Анна Петрова", "ан анна")


def test_the_whole_name_is_whole_in_any_order():
    assert is_whole("Анна Петрова", "ПЕТРОВА  анна")
    assert not is_whole("Анна Петрова", "Анна Петров")


def test_yo_stands_beside_ye_and_an_accent_beside_its_letter():
    sorted_right = ["Eva", "Éva", "Evan", "Zoe", "Ежов", "Елкин", "Ёлкин", "Емелин", "Жук", "Иван", "Йод", "Яна"]
    assert sorted(["Яна", *sorted_right[4:-1], *sorted_right[:4]], key=alphabetical) == sorted_right


def test_namesakes_are_told_apart_and_nobody_else_is_touched():
    names = {"1": "Анна Петрова", "7": "анна  петрова", "3": "Пётр", "4": "Петр", "5": "Анна"}
    assert told_apart(names) == {
        "1": "Анна Петрова #1", "7": "анна  петрова #7", "3": "Пётр #3", "4": "Петр #4", "5": "Анна",
    }  # fmt: skip


@given(st.text(max_size=40))
def test_whatever_a_name_holds_it_is_found_by_itself(name):
    assert fold(fold(name)) == fold(name)
    assert is_meant(name, name) == bool(fold(name))
