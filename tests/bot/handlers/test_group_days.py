"""What a group learns of days and standings: unscored days, and one pinned message (docs/product.md §8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_clients.errors import CrmUnavailable
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from storage.people import teams
from tests.bot.office import CUTOFF, GROUP, HEAD, SALES, opened_office

TOPIC = 77


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


@pytest.fixture
async def pinning(office_url):
    """A team that keeps its standings pinned."""
    shared = {key: value for key, value in SALES.items() if key != "chat_id"}
    async with opened_office(office_url, {"sales": shared | {"pin": True}}) as opened:
        async with opened.process.db.transaction() as session:
            await teams.bind_chat(session, "sales", GROUP, None, author="test", at=opened.clock())
        yield opened


async def _day(office, days):
    await office.cutoff(days=days)
    for _ in range(2):  # the second message waits until the chat is free
        await office.later()


def _boards(office):
    return [message for message in office.api.chat(GROUP).messages if "Дисциплина отдела" in message.text]


async def test_one_pinned_message_shows_the_latest_standings_and_the_evenings_board_is_never_edited(pinning):
    office, group = pinning, pinning.api.chat(GROUP)
    await _day(office, 0)
    [pinned] = [message for message in _boards(office) if message.id in group.pinned]
    assert pinned.silent
    assert "19 ноября" in pinned.text
    await _day(office, 1)
    await _day(office, 4)
    assert group.pinned == [pinned.id]
    assert "23 ноября" in pinned.text
    assert len(pinned.history) == 2
    others = [message for message in _boards(office) if message.id != pinned.id]
    assert len(others) == 3
    assert not any(message.history for message in others)
    assert len(office.api.sent("pinchatmessage")) == 1


async def test_a_pinned_message_that_was_removed_is_sent_and_pinned_anew(pinning):
    office, group = pinning, pinning.api.chat(GROUP)
    await _day(office, 0)
    first = group.pinned[0]
    group.find(first).deleted = True
    await _day(office, 1)
    assert len(group.pinned) == 2
    assert "20 ноября" in group.find(group.pinned[1]).text


async def test_a_missing_right_to_pin_is_said_once_and_the_message_is_pinned_when_it_comes(pinning):
    office, group = pinning, pinning.api.chat(GROUP)
    group.may_pin = False
    for days in (0, 1, 4):
        await _day(office, days)
    told = [text for text in office.api.chat(HEAD).texts if "право закреплять" in text]
    assert len(told) == 1
    assert group.pinned == []
    assert len(_boards(office)) == 4
    group.may_pin = True
    await _day(office, 5)
    [pinned] = group.pinned
    assert "24 ноября" in group.find(pinned).text
    assert len(_boards(office)) == 5


async def test_in_another_topic_the_standings_are_pinned_anew(pinning):
    office, group = pinning, pinning.api.chat(GROUP)
    await _day(office, 0)
    group.topics.add(TOPIC)
    async with office.process.db.transaction() as session:
        await teams.bind_chat(session, "sales", GROUP, TOPIC, author="test", at=office.clock())
    await _day(office, 1)
    assert len(group.pinned) == 2
    assert group.find(group.pinned[1]).thread_id == TOPIC


async def test_the_group_learns_that_a_day_was_not_scored(office):
    client = office.process.connections.client("main")

    async def fail(*_args, **_kwargs):
        raise CrmUnavailable("HTTP 503")

    client.read = client.users = fail
    await office.cutoff()
    office.clock.pass_(hours=2, minutes=1)
    due = DueCutoff("main", CUTOFF.date(), CUTOFF, ("sales",))
    await run_cutoff(office.process, due)
    await office.send()
    assert "день не оценён" in (await office.api.message(GROUP, "19 ноября")).text
    assert _boards(office) == []
    heard = [text for text in office.api.chat(HEAD).texts if "срез на 18:00" in text]
    assert len(heard) == 1
    assert "Не прочитано" in heard[0]
    assert "CRM не отдала данные полностью" in heard[0]
    assert not [text for text in office.api.chat(HEAD).texts if "не всё удалось прочитать" in text]


async def test_a_day_that_was_caught_up_without_a_score_is_named_under_the_next_board(office):
    from bot.delivery.render import render
    from bot.texts import texts

    await office.cutoff()
    group = await office.delivery("group:sales")
    earlier = (CUTOFF.date() - timedelta(days=1), CUTOFF.date())
    notice = replace(group.notice, earlier=earlier)
    async with office.process.db.reading() as session:
        for language, said in (("ru", "Не оценены, минусов"), ("en", "Not scored, nobody loses")):
            sent = replace(group, notice=notice)
            view = await render(session, office.ctx, texts(language), sent, now=office.clock())
            assert said in view.text
            days = view.text.split(said)[1]
            assert "18" in days
            assert "19" not in days
