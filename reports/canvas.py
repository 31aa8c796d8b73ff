"""A picture measured in pixels from its upper left corner: text that fits, shapes, and a small PNG at the end.

Imports matplotlib, so it is itself imported only when a picture is made.
"""

from __future__ import annotations

import io
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Literal

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.textpath import text_to_path
from PIL import Image

WIDTH = 1080
"""A phone shows it without scaling up."""
_DPI = 100
COLOURS = 64
"""Enough for flat colours with smooth edges; a third of the bytes of true colour."""

INK, SOFT, FAINT, PAPER, PANEL = "#17242F", "#5A6B7A", "#DCE3E9", "#FFFFFF", "#F3F6F9"
# Blue and orange stay apart for every kind of colour blindness.
GOOD, BAD, GOLD, SILVER, BRONZE = "#1F6FB2", "#D2601A", "#E2AE2B", "#A9B4BE", "#C08552"

_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_FILES = {False: str(_FONTS / "DejaVuSans.ttf"), True: str(_FONTS / "DejaVuSans-Bold.ttf")}
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


class Canvas:
    """One picture."""

    def __init__(self, height: int, width: int = WIDTH) -> None:
        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=PAPER)
        self._agg = FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)
        self._axes.set_axis_off()

    def text(
        self,
        at: tuple[float, float],
        text: str,
        size: float,
        *,
        color: str = INK,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
        fit: float | None = None,
    ) -> float:
        """Write one line, `size` pixels high, centred on its height; cut with an ellipsis to `fit`. Its width back."""
        shown = readable(text)
        if fit is not None:
            shown = shortened(shown, size, fit, bold=bold)
        self._axes.text(
            *at,
            shown,
            fontproperties=_font(size, bold),
            color=color,
            ha=align,
            va="center_baseline",
            parse_math=False,
        )
        return text_width(shown, size, bold=bold)

    def box(
        self,
        at: tuple[float, float],
        size: tuple[float, float],
        color: str,
        *,
        round_by: float = 0,
        hatch: str | None = None,
    ) -> None:
        """A filled box; `hatch` makes it tell without its colour."""
        shape = FancyBboxPatch(
            (at[0] + round_by, at[1] + round_by),
            max(size[0] - 2 * round_by, 0),
            max(size[1] - 2 * round_by, 0),
            boxstyle=f"round,pad={round_by},rounding_size={round_by}" if round_by else "square,pad=0",
            facecolor=color,
            edgecolor=PAPER if hatch else color,
            linewidth=0,
            hatch=hatch,
        )
        self._axes.add_patch(shape)

    def disc(self, at: tuple[float, float], radius: float, color: str) -> None:
        """A filled circle."""
        self._axes.add_patch(Circle(at, radius, facecolor=color, linewidth=0))

    def triangle(self, at: tuple[float, float], radius: float, color: str, *, up: bool) -> None:
        """A triangle that points up or down."""
        x, y = at
        tip = -radius if up else radius
        outline = [(x - radius, y - tip * 0.8), (x + radius, y - tip * 0.8), (x, y + tip)]
        self._axes.add_patch(PathPatch(Outline([*outline, outline[0]], closed=True), facecolor=color, linewidth=0))

    def ring(self, at: tuple[float, float], radius: float, color: str) -> None:
        """A circle with nothing in it."""
        self._axes.add_patch(Circle(at, radius, facecolor=PAPER, edgecolor=color, linewidth=3 * 72 / _DPI))

    def cross(self, at: tuple[float, float], radius: float, color: str) -> None:
        """A small ×."""
        (x, y), r = at, radius
        self.line([(x - r, y - r), (x + r, y + r)], color, 3)
        self.line([(x - r, y + r), (x + r, y - r)], color, 3)

    def line(self, points: list[tuple[float, float]], color: str, width: float = 2, *, dashed: bool = False) -> None:
        """A line through `points`."""
        xs, ys = zip(*points, strict=True)
        style = (0, (5, 4)) if dashed else "-"
        self._axes.plot(xs, ys, color=color, linewidth=width * 72 / _DPI, linestyle=style, solid_capstyle="round")

    def png(self) -> bytes:
        """The finished picture, in a palette of its own colours."""
        self._agg.draw()  # type: ignore[no-untyped-call]
        pixels = self._agg.buffer_rgba()  # type: ignore[no-untyped-call]
        picture = Image.frombuffer("RGBA", (self.width, self.height), pixels, "raw", "RGBA", 0, 1)
        small = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        small.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


@lru_cache(maxsize=64)
def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(fname=_FILES[bold], size=size * 72 / _DPI)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """Characters that both weights can draw."""
    regular, bold = (frozenset(FT2Font(path).get_charmap()) for path in _FILES.values())
    return regular & bold


def readable(text: str) -> str:
    """`text` in characters the font has: decorated letters plain, pictograms left out, other scripts as `·`."""
    shown = []
    for char in unicodedata.normalize("NFKC", text):
        category = unicodedata.category(char)
        if char.isspace():
            shown.append(" ")
        elif category in _INVISIBLE or (ord(char) not in _glyphs() and category[0] in "SM"):
            continue
        else:
            shown.append(char if ord(char) in _glyphs() else "·")
    return re.sub(r" {2,}", " ", "".join(shown)).strip()


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """How many pixels wide a line is."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, _font(size, bold), ismath=False)
    return float(width * _DPI / 72)


def shortened(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """`text`, or as much of it with an ellipsis as fits into `width`."""
    if text_width(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def wrapped(text: str, size: float, width: float, lines: int, *, bold: bool = False) -> list[str]:
    """`text` on at most `lines` lines; the last one is cut."""
    words = readable(text).split(" ")
    result: list[str] = []
    while words and len(result) < lines - 1:
        taken = 1
        while taken < len(words) and text_width(" ".join(words[: taken + 1]), size, bold=bold) <= width:
            taken += 1
        result.append(shortened(" ".join(words[:taken]), size, width, bold=bold))
        words = words[taken:]
    if words:
        result.append(shortened(" ".join(words), size, width, bold=bold))
    return result
