"""Tell official holidays and moved working days by country.

The dates come from the `holidays` library; published transfers that must not depend on the version of the library are
written down here and win.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import holidays

from scoring.workdays import OfficialDay

TRANSFERS: Mapping[str, Mapping[date, bool]] = {
    "RU": {
        date(2025, 5, 2): False,
        date(2025, 5, 8): False,
        date(2025, 6, 13): False,
        date(2025, 11, 1): True,
        date(2025, 11, 3): False,
        date(2025, 12, 31): False,
        date(2026, 1, 9): False,
        date(2026, 3, 9): False,
        date(2026, 5, 11): False,
        date(2026, 12, 31): False,
    },
}
"""Published transfers by country: True for a working day, False for a day off."""


def countries() -> tuple[str, ...]:
    """List the known country codes in alphabetical order."""
    return tuple(sorted(holidays.list_supported_countries(include_aliases=False)))


@cache
def official_days(country: str) -> OfficialDay:
    """Return a function of a date: True for a moved working day, False for a holiday or a moved day off, else None.

    An ordinary weekend is None: the team's weekdays decide. An empty `country` has no official days.
    Raises ValueError for an unknown country.
    """
    if not country:
        return _ordinary
    if country not in countries():
        raise ValueError(
            f'unknown country {country[:20]!r}: a two-letter code such as "RU", "BY", "KZ", "DE" or "US" '
            f'({len(countries())} are known), or "" for no holidays'
        )
    state = holidays.country_holidays(country)
    transfers = TRANSFERS.get(country, {})

    def official(day: date) -> bool | None:
        if day in transfers:
            return transfers[day]
        if day in state:  # asked first: the library learns a year, its moved working days too, when asked about it
            return False
        return True if day in state.weekend_workdays else None

    return official


def _ordinary(_day: date) -> None:
    return None
