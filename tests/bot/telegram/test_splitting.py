"""Long texts in several messages: every part fits, is whole HTML, and nothing is lost."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.telegram.splitting import LIMIT, size, split
from tests.bot.telegram_html import plain

words = st.text(alphabet="абвгд xyz", min_size=1, max_size=40)
lines = st.one_of(
    words,
    words.map(lambda text: f"<b>{text}</b>"),
    words.map(lambda text: f'• {text} – <a href="https://crm.example/deal/1">открыть</a>'),
    words.map(lambda text: f"{text} &amp; {text} &lt;"),
)


def _bare(text: str) -> str:
    return re.sub(r"\s", "", text)


@settings(max_examples=60, deadline=None)
@given(st.lists(lines, min_size=1, max_size=300))
def test_parts_fit_are_whole_and_lose_nothing(rows):
    text = "\n".join(rows)
    parts = split(text)
    assert all(0 < len(plain(part)) <= LIMIT for part in parts)
    assert _bare("".join(plain(part) for part in parts)) == _bare(plain(text))


def test_a_short_text_stays_one_message():
    assert split("<b>a</b>") == ["<b>a</b>"]


def test_a_line_longer_than_a_message_is_cut_between_words():
    parts = split("слово " * 2000)
    assert all(len(part) <= LIMIT for part in parts)
    assert all(part.strip().endswith("слово") for part in parts)


def test_emoji_count_as_telegram_counts_them():
    text = "\n".join(["🔴 просрочено"] * 300)
    assert len(text) <= LIMIT < size(text)
    parts = split(text) + split("🔴" * 5000)
    assert all(0 < size(part) <= LIMIT for part in parts)


def test_addresses_of_links_take_no_room():
    rows = [f'<a href="https://crm.example/deal/{"9" * 200}">Сделка</a>'] * 60
    assert split("\n".join(rows)) == ["\n".join(rows)]


def test_a_quotation_is_closed_and_opened_again_at_a_cut():
    rows = ["слово " * 10] * 200
    parts = split("<blockquote expandable>" + "\n".join(rows) + "</blockquote>")
    assert len(parts) > 2
    assert all(part.startswith("<blockquote expandable>") and part.endswith("</blockquote>") for part in parts)
    assert all(len(plain(part)) <= LIMIT for part in parts)
