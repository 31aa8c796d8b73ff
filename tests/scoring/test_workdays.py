"""Working days, cutoffs and windows: docs/product.md §3, §4, §11."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from scoring.workdays import OfficialDay, Window, WindowKind, WorkCalendar, local_instant

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "Europe/Moscow",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Africa/Cairo",  # the clock is changed at midnight
    "America/Santiago",  # midnight does not exist once a year
    "Asia/Kathmandu",
    "Pacific/Apia",  # a whole day was left out in 2011
    "Pacific/Chatham",
)
CUTOFF_TO_CUTOFF, CALENDAR_DAY = WindowKind.CUTOFF_TO_CUTOFF, WindowKind.CALENDAR_DAY
EVERY_DAY = frozenset(range(7))


def utc(*parts: int) -> datetime:
    year, month, day, *time = parts
    return datetime(year, month, day, *time, tzinfo=UTC)  # type: ignore[misc, arg-type]


# Wall-clock times


@pytest.mark.parametrize(
    ("zone", "day", "wall", "instant"),
    [
        pytest.param("Europe/Moscow", date(2025, 11, 19), time(18), utc(2025, 11, 19, 15), id="an ordinary evening"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), time(2), utc(2026, 3, 29, 1), id="the gap begins"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), time(2, 30), utc(2026, 3, 29, 1), id="inside the gap"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), time(2, 59, 59), utc(2026, 3, 29, 1), id="its last second"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), time(3), utc(2026, 3, 29, 1), id="the gap has ended"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), time(2, 30), utc(2026, 10, 25, 0, 30), id="doubled: first"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), time(3), utc(2026, 10, 25, 2), id="no longer doubled"),
        pytest.param("Africa/Cairo", date(2026, 4, 24), time(0), utc(2026, 4, 23, 22), id="no midnight"),
        pytest.param(
            "Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), utc(2026, 10, 3, 15, 30), id="half an hour"
        ),
        pytest.param("Pacific/Apia", date(2011, 12, 30), time(18), utc(2011, 12, 30, 10), id="a day left out"),
    ],
)
def test_a_time_that_does_not_exist_is_the_end_of_the_gap_and_a_doubled_one_the_first(
    zone: str, day: date, wall: time, instant: datetime
) -> None:
    assert local_instant(day, wall, ZoneInfo(zone)) == instant


@given(
    st.sampled_from(ZONES),
    st.dates(date(2009, 1, 1), date(2035, 12, 31)),
    st.times(),
)
@example("Europe/Berlin", date(2026, 3, 29), time(2, 30))
@example("Europe/Berlin", date(2026, 10, 25), time(2, 30))
@example("Pacific/Apia", date(2011, 12, 30), time(12))
def test_every_wall_time_means_one_instant_and_it_is_the_first_that_could_be_meant(
    zone: str, day: date, wall: time
) -> None:
    tz = ZoneInfo(zone)
    instant = local_instant(day, wall, tz)
    naive = datetime.combine(day, wall)
    shown = instant.astimezone(tz).replace(tzinfo=None)
    a_moment_before = (instant - timedelta(microseconds=1)).astimezone(tz).replace(tzinfo=None)
    assert instant.tzinfo is UTC
    assert shown >= naive
    assert a_moment_before < naive  # nothing earlier shows this time or a later one


# Working days


def test_the_teams_weekdays_are_worked() -> None:
    calendar = WorkCalendar(MOSCOW)
    assert [calendar.is_workday(date(2025, 11, 17 + n)) for n in range(7)] == [True] * 5 + [False] * 2


OFFICIAL: dict[date, bool] = {date(2025, 11, 1): True, date(2025, 11, 3): False, date(2025, 11, 4): False}


@pytest.mark.parametrize(
    ("day", "settings", "worked"),
    [
        pytest.param(date(2025, 11, 1), {}, True, id="a moved working Saturday"),
        pytest.param(date(2025, 11, 3), {}, False, id="the Monday it paid for"),
        pytest.param(date(2025, 11, 8), {}, False, id="an ordinary Saturday"),
        pytest.param(date(2025, 11, 4), {"short_days": {date(2025, 11, 4): time(12)}}, True, id="a short holiday"),
        pytest.param(date(2025, 11, 8), {"short_days": {date(2025, 11, 8): time(12)}}, True, id="a short Saturday"),
        pytest.param(date(2025, 11, 4), {"extra_workdays": {date(2025, 11, 4)}}, True, id="an own working holiday"),
        pytest.param(date(2025, 11, 1), {"days_off": {date(2025, 11, 1)}}, False, id="an own day off wins"),
        pytest.param(
            date(2025, 11, 5),
            {"days_off": {date(2025, 11, 5)}, "short_days": {date(2025, 11, 5): time(12)}},
            False,
            id="off before short",
        ),
    ],
)
def test_own_days_go_before_short_days_transfers_holidays_and_weekdays(
    day: date, settings: dict[str, object], worked: bool
) -> None:
    official: OfficialDay = OFFICIAL.get
    own = {key: frozenset(value) if isinstance(value, set) else value for key, value in settings.items()}
    assert WorkCalendar(MOSCOW, official=official, **own).is_workday(day) is worked  # type: ignore[arg-type]


def test_a_day_cannot_be_off_and_worked() -> None:
    day = frozenset({date(2025, 11, 8)})
    with pytest.raises(ValueError, match="2025-11-08 is in days_off and in extra_workdays"):
        WorkCalendar(MOSCOW, days_off=day, extra_workdays=day)


def test_a_calendar_without_working_days_says_so() -> None:
    empty = WorkCalendar(MOSCOW, weekdays=frozenset())
    with pytest.raises(ValueError, match="no working day within a year"):
        empty.next_workday(date(2025, 11, 19))
    assert list(empty.workdays(date(2025, 1, 1), date(2025, 12, 31))) == []


def test_working_days_of_a_span_include_both_ends() -> None:
    span = list(WorkCalendar(MOSCOW).workdays(date(2025, 11, 14), date(2025, 11, 17)))
    assert span == [date(2025, 11, 14), date(2025, 11, 17)]


@pytest.mark.parametrize(
    ("day", "before", "after"),
    [
        pytest.param(date(2025, 11, 17), date(2025, 11, 14), date(2025, 11, 18), id="over a weekend"),
        pytest.param(date(2026, 1, 1), date(2025, 12, 31), date(2026, 1, 2), id="over the year's end"),
        pytest.param(date(2028, 2, 29), date(2028, 2, 28), date(2028, 3, 1), id="a leap day"),
        pytest.param(date(2026, 6, 1), date(2026, 5, 29), date(2026, 6, 2), id="a month that ended at a weekend"),
    ],
)
def test_the_neighbouring_working_days(day: date, before: date, after: date) -> None:
    calendar = WorkCalendar(MOSCOW)
    assert (calendar.previous_workday(day), calendar.next_workday(day)) == (before, after)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        pytest.param(datetime(2025, 11, 19, 17, 59, 59, tzinfo=MOSCOW), date(2025, 11, 19), id="before the cutoff"),
        pytest.param(datetime(2025, 11, 19, 18, tzinfo=MOSCOW), date(2025, 11, 20), id="on the second of the cutoff"),
        pytest.param(datetime(2025, 11, 21, 18, 30, tzinfo=MOSCOW), date(2025, 11, 24), id="Friday evening"),
        pytest.param(datetime(2025, 11, 22, 12, tzinfo=MOSCOW), date(2025, 11, 24), id="Saturday"),
        pytest.param(utc(2025, 11, 19, 22), date(2025, 11, 20), id="after local midnight, before it in UTC"),
    ],
)
def test_the_running_window_is_that_of_the_first_cutoff_to_come(now: datetime, day: date) -> None:
    assert WorkCalendar(MOSCOW).business_day(now) == day


def test_a_short_day_has_its_own_cutoff() -> None:
    calendar = WorkCalendar(MOSCOW, short_days={date(2025, 12, 30): time(15)})
    assert calendar.cutoff_of(date(2025, 12, 30)) == datetime(2025, 12, 30, 15, tzinfo=MOSCOW)
    assert calendar.cutoff_of(date(2025, 12, 29)) == datetime(2025, 12, 29, 18, tzinfo=MOSCOW)


# Windows


def test_a_window_runs_from_the_previous_working_days_cutoff() -> None:
    window = WorkCalendar(MOSCOW).window(date(2025, 11, 17), CUTOFF_TO_CUTOFF)
    assert window.start == datetime(2025, 11, 14, 18, tzinfo=MOSCOW)  # Friday: the weekend is not lost
    assert window.cutoff == datetime(2025, 11, 17, 18, tzinfo=MOSCOW)
    assert window.earlier == datetime(2025, 11, 13, 18, tzinfo=MOSCOW)


def test_a_calendar_day_runs_from_local_midnight() -> None:
    window = WorkCalendar(MOSCOW).window(date(2025, 11, 17), CALENDAR_DAY)
    assert window.start == datetime(2025, 11, 17, tzinfo=MOSCOW)
    assert window.earlier == datetime(2025, 11, 14, tzinfo=MOSCOW)
    assert window.earlier_end == datetime(2025, 11, 14, 18, tzinfo=MOSCOW)


def test_a_window_starts_where_the_last_stored_one_ended() -> None:
    last_end = datetime(2025, 11, 13, 17, 30, tzinfo=MOSCOW)
    window = WorkCalendar(MOSCOW).window(date(2025, 11, 17), CUTOFF_TO_CUTOFF, last_end)
    assert window.start == last_end
    assert window.earlier == datetime(2025, 11, 12, 18, tzinfo=MOSCOW)


def test_a_calendar_day_never_reaches_into_a_stored_window() -> None:
    calendar = WorkCalendar(MOSCOW)
    yesterday, in_the_night = datetime(2025, 11, 18, 18, tzinfo=MOSCOW), datetime(2025, 11, 19, 1, tzinfo=MOSCOW)
    assert calendar.window(date(2025, 11, 19), CALENDAR_DAY, yesterday).start == datetime(2025, 11, 19, tzinfo=MOSCOW)
    assert calendar.window(date(2025, 11, 19), CALENDAR_DAY, in_the_night).start == in_the_night


@pytest.mark.parametrize("kind", list(WindowKind))
def test_a_last_end_after_the_cutoff_leaves_an_empty_window(kind: WindowKind) -> None:
    calendar = WorkCalendar(MOSCOW)
    cutoff = calendar.cutoff_of(date(2025, 11, 19))
    window = calendar.window(date(2025, 11, 19), kind, cutoff + timedelta(hours=1))
    assert window.start == window.cutoff == cutoff
    assert cutoff not in window


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)])
def test_a_day_may_have_23_or_25_hours(day: date, hours: int) -> None:
    window = WorkCalendar(BERLIN, weekdays=EVERY_DAY).window(day, CUTOFF_TO_CUTOFF)
    assert window.cutoff - window.start == timedelta(hours=hours)


def test_the_cutoff_may_be_at_midnight() -> None:
    calendar = WorkCalendar(MOSCOW, cutoff=time(0), weekdays=EVERY_DAY)
    whole, empty = (calendar.window(date(2025, 11, 19), kind) for kind in (CUTOFF_TO_CUTOFF, CALENDAR_DAY))
    assert whole.cutoff - whole.start == timedelta(days=1)
    assert empty.start == empty.cutoff


def test_a_window_is_half_open_also_where_instants_share_a_zone() -> None:
    doubled = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    window = Window(doubled, doubled.replace(fold=1))
    assert doubled in window
    assert doubled.replace(minute=59) in window
    assert doubled.replace(minute=0, fold=1) in window
    assert doubled.replace(fold=1) not in window
    assert window.cutoff - window.start == timedelta(hours=1)


def test_a_window_refuses_what_cannot_be_one() -> None:
    with pytest.raises(ValueError, match="aware"):
        Window(datetime(2025, 11, 19), utc(2025, 11, 20))  # noqa: DTZ001
    with pytest.raises(ValueError, match="aware"):
        Window(utc(2025, 11, 19), utc(2025, 11, 20), datetime(2025, 11, 18))  # noqa: DTZ001
    with pytest.raises(ValueError, match="before it starts"):
        Window(utc(2025, 11, 20), utc(2025, 11, 19))


def test_a_window_until_now_keeps_the_one_before_it() -> None:
    window = WorkCalendar(MOSCOW).window(date(2025, 11, 17), CALENDAR_DAY)
    noon, last_week = datetime(2025, 11, 17, 12, tzinfo=MOSCOW), datetime(2025, 11, 10, 12, tzinfo=MOSCOW)
    assert window.until(noon) == Window(window.start, noon, window.earlier, window.earlier_end)
    assert window.until(last_week).start == window.until(last_week).cutoff == last_week


def test_windows_with_one_cutoff_are_read_together() -> None:
    short, long = Window(utc(2025, 11, 19), utc(2025, 11, 20)), Window(utc(2025, 11, 18), utc(2025, 11, 20))
    assert short.union(long) == long
    earlier = Window(utc(2025, 11, 19), utc(2025, 11, 20), utc(2025, 11, 17))
    assert long.union(earlier) == Window(utc(2025, 11, 18), utc(2025, 11, 20), utc(2025, 11, 17))
    earliest = Window(utc(2025, 11, 19), utc(2025, 11, 20), utc(2025, 11, 16))
    assert earliest.union(earlier).earlier == earlier.union(earliest).earlier == utc(2025, 11, 16)
    with pytest.raises(ValueError, match="one cutoff"):
        short.union(Window(utc(2025, 11, 19), utc(2025, 11, 21)))


# Windows tile time


cutoffs = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda at: at.replace(second=0, microsecond=0))
some_weekdays = st.frozensets(st.integers(0, 6), min_size=1)
first_days = st.dates(date(2024, 1, 1), date(2030, 12, 31))


@st.composite
def calendars(draw: st.DrawFn, near: date | None = None, zone: str | None = None) -> WorkCalendar:
    """Any calendar a team may have, with special days around `near`."""
    centre = near or draw(first_days)
    around = st.dates(centre - timedelta(days=20), centre + timedelta(days=40))
    off = draw(st.frozensets(around, max_size=5))
    return WorkCalendar(
        ZoneInfo(zone or draw(st.sampled_from(ZONES))),
        cutoff=draw(cutoffs),
        weekdays=draw(some_weekdays),
        days_off=off,
        extra_workdays=draw(st.frozensets(around, max_size=3)) - off,
        short_days=draw(st.dictionaries(around, cutoffs, max_size=3)),
        official=draw(st.dictionaries(around, st.booleans(), max_size=4)).get,
    )


@given(st.data(), first_days)
def test_windows_tile_time_whatever_the_calendar(data: st.DataObject, first: date) -> None:
    calendar = data.draw(calendars(near=first))
    day = calendar.next_workday(first)
    for _ in range(8):
        following = calendar.next_workday(day)
        here = calendar.window(day, CUTOFF_TO_CUTOFF)
        there = calendar.window(following, CUTOFF_TO_CUTOFF)
        assert here.cutoff == there.start
        assert there.earlier == here.start or here.start == here.cutoff
        day = following


@given(st.data(), first_days, st.integers(-36 * 3600, 12 * 86400))
def test_every_instant_lies_in_exactly_one_window(data: st.DataObject, first: date, seconds: int) -> None:
    calendar = data.draw(calendars(near=first))
    day = calendar.next_workday(first)
    instant = calendar.cutoff_of(day) + timedelta(seconds=seconds)
    around = calendar.workdays(first - timedelta(days=60), first + timedelta(days=80))
    holding = [d for d in around if instant in calendar.window(d, CUTOFF_TO_CUTOFF)]
    assert holding == [calendar.business_day(instant)]


@settings(max_examples=60)
@given(st.data(), first_days, st.sampled_from(ZONES))
def test_with_stored_ends_no_instant_is_lost_or_doubled_however_the_calendar_changes(
    data: st.DataObject, first: date, zone: str
) -> None:
    """Every few days the owner changes cutoff, weekdays, special days: each run starts where the last one ended."""
    windows: list[Window] = []
    day = first
    last_end: datetime | None = None
    for _ in range(4):
        calendar = data.draw(calendars(near=day, zone=zone))
        for _ in range(3):
            day = calendar.next_workday(day)
            window = calendar.window(day, CUTOFF_TO_CUTOFF, last_end)
            windows.append(window)
            last_end = max(window.cutoff, last_end or window.cutoff)
    for before, after in pairwise(windows):
        assert before.cutoff == after.start
        assert after.earlier is not None
        assert after.earlier <= after.start


@given(st.data(), first_days)
def test_a_calendar_day_holds_its_own_day_up_to_the_cutoff_and_nothing_else(data: st.DataObject, first: date) -> None:
    calendar = data.draw(calendars(near=first))
    day = calendar.next_workday(first)
    window = calendar.window(day, CALENDAR_DAY)
    assume(window.start < window.cutoff)
    assert calendar.local_date(window.start) == day
    assert calendar.local_date(window.cutoff - timedelta(microseconds=1)) == day
    assert calendar.local_date(window.start - timedelta(microseconds=1)) < day
    assert window.earlier_end == calendar.cutoff_of(calendar.previous_workday(day))


@given(st.data(), first_days, st.integers(0, 7 * 86400))
def test_the_business_day_is_the_first_whose_cutoff_is_to_come(data: st.DataObject, first: date, seconds: int) -> None:
    calendar = data.draw(calendars(near=first))
    now = local_instant(first, time(0), calendar.zone) + timedelta(seconds=seconds)
    day = calendar.business_day(now)
    assert calendar.is_workday(day)
    assert now < calendar.cutoff_of(day)
    assert calendar.cutoff_of(calendar.previous_workday(day)) <= now
