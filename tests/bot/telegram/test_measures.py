"""Texts are measured before they are sent: Telegram refuses what is longer, and with it the whole message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.screens.members import _labelled
from bot.screens.view import LABEL, Button
from bot.telegram.commands import COMMANDS
from bot.telegram.keyboards import keyboard
from bot.telegram.splitting import CAPTION, fits_caption, size
from bot.texts import LANGUAGES, Language, safe, texts
from scoring.entries import Month
from storage.values import Member

DESCRIPTION, ALERT = 256, 200
HANDLERS = Path(__file__).parents[3] / "bot" / "handlers"
TITLE = "Отдел <продаж> & 🚀 " * 7
"""As long as the settings allow."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_description_of_a_command_fits(language: Language) -> None:
    for command in COMMANDS:
        assert 1 <= size(texts(language)(command.text)) <= DESCRIPTION, command.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_to_a_tap_fits(language: Language) -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in HANDLERS.rglob("*.py"))
    keys = set(re.findall(r'query\.answer\(t\("([\w-]+)"\)', sources))
    assert "not-yours" in keys
    for key in keys:
        assert size(texts(language)(key)) <= ALERT, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_caption_of_an_export_fits_with_the_longest_title(language: Language) -> None:
    t = texts(language)
    assert len(TITLE[:120]) == 120
    assert fits_caption(t("export-caption", title=safe(TITLE[:120]), month=t.month(Month(2026, 9))))


def test_a_caption_is_measured_without_tags_and_with_emoji_as_two() -> None:
    link = '<a href="https://crm.example/deal/7">&lt;</a>'
    assert fits_caption(link * CAPTION)
    assert not fits_caption(link * (CAPTION + 1))
    assert fits_caption("🚀" * (CAPTION // 2))
    assert not fits_caption("🚀" * (CAPTION // 2) + "а")


def test_the_label_of_a_button_is_cut_and_its_data_is_not() -> None:
    markup = keyboard(((Button(TITLE, "x" * 64),),))
    assert markup is not None
    [[button]] = markup.inline_keyboard
    assert len(button.text) <= LABEL
    assert button.text.endswith("…")
    assert button.callback_data == "x" * 64


def test_namesakes_stay_apart_where_a_label_is_cut() -> None:
    every = [(key, Member(number, "main", str(number), "Анна Петрова")) for number, key in enumerate(("a", "b"), 70)]
    titles = {key: f"{TITLE[:118]} {key}" for key, _ in every}
    markup = keyboard(tuple((Button(each.label, each.team),) for each in _labelled(every, titles)))
    assert markup is not None
    labels = [button.text for [button] in markup.inline_keyboard]
    assert [label[-5:] for label in labels] == ["… #70", "… #71"]
    assert max(map(len, labels)) <= LABEL
