"""Write the findings about open deals that count for nobody (`docs/crm/README.md`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")

NAMED = 20
"""Places or people that a finding names at most."""


def open_deals(number: int) -> str:
    """Write a number of open deals."""
    return f"{number} open deal{'' if number == 1 else 's'}"


def most_deals(counts: Counter[K], name: Callable[[K], str] = str) -> str:
    """Name the places or people with most deals, each with the number: `Анна (3), Борис (1)`."""
    return ", ".join(f"{name(key)} ({number})" for key, number in counts.most_common(NAMED))
