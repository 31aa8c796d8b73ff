"""What managers and heads ask, tap and get, as the manual tells it (docs/bot.md)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.screens import lines
from bot.screens.evidence.folding import FOLDED
from bot.telegram.callbacks import (
    ConfirmList,
    OpenDay,
    OpenMonth,
    OpenPerson,
    OpenPicture,
    TurnDeparted,
    TurnLive,
    TurnStaff,
    UnfoldEvening,
    mark,
)
from bot.texts import shortened
from scoring.entries import Month
from scoring.snapshot import Value
from storage.messages import deliveries
from storage.messages.notices import DayUnscoredNotice, DeliveryKind, DepartedNotice, to_telegram
from storage.people import people, shrunken_lists
from tests.bot.office import ADMIN, ANNA, CUTOFF, HEAD


@pytest.fixture
def office_url(database_url: str) -> str:
    """All of it on both databases."""
    return database_url


async def test_the_evening_unfolds_to_everything_that_was_counted_and_folds_again(office):
    await office.join_anna()
    await office.evening()
    anna = office.api.user(ANNA)
    own = await office.api.message(ANNA, "Итог дня")
    short = own.text
    await office.api.answered(anna.taps("Показать всё"))
    whole = await office.api.message(ANNA, "Звонки:")
    assert whole.id == own.id
    assert "✅ Звонки" in whole.text
    assert whole.text.count("открыть") >= 10
    await office.api.answered(anna.taps("Свернуть"))
    folded = await office.api.message(ANNA, "Итог дня")
    assert (folded.id, folded.text) == (own.id, short)


async def test_today_reads_once_and_answers_at_once_as_long_as_the_reading_is_fresh(office):
    await office.join_anna()
    anna, crm = office.api.user(ANNA), office.process.connections.client("main")
    anna.says("/today")
    first = await office.api.message(ANNA, "если ничего не менять")
    assert "Данные CRM на 16:00" in first.text
    requests = crm.stats.requests
    office.clock.pass_(minutes=4)
    anna.says("/today")
    again = await office.api.message(ANNA, "4 минуты назад")
    assert (again.id == first.id, crm.stats.requests) == (False, requests)
    office.clock.pass_(minutes=2)
    await office.api.answered(anna.taps("Обновить"))
    fresh = await office.api.message(ANNA, "Данные CRM на 16:06")
    assert fresh.id == again.id
    assert crm.stats.requests > requests


async def test_today_unfolds_the_reading_that_is_known(office):
    await office.join_anna()
    anna = office.api.user(ANNA)
    anna.says("/today")
    shown = await office.api.message(ANNA, "если ничего не менять")
    office.clock.pass_(minutes=20)
    await office.api.answered(anna.taps("Показать всё"))
    whole = await office.api.message(ANNA, "Данные CRM на 16:00, 20 минут назад")
    assert whole.id == shown.id
    assert "открыть" in whole.text


async def test_no_reading_for_today_begins_shortly_before_the_cutoff(office):
    await office.join_anna()
    office.clock.pass_(hours=1, minutes=59, seconds=50)
    office.api.user(ANNA).says("/today")
    await office.api.message(ANNA, "До среза совсем мало времени")


async def test_a_day_of_the_history_opens_beside_it(office):
    await office.join_anna()
    await office.evening()
    anna = office.api.user(ANNA)
    anna.says("/me")
    history = await office.api.message(ANNA, "По дням")
    assert "место" in history.text
    await office.api.answered(anna.taps("19"))
    day = await office.api.message(ANNA, "Итог дня")
    assert day.id > history.id


async def test_a_head_looks_somebody_up_and_follows_him_into_his_days(office):
    await office.evening()
    head = office.api.user(HEAD)
    head.says("/who Вера")
    person = await office.api.message(HEAD, "Чаще всего нарушено")
    assert person.text.startswith("Вера Тестова · Отдел продаж\nНеделя 47: ")
    assert "Четверг, 19 ноября · срез на 18:00" in person.text
    await office.api.answered(head.taps("Показать всё"))
    day = await office.api.message(HEAD, "✅")
    assert day.text.startswith("Вера Тестова · Отдел продаж")
    await office.api.answered(head.taps("Картинка"))
    words = await office.api.message(HEAD, "Динамика · Вера Тестова")
    assert "чт 19.11: −1 балл, 60 %" in words.text
    assert words.photo.startswith(b"\x89PNG")


async def test_a_head_opens_what_somebody_who_left_leaves_behind(office):
    await office.evening()
    async with office.process.db.transaction() as session:
        vera = next(m for m in await people.members(session, "sales") if m.name == "Вера Тестова")
        await people.sync_users(session, "main", [], at=office.clock())
        about = DepartedNotice(team="sales", day=date(2026, 11, 20), crm_user=vera.crm_user, name=vera.name)
        await deliveries.add(session, event="left", recipient=to_telegram(HEAD), notice=about, at=CUTOFF)
    await office.later()
    told = await office.api.message(HEAD, "Вера Тестова больше не работает в CRM")
    assert "нужен новый ответственный (по срезу 19 ноября)" in told.text
    await office.api.answered(office.api.user(HEAD).taps("Показать всё"))
    whole = await office.api.message(HEAD, "Итог дня")
    assert whole.text.startswith("Вера Тестова · Отдел продаж")


async def test_a_head_reads_which_deals_somebody_who_left_leaves_behind(office, monkeypatch):
    await office.evening()
    crm = office.process.connections.client("main")
    employed = crm.users

    async def without_vera():
        return [replace(user, active=user.active and user.name != "Вера Тестова") for user in await employed()]

    monkeypatch.setattr(crm, "users", without_vera)
    await office.cutoff(days=1)
    await office.send()
    digest = await office.api.message(HEAD, "Вера Тестова больше не работает в CRM")
    assert "Дисциплина дня" in digest.text
    whole_digest = digest.text
    head = office.api.user(HEAD)
    await office.api.answered(head.taps("что осталось"))
    told = await office.api.message(HEAD, "С этого дня баллы не начисляются")
    assert told.id == digest.id
    number = int(re.search(r"(\d+) открыт\S+ сделк\S+ нужен новый ответственный \(по срезу 20 ноября\)", told.text)[1])
    assert number > lines.SHOWN
    named = told.text.partition("ответственный")[2].partition("🟡")[0].partition("🔴")[0]
    shown, short = named.count("– открыть"), told.text
    assert lines.SHOWN < shown <= FOLDED
    assert (f"ещё {number - shown}" in named) == (shown < number)
    assert "<blockquote expandable>" in told.html
    async with office.process.db.reading() as session:
        gone = next(m for m in await people.all_members(session) if m.name == "Вера Тестова")
        event = f"departed:{gone.id}:2026-11-20"
        notice = await deliveries.find(session, event, DeliveryKind.DEPARTED, to_telegram(HEAD))
    assert isinstance(notice.notice, DepartedNotice)
    open_deals = notice.notice.readings["deals_open"]
    assert isinstance(open_deals, Value)
    deals = open_deals.items
    await office.api.answered(head.taps("Показать всё"))
    whole = await office.api.message(HEAD, shortened(deals[-1].title))
    assert whole.id == told.id
    assert all(shortened(deal.title) in whole.text for deal in deals)
    await office.api.answered(head.taps("Свернуть"))
    folded = await office.api.message(HEAD, "больше не работает в CRM")
    assert (folded.id, folded.text) == (told.id, short)
    await office.api.answered(head.taps("К итогу дня"))
    assert (await office.api.message(HEAD, "Дисциплина дня")).text == whole_digest


async def test_a_manager_opens_no_notice_of_who_left(office):
    await office.join_anna()
    await office.evening()
    own = await office.api.message(ANNA, "Итог дня")
    tap = office.api.user(ANNA).taps_data(own, TurnDeparted(team="sales", notice=1, page=1).pack())
    await office.api.answered(tap)
    assert "недоступно" in tap.text


async def test_an_admin_confirms_a_list_that_shrank_and_nobody_else_does(office):
    await office.join_anna()
    await office.evening()
    async with office.process.db.transaction() as session:
        question = await shrunken_lists.note(session, "users:main", ["1", "2"], at=CUTOFF)
    button = ConfirmList(connection="main", question=question.id).pack()
    own = await office.api.message(ANNA, "Итог дня")
    refused = office.api.user(ANNA).taps_data(own, button)
    await office.api.answered(refused)
    assert "недоступно" in refused.text
    office.api.user(ADMIN).says("/health")
    shown = await office.api.message(ADMIN, "Состояние")
    await office.api.answered(office.api.user(ADMIN).taps_data(shown, button))
    assert await office.api.message(ADMIN, "Подтверждено")
    async with office.process.db.reading() as session:
        assert (await shrunken_lists.newest(session, "users:main")).confirmed


async def test_a_manager_opens_nobody_elses_days(office):
    await office.join_anna()
    await office.evening()
    async with office.process.db.reading() as session:
        other = next(m for m in await people.members(session, "sales") if not m.name.startswith("Анна"))
    anna = office.api.user(ANNA)
    own = await office.api.message(ANNA, "Итог дня")
    before = len(office.api.chat(ANNA).messages)
    user = other.crm_user
    for data in (
        UnfoldEvening(team="sales", day=CUTOFF.date(), user=user, page=1),
        OpenDay(team="sales", day=CUTOFF.date(), user=user, page=0),
        OpenMonth(team="sales", user=user, month=Month(2026, 11)),
        OpenPerson(team="sales", user=user),
        OpenPicture(team="sales", period="m", first=date(2026, 11, 1), user=user),
        OpenPicture(team="sales", period="m", first=date(2026, 11, 1)),
        TurnLive(team="sales", page=1),
        TurnStaff(team="sales", page=1),
    ):
        tap = anna.taps_data(own, data.pack())
        await office.api.answered(tap)
        assert "недоступно" in tap.text, data
    assert len(office.api.chat(ANNA).messages) == before
    assert own.history == []


async def test_a_head_sees_how_the_team_stands_now_and_as_of_the_last_cutoff(office):
    await office.evening()
    office.clock.pass_(hours=20)
    head = office.api.user(HEAD)
    head.says("/team")
    last = await office.api.message(HEAD, "срез 19 ноября")
    await office.api.answered(head.taps("Как сейчас"))
    live = await office.api.message(HEAD, "если до среза ничего не менять, данные на 14:00")
    assert live.id == last.id
    await office.api.answered(head.taps("Последний срез"))
    await office.api.message(HEAD, "срез 19 ноября")


async def test_weeks_turn_only_where_there_is_something(office):
    await office.evening()
    head = office.api.user(HEAD)
    head.says("/week")
    week = await office.api.message(HEAD, "неделя 47")
    assert not any("Раньше" in text or "Позже" in text for text in week.buttons)
    for side, shown in (("Люди", "Вера Тестова"), ("Назад", "Дисциплина"), ("Правила", "нарушено"), ("Назад", "Баллы")):
        await office.api.answered(head.taps(side))
        assert (await office.api.message(HEAD, shown)).id == week.id


async def test_an_admin_asks_how_the_service_is(office):
    await office.evening()
    async with office.process.db.transaction() as session:
        from storage.days import heartbeats

        await heartbeats.beat(session, "service", at=office.clock() - timedelta(minutes=5))
        await heartbeats.beat(session, heartbeats.RIVAL, at=office.clock() - timedelta(minutes=1))
        notice = DayUnscoredNotice(team="sales", day=CUTOFF.date())
        given_up = [
            await deliveries.add(session, event=event, recipient="tg:5", notice=notice, at=office.clock())
            for event in ("too long", "not connected")
        ]
        long_ago = office.clock() - timedelta(minutes=40)
        await deliveries.add(session, event="waits", recipient="tg:5", notice=notice, at=long_ago)
        await heartbeats.beat(session, heartbeats.ANCHORS, at=long_ago)
    for number, problem in zip(given_up, ("too long", "not connected"), strict=True):
        sent = await deliveries.start(office.process.db, number, "one", at=office.clock())
        await deliveries.mark_failed(office.process.db, sent, problem, at=office.clock())
    office.api.user(ADMIN).says("/health")
    said = await office.api.message(ADMIN, "Состояние")
    assert "Часть службы «измерения» молчит 5 минут" in said.text
    assert "читает ещё одна программа с тем же токеном" in said.text
    assert "За неделю не доставлено: 2, причина последнего: не подключён к боту" in said.text
    assert "Ждут отправки сообщений: 1, самое старое с 19.11, 14:20 UTC" in said.text
    assert "Не доставлено сообщений: 1, первое 19.11, 15:00 UTC" in said.text
    assert "С 19.11, 14:20 UTC итоги дней не удаётся записать в якоря" in said.text
    assert "Служба работает" not in said.text
    assert "Последний срез 19 ноября, прочитано всё" in said.text
    assert "В боте: 0, ещё нет: 7" in said.text


async def test_what_comes_by_itself_speaks_the_language_of_the_client_until_another_is_chosen(office):
    token = await office.invite()
    anna = office.api.user(ANNA, "Anna")
    anna.language = "en-GB"
    anna.starts(token)
    await office.api.message(ANNA, "Is it you?")
    anna.taps("Yes, it is me")
    await office.api.message(ANNA, "You are a manager")
    await office.evening()
    await office.api.message(ANNA, "cutoff at 18:00")
    anna.says("/language")
    await office.api.message(ANNA, "Which language")
    anna.taps("Русский")
    await office.api.message(ANNA, "Буду писать по-русски")
    await office.cutoff(days=1)
    await office.rest()
    await office.send()
    await office.api.message(ANNA, "срез на 18:00")


async def test_buttons_that_version_0_1_0_sent_still_open_what_they_opened(office):
    await office.join_anna()
    await office.evening()
    anna, head = office.api.user(ANNA), office.api.user(HEAD)
    async with office.process.db.reading() as session:
        user = mark(next(m.crm_user for m in await people.members(session, "sales") if m.telegram_id == ANNA))
    own, digest = await office.api.message(ANNA, "Итог дня"), await office.api.message(HEAD, "Дисциплина дня")
    for data, shown in (
        (f"3:ev:sales:2026-11-19:{user}:1", "Звонки:"),
        (f"3:dy:sales:2026-11-19:{user}:0", "Итог дня"),
        (f"3:me:sales:{user}:2026-11", "По дням"),
        ("3:ru:sales", "не ушёл в минус"),
        ("3:td:sales:0", "если ничего не менять"),
    ):
        await office.api.answered(anna.taps_data(own, data))
        await office.api.message(ANNA, shown)
    for data, shown in (
        ("3:wk:sales:2026-11-19:d:1", "неделя 47"),
        ("3:mo:sales:2026-11-19:p:1", "ноябрь 2026"),
        ("3:sf:sales:1", "срез 19 ноября"),
        (f"3:wh:sales:{user}", "Чистых дней подряд"),
        ("3:tm:month:sales", "Дисциплина"),
    ):
        await office.api.answered(head.taps_data(digest, data))
        await office.api.message(HEAD, shown)
