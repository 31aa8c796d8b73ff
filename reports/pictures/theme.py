"""Choose the colours of the pictures, light and dark; red and yellow mean what docs/product.md §1 says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Theme:
    """Hold the colours of one kind of background."""

    paper: str
    panel: str
    line: str
    """Lines between rows and behind charts."""
    ink: str
    soft: str
    """Text of less weight; readable on paper and panel."""
    accent: str
    """Bars, lines and marks of what is kept."""
    on_accent: str
    kept: str
    """Cell of a rule kept; its symbol has the colour of the accent."""
    broken: str
    """Cell or bar of whatever is broken, hatched or with a cross."""
    on_broken: str
    pale: str
    """Line of the period before."""
    red: str
    """Deals without a task."""
    on_red: str
    yellow: str
    """Overdue tasks."""
    on_yellow: str


THEMES: dict[ThemeName, Theme] = {
    "light": Theme(
        paper="#FFFFFF",
        panel="#EDF3F8",
        line="#D5DEE6",
        ink="#17242F",
        soft="#51616F",
        accent="#1B66A6",
        on_accent="#FFFFFF",
        kept="#D9E8F5",
        broken="#46535F",
        on_broken="#FFFFFF",
        pale="#A9BBCB",
        red="#C62828",
        on_red="#FFFFFF",
        yellow="#F2C230",
        on_yellow="#17242F",
    ),
    "dark": Theme(
        paper="#17212B",
        panel="#212E3B",
        line="#34434F",
        ink="#F2F6FA",
        soft="#A9B8C6",
        accent="#6DB3F2",
        on_accent="#10202E",
        kept="#24445F",
        broken="#C3CED8",
        on_broken="#17212B",
        pale="#5B7084",
        red="#E5534B",
        on_red="#10100F",
        yellow="#F2C230",
        on_yellow="#17212B",
    ),
}
