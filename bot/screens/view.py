"""Describe a message without Telegram: HTML text, buttons, a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import structlog

log = structlog.get_logger()

LABEL = 64
"""Longest text on a button, in characters: more is not readable, and a title of a team may have 120."""


@dataclass(frozen=True, slots=True)
class Button:
    """Describe a button under a message: `data` comes back with the tap, `url` opens a page, `copy` is copied."""

    text: str
    data: str = ""
    url: str = ""
    copy: str = ""


Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class View:
    """Hold the content of a message. Links show no preview; `photo` is drawn in a thread when the message is sent."""

    text: str
    rows: Rows = ()
    photo: Callable[[], bytes] | None = field(default=None, compare=False)
    silent: bool = False
    """Deliver the message without a sound."""
    protected: bool = False
    """Lists deals or leads to such a list in place: the message can be neither forwarded nor saved."""

    def with_rows(self, more: Rows) -> View:
        """Return the view with further rows of buttons below."""
        return replace(self, rows=(*self.rows, *more)) if more else self

    async def drawn(self) -> bytes | None:
        """Draw the picture; without a picture after an error of ours, because the text says the same."""
        if self.photo is None:
            return None
        try:
            return await asyncio.to_thread(self.photo)
        except Exception:
            log.exception("picture_not_drawn")
            return None


def rows(*lines: tuple[Button, ...]) -> Rows:
    """Return the rows without empty rows."""
    return tuple(line for line in lines if line)
