"""An outage of Telegram of any length loses no message, and repeats at most those in flight (docs/product.md §11)."""

from __future__ import annotations

import asyncio

from bot.delivery.courier import IN_FLIGHT, LOST_ANSWERS
from bot.delivery.outage import LONGEST_PAUSE, Outage
from storage.messages import deliveries
from storage.messages.notices import BoardNotice, EveningNotice, to_person, to_telegram
from storage.values import DeliveryState
from tests.bot.botapi import Fault
from tests.bot.office import ANNA

CROWD = range(7_000_001, 7_000_013)


class Answers:
    """Telegram's answers to the harmless question, one after the other; then it answers for good."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self) -> bool:
        self.asked += 1
        return self.answers.pop(0) if self.answers else True


async def test_nothing_is_asked_while_telegram_answers():
    answers = Answers()
    assert await Outage(answers).is_over()
    assert answers.asked == 0


async def test_an_outage_ends_with_the_first_answer_and_is_asked_about_ever_less_often():
    now = 0.0
    answers = Answers(*[False] * 8)
    outage = Outage(answers, monotonic=lambda: now)
    outage.begin()
    pauses = []
    while not await outage.is_over():
        outage.begin()  # another message in flight is lost: the same outage
        asked, began = answers.asked, now
        while answers.asked == asked and not await outage.is_over():
            now += 0.5
        pauses.append(now - began)
    assert max(pauses) <= LONGEST_PAUSE + 0.5
    assert pauses[1:3] == [2.0, 4.0]
    assert await outage.is_over()
    assert answers.asked == 9


async def test_a_hundred_waiting_deliveries_ask_once():
    gate = asyncio.Event()
    asked = []

    async def ask() -> bool:
        asked.append(1)
        await gate.wait()
        return True

    outage = Outage(ask)
    outage.begin()
    waiting = [asyncio.create_task(outage.is_over()) for _ in range(100)]
    await asyncio.sleep(0)
    gate.set()
    assert sum(await asyncio.gather(*waiting)) == 1
    assert len(asked) == 1


async def _crowd(office) -> list[int]:
    """The evening's message for a dozen chats, all of the same manager."""
    await office.join_anna()
    await office.cutoff()
    [evening] = [each for each in await _due(office) if isinstance(each.notice, EveningNotice)]
    async with office.process.db.transaction() as session:
        for chat in CROWD:
            office.api.user(chat, f"Выдуманный {chat}", started=True)
            await deliveries.add(
                session, event="crowd", recipient=to_telegram(chat), notice=evening.notice, at=office.clock()
            )
    return [each.id for each in await _due(office)]


async def _due(office):
    return await deliveries.due(office.process.db, at=office.clock(), limit=1000)


async def _try_all(office) -> None:
    await office.rest()
    await asyncio.gather(*(office.courier.deliver(each.id) for each in await _due(office)))


async def test_an_evening_in_an_outage_reaches_everybody_and_repeats_at_most_what_was_in_flight(office):
    everything = await _crowd(office)
    for method in ("sendMessage", "sendPhoto"):
        office.api.fault(method, Fault.DROP_AFTER, times=100)  # each arrives, and no answer comes back
    office.api.fault("getMe", Fault.DROP_BEFORE, times=3)
    await _try_all(office)
    tried = len(office.api.sent("sendMessage")) + len(office.api.sent("sendPhoto"))
    assert 1 <= tried <= IN_FLIGHT
    await _try_all(office)
    assert len(office.api.sent("sendMessage")) + len(office.api.sent("sendPhoto")) == tried, (
        "nothing goes out meanwhile"
    )
    office.api.clear_faults()
    for _ in range(30):
        office.courier.outage._next_question = 0.0
        office.clock.pass_(seconds=60)
        await _try_all(office)
        if not await _due(office):
            break
    async with office.process.db.reading() as session:
        found = [await deliveries.get(session, number) for number in everything]
    assert {each.state for each in found} == {DeliveryState.SENT}
    copies = [office.api.chat(chat).texts for chat in CROWD]
    assert all(copies)
    assert sum(len(texts) - 1 for texts in copies) <= IN_FLIGHT


async def test_messages_that_get_lost_while_questions_are_answered_are_kept_and_tried_ever_less_often(office):
    everything = await _crowd(office)
    for method in ("sendMessage", "sendPhoto"):
        office.api.fault(method, Fault.DROP_BEFORE, times=1000)
    for _ in range(LOST_ANSWERS):
        office.courier.outage._next_question = 0.0
        await _try_all(office)
    assert office.courier.outage._pause > 2 ** (LOST_ANSWERS - 2)
    office.clock.pass_(seconds=2**LOST_ANSWERS)
    office.api.clear_faults()
    for _ in range(10):
        office.courier.outage._next_question = 0.0
        await _try_all(office)
    async with office.process.db.reading() as session:
        found = [await deliveries.get(session, number) for number in everything]
    assert {each.state for each in found} == {DeliveryState.SENT}


async def test_a_message_whose_answers_get_lost_for_a_week_lets_others_go_first_and_is_given_up(office):
    person = await office.join_anna()
    await office.cutoff()
    office.api.fault("sendMessage", Fault.DROP_AFTER, times=1000)
    tries = 0
    while (mine := await office.delivery(to_person(person))).state is DeliveryState.PENDING:
        office.clock.at = max(office.clock(), mine.not_before or office.clock())
        office.courier.outage._next_question = 0.0
        await office.rest()
        await office.courier.deliver(mine.id)
        tries += 1
    assert mine.state is DeliveryState.FAILED
    assert mine.problem == "no answer from Telegram"
    assert tries == len(office.api.chat(ANNA).texts) == 20


async def test_a_board_whose_picture_gets_lost_arrives_without_the_picture(office):
    office.courier._lost[(board := await _board(office)).id] = LOST_ANSWERS
    await office.courier.deliver(board.id)
    assert (await office.delivery(board.recipient)).state is DeliveryState.SENT
    assert not office.api.sent("sendPhoto")


async def _board(office):
    await office.cutoff()
    [board] = [each for each in await _due(office) if isinstance(each.notice, BoardNotice)]
    return board
