"""Long lists in one message: a page of lines, and the buttons that turn it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.screens.view import Button
from bot.telegram.callbacks import Action, pack

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """What is shown of a list."""

    shown: tuple[T, ...]
    number: int
    """From 1 on."""
    pages: int

    @classmethod
    def of(cls, everything: Sequence[T], number: int, size: int) -> Page[T]:
        """The page of that number, or the nearest there is."""
        pages = -(-len(everything) // size) or 1
        number = min(max(1, number), pages)
        return cls(tuple(everything[(number - 1) * size : number * size]), number, pages)

    def turning(self, to: Callable[[int], str]) -> tuple[Button, ...]:
        """Back, where one is, on; none if there is one page. They go round."""
        if self.pages == 1:
            return ()
        return (
            Button("◀", to(self.number - 1 or self.pages)),
            Button(f"{self.number}/{self.pages}", pack(Action.STAY)),
            Button("▶", to(self.number % self.pages + 1)),
        )
