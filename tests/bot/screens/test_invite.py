"""Invites come with a ready text, to be shared or copied with a tap (docs/product.md §8)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from bot.screens.invite import MOST_BUTTONS, links_view
from bot.telegram.sharing import LONGEST_COPY, copyable
from bot.telegram.splitting import size
from bot.texts import texts
from tests.bot.office import ADMIN

LINK = "https://t.me/reglament_bot?start=" + "x" * 43


@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_single_invite_is_a_message_to_forward(language):
    view = links_view(texts(language), [("Анна <Примерова>", LINK)])
    assert view.text.startswith("Анна &lt;Примерова&gt;, ")
    assert view.text.endswith(LINK)
    assert not view.protected
    [[share, copy]] = view.rows
    shared = parse_qs(urlsplit(share.url).query)
    assert share.url.startswith("https://t.me/share/url?")
    assert shared["url"] == [LINK]
    assert shared["text"][0].startswith("Анна <Примерова>, ")
    assert "+" not in share.url  # a client would show it
    assert copy.copy.endswith(LINK)
    assert size(copy.copy) <= LONGEST_COPY


def test_each_of_many_has_buttons_as_far_as_telegram_takes_them():
    view = links_view(texts("ru"), [(f"Сотрудник с довольно длинным именем {number}", LINK) for number in range(60)])
    assert len(view.rows) == MOST_BUTTONS
    assert sum(len(row) for row in view.rows) <= 100
    assert view.text.count(LINK) == 60


def test_invites_of_namesakes_with_long_names_stay_apart():
    name = "Константинопольская Александра Владимировна"
    view = links_view(texts("ru"), [(f"{name} #{number}", LINK) for number in (12, 13)])
    assert [share.text[-5:] for share, _ in view.rows] == ["… #12", "… #13"]


def test_a_text_too_long_to_copy_leaves_the_link():
    assert copyable("😀" * 100, LINK) == LINK
    assert copyable("Анна", LINK) == f"Анна\n{LINK}"


async def test_an_admin_gets_links_with_buttons(office):
    admin = office.api.user(ADMIN)
    admin.says("/invite")
    asked = await office.api.message(ADMIN, "Ещё не в боте")
    await office.api.answered(admin.taps("Сделать ссылки"))
    links = await office.api.message(ADMIN, "t.me/reglament_bot?start=")
    assert links.id == asked.id
    assert not links.protected
    assert len([row for row in links.rows if len(row) == 2]) == links.text.count("start=") == 7
    share, copy = links.rows[0]
    assert share["url"].startswith("https://t.me/share/url?")
    assert "start=" in copy["copy_text"]["text"]


async def test_links_after_the_question_about_the_team_can_be_forwarded_too(two_teams):
    admin = two_teams.api.user(ADMIN)
    admin.says("/invite")
    await two_teams.api.message(ADMIN, "Какая команда?")
    await two_teams.api.answered(admin.taps("B2B"))
    await two_teams.api.message(ADMIN, "Ещё не в боте")
    await two_teams.api.answered(admin.taps("Сделать ссылки"))
    assert not (await two_teams.api.message(ADMIN, "start=")).protected
