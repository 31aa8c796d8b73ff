"""What becomes of a message when Telegram, a gateway or a group is not as it should be (docs/product.md §8, §11)."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError
from aiogram.methods import GetMe

from bot.telegram import session as telegram_session
from storage.messages import deliveries
from storage.messages.notices import CorrectionNotice, to_group, to_person, to_telegram
from storage.people import channels
from storage.values import DeliveryState
from tests.bot.botapi import TOKEN, Fault
from tests.bot.office import ANNA, GROUP, HEAD, STRANGER
from tests.bot.telegram_world import State


@pytest.mark.parametrize(("fault", "repeated"), [(Fault.GATEWAY, 0), (Fault.GATEWAY_TIMEOUT, 1)])
async def test_a_gateways_page_is_a_failure_unless_telegram_may_have_the_message(office, fault, repeated):
    """What Telegram may have is sent once more, and may so come twice."""
    person = await office.join_anna()
    await office.cutoff()
    office.api.fault("sendMessage", fault)
    await office.courier.deliver((await office.delivery(to_person(person))).id)
    tried = await office.delivery(to_person(person))
    assert (tried.state, tried.interrupted) == (DeliveryState.PENDING, 0)
    await office.later()
    assert len([text for text in office.api.chat(ANNA).texts if "Итог дня" in text]) == 1 + repeated


async def test_a_connection_that_is_never_made_is_a_certain_failure(monkeypatch):
    monkeypatch.setattr(telegram_session, "CONNECT_SECONDS", 0.1)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # its queue is full: it answers no further knock
            each.setblocking(False)
            each.connect_ex(deaf.getsockname())
        bot = telegram_session.make_bot(TOKEN, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        try:
            with pytest.raises(TelegramNetworkError) as failure:
                await bot.send_message(1, "text")
        finally:
            await bot.session.close()
            for each in waiting:
                each.close()
    assert telegram_session.refused(failure.value)


async def test_retry_after_holds_for_everybody(office):
    await office.join_anna()
    await office.cutoff()
    office.api.fault("sendMessage", Fault.TOO_MANY, retry_after=7)
    await office.courier.deliver((await office.delivery(to_telegram(HEAD))).id)
    asked = len(office.api.sent("sendMessage"))
    office.clock.pass_(seconds=6)
    await office.send()
    assert len(office.api.sent("sendMessage")) == asked
    async with office.process.db.reading() as session:
        assert (await deliveries.count_by_state(session))[DeliveryState.PENDING] == 3


async def test_an_answer_that_telegram_told_to_wait_is_sent_again(office):
    head = office.api.user(HEAD)
    office.api.fault("sendMessage", Fault.TOO_MANY, retry_after=1)
    head.says("/rules")
    await office.api.message(HEAD, "Правила")
    assert len(office.api.chat(HEAD).texts) == 1


async def test_the_parts_of_a_long_message_arrive_once_each(office, monkeypatch):
    monkeypatch.setattr("bot.telegram.limited_bot.split", lambda text: ["первая", "вторая", "третья"])
    person = await office.join_anna()
    await office.cutoff()
    mine = await office.delivery(to_person(person))
    office.api.fault("sendMessage", Fault.SERVER_ERROR)
    await office.courier.deliver(mine.id)
    second = _fails_at(office, "вторая")
    await office.later()
    assert second.is_set()
    assert office.api.chat(ANNA).texts == ["первая"]
    await office.later()
    assert office.api.chat(ANNA).texts == ["первая", "вторая", "третья"]


def _fails_at(office, text):
    """The next message with this text is refused once."""
    failed = asyncio.Event()

    async def refuse(make_request, bot, method):
        if getattr(method, "text", "") == text and not failed.is_set():
            failed.set()
            office.api.fault("sendMessage", Fault.SERVER_ERROR)
        return await make_request(bot, method)

    office.courier.bot.bot.session.middleware(refuse)
    return failed


async def test_a_correction_edits_the_evening_and_adds_one_short_reply(office):
    person = await office.join_anna()
    await office.evening()
    evening = await office.delivery(to_person(person))
    office.api.chat(ANNA).messages[0].html = "как было до исправления"
    await _correct(office, evening, "first")
    [message, reply] = office.api.chat(ANNA).messages
    assert "Итог дня" in message.html
    assert reply.reply_to == message.id
    assert "19 ноября" in reply.text
    message.deleted = True
    await _correct(office, evening, "second")
    assert "Итог дня" in office.api.chat(ANNA).texts[-1]


async def _correct(office, evening, event):
    async with office.process.db.transaction() as session:
        about = CorrectionNotice(team=evening.notice.team, day=evening.notice.day, crm_user=evening.notice.crm_user)
        await deliveries.add(session, event=event, recipient=evening.recipient, notice=about, at=office.clock())
    await office.later()


# Groups and topics


async def _bound_to(office, thread_id):
    """The team's group is a topic of the settings' group."""
    team = office.ctx.teams["sales"]
    object.__setattr__(team, "thread_id", thread_id)
    office.api.chat(GROUP).topics.add(77)


async def test_a_group_that_silences_the_bot_is_told_once_and_tried_every_evening(office):
    office.api.chat(GROUP).state = State.SILENCED
    await office.evening()
    await office.later()
    told = await office.api.message(HEAD, "больше не получает сообщений")
    assert "нельзя писать" in told.text
    await office.cutoff(days=1)
    await office.later()
    assert len([text for text in office.api.chat(HEAD).texts if "больше не получает" in text]) == 1
    office.api.chat(GROUP).state = State.OPEN
    await office.cutoff(days=4)
    await office.later()
    await office.api.message(GROUP, "Дисциплина отдела")
    async with office.process.db.reading() as session:
        assert (await channels.find(session, GROUP)).active


@pytest.mark.parametrize("thread_id", [1, 78])
async def test_the_general_topic_and_a_deleted_one_mean_the_group_itself(office, thread_id):
    await _bound_to(office, thread_id)
    await office.evening()
    await office.later()
    assert (await office.api.message(GROUP, "Дисциплина отдела")).thread_id is None


async def test_a_closed_topic_gets_its_leaderboard_again_when_it_is_reopened(office):
    await _bound_to(office, 77)
    office.api.chat(GROUP).closed_topics.add(77)
    await office.evening()
    await office.later()
    assert (await office.api.message(GROUP, "Дисциплина отдела")).thread_id is None
    office.api.chat(GROUP).closed_topics.clear()
    _reopened(office, 77)
    await _topic_is_found(office)
    await office.cutoff(days=1)
    await office.later()
    assert (await office.api.message(GROUP, "Дисциплина отдела")).thread_id == 77


def _reopened(office, thread_id):
    stranger = office.api.user(STRANGER)
    body = {"message_id": office.api.next_id(), "date": office.api.now(), "chat": office.api.chat(GROUP).json()}
    body |= {"from": stranger.json(), "message_thread_id": thread_id, "is_topic_message": True}
    office.api.push("message", body | {"forum_topic_reopened": {}})


async def _topic_is_found(office):
    async with asyncio.timeout(60):
        while True:
            async with office.process.db.reading() as session:
                if not (await channels.find(session, GROUP)).lost_threads:
                    return
            await asyncio.sleep(0.02)


async def test_what_a_moved_group_left_behind_is_no_loss(office):
    old = office.api.group(GROUP)
    office.api.migrate(old, -100200)
    await office.evening()
    await office.later()
    await office.api.message(-100200, "Дисциплина отдела")
    old.kicks(office.api.user(STRANGER))
    office.api.user(HEAD).says("/help")
    await office.api.message(HEAD, "/rules")
    await office.send()
    assert not [text for text in office.api.chat(HEAD).texts if "больше не получает" in text]
    assert (await office.delivery(to_group("sales"))).state is DeliveryState.SENT


async def test_who_writes_again_is_welcomed_back_though_telegram_did_not_say_so(office):
    await office.join_anna()
    office.api.chat(ANNA).state = State.BLOCKED
    await office.evening()
    await office.is_off(ANNA)
    office.api.chat(ANNA).state = State.OPEN
    office.api.user(ANNA).says("/rules")
    await office.api.message(ANNA, "С возвращением")
    await office.api.message(ANNA, "Правила")


async def test_a_message_whose_answer_cannot_be_read_has_arrived_and_is_not_sent_again(office, monkeypatch):
    person = await office.join_anna()
    await office.cutoff()
    with monkeypatch.context() as patched:
        _makes_unreadable(office.api, patched, "_do_sendmessage")
        await office.courier.deliver((await office.delivery(to_person(person))).id)
    told = await office.delivery(to_person(person))
    assert (told.state, len(told.message_ids)) == (DeliveryState.SENT, 1)


async def test_an_unreadable_answer_to_a_question_is_no_outage():
    bot = telegram_session.make_bot(TOKEN, "https://telegram.example")
    with pytest.raises(TelegramAPIError) as failure:
        bot.session.check_response(bot, GetMe(), 200, '{"ok": true, "result": {"id": "?"}}')
    assert not isinstance(failure.value, TelegramNetworkError)


def _makes_unreadable(api, patched, name):
    """Let answers of a method come in a shape that aiogram does not know."""
    method = getattr(api, name)

    async def changed(parameters):
        return await method(parameters) | {"chat": {"id": "?"}}

    patched.setattr(api, name, changed)
