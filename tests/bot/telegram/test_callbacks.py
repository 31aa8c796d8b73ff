"""The data of buttons: short, read back, and still read from messages that earlier versions sent."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from aiogram.filters.callback_data import CallbackData

from bot.telegram import callbacks
from bot.telegram.buttons import by_hand
from bot.telegram.callbacks import (
    AcceptInvite,
    AnswerZero,
    BindTeam,
    ChooseLanguage,
    ConfirmList,
    DeclineInvite,
    DisconnectPerson,
    MakeExport,
    MakeInvites,
    OpenDay,
    OpenMonth,
    OpenPerson,
    OpenPicture,
    Part,
    PickTeam,
    RefreshToday,
    RevealAdmin,
    ShowRules,
    Stay,
    TurnDeparted,
    TurnLive,
    TurnMonth,
    TurnStaff,
    TurnWeek,
    UnfoldEvening,
    mark,
    read_tap,
)
from scoring.entries import Month

KINDS: list[type[CallbackData]] = [
    kind
    for module in (callbacks, by_hand)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, CallbackData) and kind is not CallbackData
]
DAY, USER = date(2026, 11, 19), "-kKxQEyYM8Kk"
LONGEST: dict[str, Any] = {
    "team": "t" * 24,
    "connection": "c" * 24,
    "day": DAY,
    "first": DAY,
    "digest": DAY,
    "reminder": DAY,
    "month": Month(2026, 11),
    "page": 9999,
    "points": -1000,
    "appeal": 10**18 - 1,
    "cause": "technical",
    "queue": True,
    "reason": "leaderboardwords",
    "why": "newcomer",
    "outcome": "excused",
    "seq": 10**18 - 1,
    "rule": "a-rule-with-a-very-long-name-of-its-own-in-the-settings",
    "notice": 10**18 - 1,
    "question": 10**18 - 1,
    "token": "Aa0_-" * 6 + "Aa",
    "part": Part.PEOPLE,
    "period": "w",
    "command": "leaderboardwords",
    "language": "leaderboardwords",
    "word": "leaderboardwords",
    "fmt": "xlsx",
    "kpi": "missed_not_called_back_within_an_hour",
    "user": "имя.фамилия:a-very-long-name@some-crm-of-a-large-company.example",
    "person": True,
    "chat": 10**18 - 1,
    "back": True,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_button_fits_whatever_it_carries_and_is_read_back(kind):
    longest = LONGEST | ({"person": 10**18 - 1} if kind is DisconnectPerson else {})
    button = kind(**{name: longest[name] for name in kind.model_fields})
    data = button.pack()
    assert len(data.encode()) <= 64
    marked = {name: mark(LONGEST[name]) for name in ("user", "kpi", "rule") if name in kind.model_fields}
    assert read_tap(data, KINDS) == button.model_copy(update=marked)


def test_every_kind_of_button_has_a_prefix_of_its_own():
    assert len({kind.__prefix__ for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        ("3:ev:sales:2026-11-19:-kKxQEyYM8Kk:2", UnfoldEvening(team="sales", day=DAY, user=USER, page=2)),
        ("3:td:sales:0", RefreshToday(team="sales", page=0)),
        ("3:ru:sales", ShowRules(team="sales")),
        ("3:ok:Zm9v-_bar", AcceptInvite(token="Zm9v-_bar")),
        ("3:no", DeclineInvite()),
        ("3:la:en", ChooseLanguage(language="en")),
        ("3:me:sales:-kKxQEyYM8Kk:2026-11", OpenMonth(team="sales", user=USER, month=Month(2026, 11))),
        ("3:dy:sales:2026-11-19:-kKxQEyYM8Kk:0", OpenDay(team="sales", day=DAY, user=USER, page=0)),
        ("3:wk:sales:2026-11-19:d:1", TurnWeek(team="sales", day=DAY, part=Part.DEALS, page=1)),
        ("3:mo:sales:2026-11-19:a:1", TurnMonth(team="sales", day=DAY, part=Part.ALL, page=1)),
        ("3:wh:sales:-kKxQEyYM8Kk", OpenPerson(team="sales", user=USER)),
        ("3:tm:week:sales", PickTeam(command="week", team="sales")),
        ("3:sf:sales:1", TurnStaff(team="sales", page=1)),
        ("3:lv:sales:2", TurnLive(team="sales", page=2)),
        ("3:ex:sales:2026-11:xlsx", MakeExport(team="sales", month=Month(2026, 11), fmt="xlsx")),
        ("3:pi:sales:m:2026-11-19", OpenPicture(team="sales", period="m", first=DAY)),
        ("3:pi:sales:w:2026-11-19:-kKxQEyYM8Kk", OpenPicture(team="sales", period="w", first=DAY, user=USER)),
        ("3:bi:sales", BindTeam(team="sales")),
        ("3:lf:sales:17:1", TurnDeparted(team="sales", notice=17, page=1)),
        ("3:he", RevealAdmin()),
        ("3:in:sales", MakeInvites(team="sales")),
        ("3:li:main:7", ConfirmList(connection="main", question=7)),
        ("3:ze:sales:-kKxQEyYM8Kk:kept", AnswerZero(team="sales", kpi=USER, word="kept")),
        ("3:st", Stay()),
    ],
)
def test_buttons_of_messages_that_version_0_1_0_sent_still_answer(data, meant):
    assert read_tap(data, KINDS) == meant


@pytest.mark.parametrize(
    "data",
    [
        None,
        "",
        "3:",
        "0:ev:sales",
        "1:zz",
        "zz:sales",
        "ev:sales",
        "ev:Sales:2026-11-19:-kKxQEyYM8Kk:1",
        "ev:sales:1763510400:-kKxQEyYM8Kk:1",
        "ev:sales:1926-11-19:-kKxQEyYM8Kk:1",
        "ev:sales:2026-02-30:-kKxQEyYM8Kk:1",
        "ev:sales:2026-11-19:-kKxQEyYM8Kk:10000",
        "ev:sales:2026-11-19:-kKxQEyYM8Kk:-1",
        "ev:sales:2026-11-19:-kKxQEyYM8Kk:1:more",
        "3:ev:sales:2026-11-19",
        "wk:sales:2026-11-19:x:1:",
        "me:sales:-kKxQEyYM8Kk:1999-12:0",
        "ok:with space",
    ],
)
def test_data_that_no_button_carries_means_nothing(data):
    assert read_tap(data, KINDS) is None


def test_the_mark_of_a_crm_user_is_what_sent_buttons_carry():
    assert mark("11") == USER
