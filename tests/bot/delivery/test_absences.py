"""What a manager is told of an absence recorded or cancelled after the cutoff."""

from __future__ import annotations

from reglament.absence_acts import cancel_absence, record_absence
from storage.people import people
from storage.values import AbsenceKind
from tests.bot.office import ANNA
from tests.reglament.day.thursday import THURSDAY


async def test_an_absence_recorded_afterwards_edits_the_evening_and_tells_in_one_line(office):
    await office.join_anna()
    await office.evening()
    process = office.process
    async with process.db.transaction() as session:
        [who] = [each for each in await people.members(session, "sales") if each.telegram_id == ANNA]
        act = await record_absence(process, session, who, THURSDAY, THURSDAY, AbsenceKind.SICK, "Ольга Главная")
    await office.later()
    [message, reply] = office.api.chat(ANNA).messages
    assert "Отсутствие: этот день не оценивается" in message.text
    assert "Итог дня" not in message.text
    assert reply.reply_to == message.id
    assert reply.text == ("Записано отсутствие (больничный): 19 ноября. Баллы этих дней сняты, эти дни не оцениваются")
    async with process.db.transaction() as session:
        await cancel_absence(process, session, act.absence.id, "Ольга Главная")
    await office.later()
    [message, _, second] = office.api.chat(ANNA).messages
    assert "Итог дня" in message.text
    assert "Отсутствие" not in message.text
    assert second.text == ("Отсутствие отменено (больничный): 19 ноября. Эти дни оценены заново по данным на срез")
