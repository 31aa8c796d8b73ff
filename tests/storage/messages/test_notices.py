"""Notices: written by field name, and read as version 0.1.0 stored them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from scoring.records import Money
from scoring.snapshot import Cause, Evidence, NotAvailable, NotRead, Value
from storage.messages import notice_codec
from storage.messages.notices import (
    AdjustedNotice,
    AlarmNotice,
    AppealNotice,
    BoardNotice,
    ChannelOffNotice,
    CorrectionNotice,
    DayUnscoredNotice,
    DelayedNotice,
    DeliveryKind,
    DepartedNotice,
    DigestNotice,
    EveningNotice,
    JoinedNotice,
    NoDataNotice,
    PardonedNotice,
    PardonQuestionNotice,
    PinnedBoardNotice,
    PinRefusedNotice,
    ReminderNotice,
    RightsMissingNotice,
    ShrunkenListNotice,
    TroubleNotice,
    UnreadDayNotice,
    Whose,
    ZeroQuestionNotice,
)

THURSDAY, WEDNESDAY = date(2026, 11, 19), date(2026, 11, 18)
ABOUT: dict[str, Any] = {"team": "sales", "day": THURSDAY}
STORED_ABOUT: dict[str, Any] = {"team": "sales", "day": "2026-11-19"}
DEAL = Evidence("deal", "d1", "Delivery", "https://crm.example/d1", Money(Decimal("250000.50"), "RUB"), again=True)
READINGS: dict[str, Any] = {
    "deals_open": Value(1, (DEAL,)),
    "won_amount": Value({"RUB": Decimal("10.00")}, ()),
    "missed_calls": NotAvailable(),
    "calls_held": NotRead(Cause.INCOMPLETE, "HTTP 503"),
}
STORED_READINGS = {
    "deals_open": {
        "value": 1,
        "items": [
            {
                "kind": "deal",
                "id": "d1",
                "title": "Delivery",
                "url": "https://crm.example/d1",
                "amount": ["250000.50", "RUB"],
                "again": True,
            }
        ],
    },
    "won_amount": {"value": {"RUB": "10.00"}, "items": []},
    "missed_calls": {"not_available": True},
    "calls_held": {"not_read": "incomplete", "detail": "HTTP 503"},
}

STORED = [
    ("personal", STORED_ABOUT | {"crm_user": "7"}, EveningNotice(**ABOUT, crm_user="7")),
    (
        "personal",
        STORED_ABOUT | {"crm_user": "7", "earlier": ["2026-11-18"]},
        EveningNotice(**ABOUT, crm_user="7", earlier=(WEDNESDAY,)),
    ),
    ("correction", STORED_ABOUT | {"crm_user": "7", "seq": 5}, CorrectionNotice(**ABOUT, crm_user="7", seq=5)),
    (
        "correction",
        STORED_ABOUT | {"crm_user": "7", "seq": 5, "pardoned": ""},
        CorrectionNotice(**ABOUT, crm_user="7", seq=5, pardoned=""),
    ),
    ("appeal", {"team": "sales", "appeal": 5, "stage": "owner"}, AppealNotice(team="sales", appeal=5, stage="owner")),
    ("correction", STORED_ABOUT | {"crm_user": "7", "appeal": 5}, CorrectionNotice(**ABOUT, crm_user="7", appeal=5)),
    ("adjusted", STORED_ABOUT | {"crm_user": "7", "seq": 5}, AdjustedNotice(**ABOUT, crm_user="7", seq=5)),
    ("pardoned", STORED_ABOUT | {"kpi": "calls_held", "seq": 5}, PardonedNotice(**ABOUT, kpi="calls_held", seq=5)),
    (
        "pardon_question",
        STORED_ABOUT | {"crm_user": "7", "rule": "", "rules": 2, "author": "Olga", "reason": "CRM was down"},
        PardonQuestionNotice(**ABOUT, crm_user="7", rule="", rules=2, author="Olga", reason="CRM was down"),
    ),
    ("board", STORED_ABOUT, BoardNotice(**ABOUT)),
    ("board", STORED_ABOUT | {"earlier": ["2026-11-18"]}, BoardNotice(**ABOUT, earlier=(WEDNESDAY,))),
    ("day_unscored", STORED_ABOUT, DayUnscoredNotice(**ABOUT)),
    ("day_unscored", STORED_ABOUT | {"earlier": ["2026-11-18"]}, DayUnscoredNotice(**ABOUT, earlier=(WEDNESDAY,))),
    ("pinned_board", STORED_ABOUT | {"thread": 77}, PinnedBoardNotice(**ABOUT, thread=77)),
    ("pin_refused", {"team": "sales", "chat": -1001}, PinRefusedNotice(team="sales", chat=-1001)),
    ("digest", STORED_ABOUT, DigestNotice(**ABOUT)),
    ("digest", STORED_ABOUT | {"earlier": ["2026-11-18"]}, DigestNotice(**ABOUT, earlier=(WEDNESDAY,))),
    ("digest", STORED_ABOUT | {"departed": [5, 7]}, DigestNotice(**ABOUT, departed=(5, 7))),
    (
        "digest",
        STORED_ABOUT | {"problem": "HTTP 403", "refused": True},
        DigestNotice(**ABOUT, problem="HTTP 403", refused=True),
    ),
    (
        "joined",
        {"team": "sales", "person": 5, "chat": 1000, "name": "Anna", "account": "Anya", "username": "anya"},
        JoinedNotice(team="sales", person=5, chat=1000, name="Anna", account="Anya", username="anya"),
    ),
    (
        "reminder",
        STORED_ABOUT | {"crm_user": "7", "readings": STORED_READINGS},
        ReminderNotice(**ABOUT, crm_user="7", readings=READINGS),
    ),
    (
        "delayed",
        STORED_ABOUT | {"retry_until": "2026-11-19T17:00:00+00:00", "problem": "HTTP 503"},
        DelayedNotice(**ABOUT, retry_until=datetime(2026, 11, 19, 17, tzinfo=UTC), problem="HTTP 503"),
    ),
    ("no_data", STORED_ABOUT, NoDataNotice(**ABOUT)),
    (
        "rights_missing",
        STORED_ABOUT | {"connection": "main", "kpis": ["calls_held"], "problem": "telephony"},
        RightsMissingNotice(**ABOUT, connection="main", kpis=("calls_held",), problem="telephony"),
    ),
    (
        "zero_question",
        STORED_ABOUT | {"connection": "main", "kpi": "calls_held"},
        ZeroQuestionNotice(**ABOUT, connection="main", kpi="calls_held"),
    ),
    (
        "shrunken_list",
        STORED_ABOUT | {"connection": "main", "question": 7, "what": "users", "known": 9, "lost": 4, "names": ["Anna"]},
        ShrunkenListNotice(**ABOUT, connection="main", question=7, what="users", known=9, lost=4, names=("Anna",)),
    ),
    ("unread_day", STORED_ABOUT | {"problem": "KeyError"}, UnreadDayNotice(**ABOUT, problem="KeyError")),
    (
        "unread_day",
        STORED_ABOUT | {"problem": "KeyError", "cause": "fault"},
        UnreadDayNotice(**ABOUT, problem="KeyError", cause="fault"),
    ),
    (
        "alarm",
        STORED_ABOUT | {"connection": "main", "problem": "refused"},
        AlarmNotice(**ABOUT, connection="main", problem="refused"),
    ),
    ("departed", STORED_ABOUT | {"crm_user": "7", "name": "Anna"}, DepartedNotice(**ABOUT, crm_user="7", name="Anna")),
    (
        "departed",
        STORED_ABOUT | {"crm_user": "7", "name": "Anna", "readings": STORED_READINGS},
        DepartedNotice(**ABOUT, crm_user="7", name="Anna", readings=READINGS),
    ),
    (
        "channel_off",
        {"team": "a", "teams": ["a", "b"], "whose": "head", "name": "", "chat": 222, "reason": "blocked"},
        ChannelOffNotice(team="a", teams=("a", "b"), whose=Whose.HEAD, name="", chat=222, reason="blocked"),
    ),
    (
        "trouble",
        STORED_ABOUT | {"trouble": "no_run", "since": "2026-11-19T15:00:00+00:00", "detail": "x"},
        TroubleNotice(**ABOUT, trouble="no_run", since=datetime(2026, 11, 19, 15, tzinfo=UTC), detail="x"),
    ),
]
"""Kind, data as version 0.1.0 stored it, notice."""


@pytest.mark.parametrize(("kind", "stored", "notice"), STORED)
def test_what_0_1_0_stored_is_read_and_written_unchanged(kind, stored, notice):
    assert notice_codec.decode(kind, stored) == notice
    assert notice_codec.encode(notice) == stored
    assert notice.kind == kind


def test_every_kind_of_delivery_has_stored_examples():
    assert {kind for kind, _stored, _notice in STORED} == set(DeliveryKind)


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("board", {}),
        ("board", {"team": "sales"}),
        ("board", {"team": "sales", "day": "yesterday"}),
        ("reminder", STORED_ABOUT | {"crm_user": "7", "readings": {"deals_open": {"value": 1}}}),
        ("horoscope", STORED_ABOUT),
    ],
)
def test_content_that_is_blanked_or_damaged_is_no_notice(kind, stored):
    assert notice_codec.decode(kind, stored) is None


def test_a_renamed_team_is_renamed_wherever_a_notice_names_it():
    stored = {"team": "a", "teams": ["a", "b"], "name": "a"}
    assert notice_codec.with_team(stored, "a", "c") == {"team": "c", "teams": ["c", "b"], "name": "a"}
    assert notice_codec.with_team(stored, "x", "c") == stored
    assert notice_codec.with_team({}, "a", "c") == {}
