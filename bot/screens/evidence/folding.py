"""Fold the rest of a list into a quotation that unfolds with a tap (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.telegram.splitting import shown_size

FOLDED = 25
"""Items of a list in a message: the first in sight, the rest folded."""
ROOM = 2000
"""Characters, as shown, that the quotations of a message may hold: the message stays one."""


@dataclass(slots=True)
class Folding:
    """Hand out the room of one message to the quotations of its lists."""

    room: int = ROOM

    def fold(self, rest: Sequence[str]) -> list[str]:
        """Return as many lines as fit as one quotation."""
        folded: list[str] = []
        for line in rest:
            length = shown_size(line) + 1
            if length > self.room:
                break
            self.room -= length
            folded.append(line.lstrip())
        if folded:
            folded[0] = f"<blockquote expandable>{folded[0]}"
            folded[-1] += "</blockquote>"
        return folded
