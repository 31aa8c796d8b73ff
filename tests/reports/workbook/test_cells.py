"""Text that no spreadsheet evaluates."""

import pytest

from reports.workbook.cells import safe_text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Анна Образцова", "Анна Образцова"),
        ("", ""),
        ("=1+1", "'=1+1"),
        ("+7", "'+7"),
        ("-2", "'-2"),
        ("@A1", "'@A1"),
        ("  =1+1", "'=1+1"),
        ("\x00\x01=1+1", "'=1+1"),
        ("\u202e=1", "'=1"),
        ("＝1+1", "'＝1+1"),
        ("\tимя\r\nфамилия", "имя фамилия"),
        ("два\n\nслова", "два слова"),
        ("<r>x</r>", "'<r>x</r>"),
        ("a = b - c", "a = b - c"),
        ("– тире и −2", "– тире и −2"),
        ("\ud83d", ""),
        ("Анна 👩‍💻", "Анна 👩‍💻"),
    ],
)
def test_text_is_neutralised_only_where_it_must_be(text: str, safe: str):
    assert safe_text(text) == safe


def test_neutralising_twice_changes_nothing():
    assert safe_text(safe_text("=1+1")) == "'=1+1"
