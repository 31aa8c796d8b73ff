"""Appeals in the chat: a manager disagrees, the CRM is asked first, a head decides in two taps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import dispatcher as bot_dispatcher
from reglament.appeals.overdue import settle_overdue
from storage.appeals import appeals
from storage.people import invites
from storage.values import AppealState
from storage.verify.verification import verify
from tests.bot.office import ADMIN, ANNA, CUTOFF, HEAD

VERA = ANNA


@pytest.fixture
async def evening(office):
    """Vera has read what her day came to, and may disagree."""
    token = await office.invite("Вера")
    async with office.process.db.transaction() as session:
        await invites.accept(session, token, VERA, at=office.clock())
    office.api.user(VERA, "Вера", started=True)
    await office.evening()
    own = await office.api.message(VERA, "Итог дня")
    assert own.button("Не согласен")
    return office


async def _found(office, state=AppealState.FILED):
    async with office.process.db.reading() as session:
        return [each for each in await appeals.listed(session) if each.state is state]


async def _to_causes(office) -> None:
    vera = office.api.user(VERA)
    vera.taps("Не согласен")
    which = await office.api.message(VERA, "с каким правилом")
    await office.tap(vera, which, which.rows[0][0])
    await office.api.message(VERA, "Почему?")


async def _filed(office) -> None:
    """Filed without a text, and told to the head."""
    vera = office.api.user(VERA)
    await _to_causes(office)
    vera.taps("Сделано до среза")
    await office.api.message(VERA, "Напишите ответом")
    vera.taps("Отправить без пояснения")
    await office.api.message(VERA, "Возражение отправлено руководителю")
    await office.later()


async def test_a_text_comes_as_the_next_message(evening):
    office, vera = evening, evening.api.user(VERA)
    await _to_causes(office)
    vera.taps("Другое")
    await office.api.message(VERA, "Напишите ответом")
    vera.says("я" * 1001)
    await office.api.message(VERA, "Слишком длинно")
    assert await _found(office) == []
    vera.says("/help")
    await office.api.message(VERA, "/today")
    vera.says("созвонились в 17:40")
    await office.api.message(VERA, "Возражение отправлено руководителю")
    [appeal] = await _found(office)
    assert (appeal.text, appeal.cause, appeal.recheck.problem) == ("созвонились в 17:40", "other", "")
    vera.says("и ещё")
    await office.api.message(VERA, "Я понимаю только команды")


async def test_a_head_decides_in_two_taps_and_the_evening_message_changes(evening):
    office = evening
    await _filed(office)
    head, [appeal] = office.api.user(HEAD), await _found(office)
    card = await office.api.message(HEAD, "Возражение № 1")
    assert "Сверка с CRM" in card.text
    assert "Причина: Сделано до среза." in card.text
    head.taps("Выполнено")
    await office.api.message(HEAD, "почему?")
    head.taps("Верю на слово")
    await office.api.message(HEAD, "Возражение № 1 принято")
    await office.later()
    own = next(each for each in office.api.chat(VERA).messages if "Итог дня" in each.text)
    assert "↩️" in own.text
    told = await office.api.message(VERA, "считается выполненным")
    assert told.reply_to == own.id
    assert "Верю на слово" in told.text
    async with office.process.db.reading() as session:
        assert (await appeals.find(session, appeal.id)).state is AppealState.KEPT
        assert await verify(session, "sales") == []
    head.says("/appeals")
    await office.api.message(HEAD, "Открытых возражений нет")
    head.says("/month")
    assert "Возражения: 1, принято 1" in (await office.api.message(HEAD, "ноябрь 2026")).text


async def test_a_head_may_refuse_with_a_reason_of_his_own(evening):
    office, head = evening, evening.api.user(HEAD)
    await _filed(office)
    head.says("/appeals")
    queue = await office.api.message(HEAD, "1 открытое возражение")
    await office.tap(head, queue, queue.rows[0][0])
    await office.api.message(HEAD, "Раньше возражений не было")
    head.taps("Отклонить")
    await office.api.message(HEAD, "почему?")
    await office.api.answered(head.taps("Написать свою причину"))
    await bot_dispatcher.finish(office.dispatcher)
    head.says("по записи звонок был в 18:05")
    await office.api.message(HEAD, "отклонено")
    await office.later()
    told = await office.api.message(VERA, "баллы остаются снятыми")
    assert told.text.endswith("По записи звонок был в 18:05")


async def test_another_persons_buttons_a_withdrawn_appeal_and_a_stale_card(evening):
    office, vera, head = evening, evening.api.user(VERA), evening.api.user(HEAD)
    await _filed(office)
    card = await office.api.message(HEAD, "Возражение № 1")
    for button in ("Выполнено", "Отклонить"):
        tap = await office.tap(vera, office.api.chat(VERA).messages[0], card.button(button))
        assert "недоступно" in tap.text
    decide = card.button("Простить")
    vera.taps("Отозвать возражение")
    await office.api.message(VERA, "отозвано")
    await office.tap(head, card, decide)
    assert "отозвано" in (await office.api.message(HEAD, "Возражение № 1")).text
    assert [each.state for each in await _found(office, AppealState.WITHDRAWN)] == [AppealState.WITHDRAWN]


async def test_an_appeal_that_waits_is_told_to_the_owner_and_granted_in_the_end(evening):
    office = evening
    await _filed(office)
    for days, recipient, words in ((1, HEAD, "уже рабочий день"), (4, ADMIN, "теперь решает владелец")):
        office.clock.at = CUTOFF + timedelta(days=days, minutes=1)
        for _ in range(2):
            await settle_overdue(office.process)
        await office.later()
        assert sum(words in each.text for each in office.api.chat(recipient).messages) == 1
    office.clock.at = CUTOFF + timedelta(days=15)
    await settle_overdue(office.process)
    await office.later()
    [appeal] = await _found(office, AppealState.EXCUSED)
    assert appeal.decided_by == "срок возражения"
    await office.api.message(VERA, "не оценивается, снятые баллы вернулись")
