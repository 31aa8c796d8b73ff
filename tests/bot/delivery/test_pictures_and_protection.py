"""The board is one message with its picture, and lists of deals cannot be forwarded (docs/product.md §8)."""

from __future__ import annotations

import pytest

from bot.screens.view import View
from bot.telegram.session import session_of
from bot.telegram.splitting import fits_caption
from storage.messages.notices import to_group
from storage.values import DeliveryState
from tests.bot.botapi import Fault
from tests.bot.office import ANNA, GROUP, HEAD


async def test_the_board_is_one_message_with_its_text_under_the_picture(office):
    await office.evening()
    [board] = office.api.chat(GROUP).messages
    assert board.photo.startswith(b"\x89PNG")
    assert "Дисциплина отдела" in board.text
    assert not board.protected
    assert (await office.delivery(to_group("sales"))).message_ids == (board.id,)


async def test_a_board_too_long_for_a_caption_comes_as_text_and_picture(office, monkeypatch):
    _draw_boards(monkeypatch, "строка о месте\n" * 90)
    await office.evening()
    text, picture = office.api.chat(GROUP).messages
    assert (text.photo, picture.text) == (None, "")
    assert (await office.delivery(to_group("sales"))).message_ids == (text.id, picture.id)


async def test_a_picture_that_telegram_refuses_leaves_the_text(office, monkeypatch):
    _draw_boards(monkeypatch, "короткая доска", b"no picture")
    await office.evening()
    assert office.api.chat(GROUP).texts == ["короткая доска"]
    assert await office.state(to_group("sales")) is DeliveryState.SENT


async def test_a_picture_that_cannot_be_drawn_leaves_the_text(office, monkeypatch):
    def broken() -> bytes:
        raise ValueError("planted")

    _draw_boards(monkeypatch, "короткая доска", broken)
    monkeypatch.setattr("bot.screens.view.log.exception", lambda *_args, **_values: None)
    await office.evening()
    assert office.api.chat(GROUP).texts == ["короткая доска"]


async def test_a_board_is_sent_once_after_a_failure(office):
    await office.cutoff()
    office.api.fault("sendPhoto", Fault.SERVER_ERROR)
    await office.send()
    assert office.api.chat(GROUP).messages == []
    await office.later()
    assert len(office.api.chat(GROUP).messages) == 1


async def test_an_asked_board_has_its_picture_too(office):
    await office.evening()
    office.api.user(HEAD).says("/leaderboard")
    board = await office.api.message(HEAD, "Дисциплина отдела")
    assert board.photo.startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["короткая доска", "строка о месте\n" * 90])
@pytest.mark.parametrize("picture", [b"no picture", None])
async def test_an_asked_board_whose_picture_fails_is_a_text(office, monkeypatch, text, picture):
    def draw() -> bytes:
        if picture is None:
            raise ValueError("planted")
        return picture

    await office.evening()
    monkeypatch.setattr("bot.handlers.manager.board_view", lambda *_args, **_options: View(text))
    monkeypatch.setattr("bot.handlers.manager.board_picture", lambda *_args: draw)
    monkeypatch.setattr("bot.screens.view.log.exception", lambda *_args, **_values: None)
    office.api.user(HEAD).says("/leaderboard")
    asked = await office.api.message(HEAD, text.strip())
    assert asked.photo is None


def _draw_boards(monkeypatch, text, picture=b"\x89PNG"):
    monkeypatch.setattr("bot.delivery.render.board_view", lambda *_args, **_options: View(text))
    draw = picture if callable(picture) else lambda: picture
    monkeypatch.setattr("bot.delivery.render.board_picture", lambda *_args: draw)


@pytest.mark.parametrize(
    ("text", "fits"), [("<b>" + "ы" * 1024 + "</b>", True), ("😀" * 513, False), ("&lt;" * 1024, True)]
)
def test_a_caption_is_measured_as_telegram_shows_it(text, fits):
    assert fits_caption(text) is fits


# Lists of deals


async def test_what_lists_deals_cannot_be_forwarded(office):
    await office.join_anna()
    await office.evening()
    evening = await office.api.message(ANNA, "Итог дня")
    digest = await office.api.message(HEAD, "Дисциплина дня")
    anna, head = office.api.user(ANNA), office.api.user(HEAD)
    anna.says("/today")
    today = await office.api.message(ANNA, "если ничего не менять")
    head.says("/week")
    week = await office.api.message(HEAD, "неделя 47")
    anna.says("/rules")
    rules = await office.api.message(ANNA, "Правила")
    assert [message.protected for message in (evening, digest, today, week, rules)] == [True, True, True, True, False]
    await office.api.answered(head.taps("Сделки"))
    deals = await office.api.message(HEAD, "открыть")
    assert (deals.id, deals.protected) == (week.id, True)


async def test_a_message_of_before_is_not_turned_into_an_unprotected_list(office):
    await office.evening()
    head = office.api.user(HEAD)
    head.says("/week")
    week = await office.api.message(HEAD, "неделя 47")
    week.protected = False  # sent by an earlier version
    await office.api.answered(head.taps("Сделки"))
    deals = await office.api.message(HEAD, "открыть")
    assert (deals.id == week.id, deals.protected) == (False, True)


async def test_lists_of_deals_may_be_forwarded_where_the_settings_say_so(office):
    session_of(office.courier.bot.bot).protects_lists = False
    await office.join_anna()
    await office.evening()
    assert not (await office.api.message(ANNA, "Итог дня")).protected
    office.api.user(HEAD).says("/week")
    assert not (await office.api.message(HEAD, "неделя 47")).protected
