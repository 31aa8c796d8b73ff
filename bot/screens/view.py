"""A message before it meets Telegram: HTML text, buttons, a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message: `data` comes back when it is tapped, `url` opens a page."""

    text: str
    data: str = ""
    url: str = ""


Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class View:
    """What one message says. Links show no preview; `photo` is drawn in a thread when the message is sent."""

    text: str
    rows: Rows = ()
    photo: Callable[[], bytes] | None = field(default=None, compare=False)
    silent: bool = False
    """Arrives without a sound."""


def rows(*lines: tuple[Button, ...]) -> Rows:
    """Rows without the empty ones."""
    return tuple(line for line in lines if line)
