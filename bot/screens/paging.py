"""Cut long lists into pages, and make the buttons that turn the pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.screens.view import Button
from bot.telegram.callbacks import Stay

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextPage(Generic[T]):
    """Hold the shown part of a list."""

    shown: tuple[T, ...]
    number: int
    """Number of the page, from 1 on."""
    pages: int

    @classmethod
    def of(cls, everything: Sequence[T], number: int, size: int) -> TextPage[T]:
        """Cut out the page with this number, or the nearest existing page."""
        pages = -(-len(everything) // size) or 1
        number = min(max(1, number), pages)
        return cls(tuple(everything[(number - 1) * size : number * size]), number, pages)

    def turning(self, to: Callable[[int], str]) -> tuple[Button, ...]:
        """Make the buttons back, position and on, which go round; none for a single page."""
        if self.pages == 1:
            return ()
        return (
            Button("◀", to(self.number - 1 or self.pages)),
            Button(f"{self.number}/{self.pages}", Stay().pack()),
            Button("▶", to(self.number % self.pages + 1)),
        )
