from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from reglament.config.official_days import TRANSFERS, countries, official_days
from scoring.workdays import WorkCalendar

# Days off of Russia as published, weekends that are nothing but weekends left out: month → days.
OFF_2025 = {
    1: [1, 2, 3, 4, 5, 6, 7, 8],
    2: [23],
    3: [8],
    5: [1, 2, 8, 9],
    6: [12, 13],
    11: [3, 4],
    12: [31],
}
OFF_2026 = {
    1: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    2: [23],
    3: [8, 9],
    5: [1, 9, 11],
    6: [12],
    11: [4],
    12: [31],
}
# Working days a month, from the published production calendars of the five-day week.
WORKDAYS_2025 = [17, 20, 21, 22, 18, 19, 23, 21, 22, 23, 19, 22]
WORKDAYS_2026 = [15, 19, 21, 22, 19, 21, 23, 21, 22, 22, 20, 22]

MOSCOW = ZoneInfo("Europe/Moscow")


def days(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)


def written(year: int) -> dict[date, bool | None]:
    off = {2025: OFF_2025, 2026: OFF_2026}[year]
    table: dict[date, bool | None] = dict.fromkeys(days(year))
    table |= {date(year, month, day): False for month, listed in off.items() for day in listed}
    if year == 2025:
        table[date(2025, 11, 1)] = True
    return table


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_of_the_russian_year_is_as_published(year: int) -> None:
    official = official_days("RU")
    assert {day: official(day) for day in days(year)} == written(year)


@pytest.mark.parametrize(("year", "by_month"), [(2025, WORKDAYS_2025), (2026, WORKDAYS_2026)])
def test_a_five_day_team_works_as_many_days_a_month_as_the_production_calendar_says(
    year: int, by_month: list[int]
) -> None:
    calendar = WorkCalendar(MOSCOW, official=official_days("RU"))
    worked = [day.month for day in calendar.workdays(date(year, 1, 1), date(year, 12, 31))]
    assert [worked.count(month) for month in range(1, 13)] == by_month


def test_the_moved_saturday_is_worked_and_the_monday_it_paid_for_is_not() -> None:
    calendar = WorkCalendar(MOSCOW, official=official_days("RU"))
    assert calendar.is_workday(date(2025, 11, 1))
    assert calendar.next_workday(date(2025, 11, 1)) == date(2025, 11, 5)


def test_an_ordinary_weekend_is_left_to_the_teams_weekdays() -> None:
    assert official_days("RU")(date(2026, 11, 21)) is None


def test_a_holiday_at_a_weekend_is_a_holiday_also_for_a_team_that_works_at_weekends() -> None:
    calendar = WorkCalendar(MOSCOW, weekdays=frozenset(range(7)), official=official_days("RU"))
    assert date(2026, 3, 8).weekday() == 6
    assert official_days("RU")(date(2026, 3, 8)) is False
    assert not calendar.is_workday(date(2026, 3, 8))


def test_the_answer_does_not_depend_on_which_day_is_asked_first() -> None:
    official_days.cache_clear()
    assert official_days("RU")(date(2024, 4, 27)) is True  # a moved Saturday, first of its year to be asked


def test_published_transfers_win_over_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRANSFERS, "RU", {date(2031, 7, 15): False, date(2031, 1, 1): True})
    official_days.cache_clear()
    try:
        official = official_days("RU")
        assert official(date(2031, 7, 15)) is False
        assert official(date(2031, 1, 1)) is True
    finally:
        official_days.cache_clear()


@pytest.mark.parametrize(
    ("country", "holiday"),
    [("RU", date(2026, 5, 9)), ("BY", date(2026, 7, 3)), ("KZ", date(2026, 12, 16)), ("DE", date(2026, 10, 3))],
)
def test_other_countries_have_their_own_holidays(country: str, holiday: date) -> None:
    assert official_days(country)(holiday) is False


def test_no_country_means_no_official_days() -> None:
    official = official_days("")
    assert all(official(day) is None for day in days(2026))


@pytest.mark.parametrize("country", ["XX", "ru", "Russia", "RUS", " "])
def test_an_unknown_country_is_refused_with_what_is_allowed(country: str) -> None:
    with pytest.raises(ValueError, match="two-letter code") as caught:
        official_days(country)
    assert repr(country) in str(caught.value)
    assert '"RU"' in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_known_countries_are_two_letter_codes() -> None:
    assert {"RU", "BY", "KZ"} <= set(countries())
    assert all(len(code) == 2 and code.isupper() for code in countries())
