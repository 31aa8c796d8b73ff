"""Draw chance that falls the same way forever."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draw from a seed: only `random()` gives the same numbers in every version of Python."""

    def __init__(self, *names: object) -> None:
        self._random = random.Random("/".join(map(str, names))).random  # noqa: S311  # a made-up world, no secret

    def chance(self, probability: float) -> bool:
        """Draw True with the given probability."""
        return self._random() < probability

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def spread(self, reach: float) -> float:
        """Draw a number from −reach to +reach."""
        return (self._random() * 2 - 1) * reach

    def pick(self, choices: Sequence[T]) -> T:
        """Draw a member of `choices`."""
        return choices[self.between(0, len(choices) - 1)]
