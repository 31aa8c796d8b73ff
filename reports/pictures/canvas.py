"""Draw text and shapes in pixels from the upper left corner, and save a small PNG.

Imports matplotlib, which takes a second: import this module only to make a picture.
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
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Outline
from matplotlib.textpath import text_to_path
from PIL import Image

WIDTH = 1080
"""Pixels; a phone shows this width without scaling up."""
_DPI = 100

INK, SOFT, FAINT, PAPER, PANEL = "#17242F", "#5A6B7A", "#DCE3E9", "#FFFFFF", "#E9F0F7"
# Blue and orange stay apart for every kind of colour blindness.
GOOD, BAD, GOLD, SILVER, BRONZE = "#1F6FB2", "#D2601A", "#E2AE2B", "#A9B4BE", "#C08552"

# What lies on what: the palette holds these pairs with the steps between that make edges smooth.
_PAIRS = (
    *((over, PAPER) for over in (INK, SOFT, GOOD, BAD, GOLD, SILVER, BRONZE)),
    *((over, PANEL) for over in (INK, SOFT, GOOD, BAD)),
    *((INK, medal) for medal in (GOLD, SILVER, BRONZE, BAD)),
)
_STEPS = 8

_FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"
_FILES = {False: str(_FONTS / "DejaVuSans.ttf"), True: str(_FONTS / "DejaVuSans-Bold.ttf")}
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


class Canvas:
    """Hold one picture under construction."""

    def __init__(self, height: int, width: int = WIDTH) -> None:
        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=PAPER)
        self._agg = FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set_xlim(0, width)
        self._axes.set_ylim(height, 0)
        self._axes.set_axis_off()
        self._painted = 0

    def _next(self) -> int:
        """Return the next layer, so that later strokes lie over earlier strokes."""
        self._painted += 1
        return self._painted

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
        """Write one line, `size` pixels high, centred vertically, cut with an ellipsis to `fit`; return the width."""
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
            zorder=self._next(),
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
        """Draw a filled box; `hatch` distinguishes boxes without colour."""
        shape = FancyBboxPatch(
            (at[0] + round_by, at[1] + round_by),
            max(size[0] - 2 * round_by, 0),
            max(size[1] - 2 * round_by, 0),
            boxstyle=f"round,pad={round_by},rounding_size={round_by}" if round_by else "square,pad=0",
            facecolor=color,
            edgecolor=PAPER if hatch else color,
            linewidth=0,
            hatch=hatch,
            zorder=self._next(),
        )
        self._axes.add_patch(shape)

    def disc(self, at: tuple[float, float], radius: float, color: str) -> None:
        """Draw a filled circle."""
        self._axes.add_patch(Circle(at, radius, facecolor=color, linewidth=0, zorder=self._next()))

    def triangle(self, at: tuple[float, float], radius: float, color: str, *, up: bool) -> None:
        """Draw a triangle that points up or down."""
        x, y = at
        tip = -radius if up else radius
        outline = [(x - radius, y - tip * 0.8), (x + radius, y - tip * 0.8), (x, y + tip)]
        self._axes.add_patch(
            PathPatch(Outline([*outline, outline[0]], closed=True), facecolor=color, linewidth=0, zorder=self._next())
        )

    def ring(self, at: tuple[float, float], radius: float, color: str) -> None:
        """Draw an empty circle."""
        self._axes.add_patch(
            Circle(at, radius, facecolor=PAPER, edgecolor=color, linewidth=3 * 72 / _DPI, zorder=self._next())
        )

    def cross(self, at: tuple[float, float], radius: float, color: str) -> None:
        """Draw a small ×."""
        (x, y), r = at, radius
        self.line([(x - r, y - r), (x + r, y + r)], color, 3)
        self.line([(x - r, y + r), (x + r, y - r)], color, 3)

    def line(self, points: list[tuple[float, float]], color: str, width: float = 2, *, dashed: bool = False) -> None:
        """Draw a line through `points`."""
        xs, ys = zip(*points, strict=True)
        stroke = Line2D(xs, ys, color=color, linewidth=width * 72 / _DPI, zorder=self._next())
        stroke.set_linestyle((0, (5, 4)) if dashed else "-")
        stroke.set_solid_capstyle("round")
        self._axes.add_line(stroke)

    def png(self) -> bytes:
        """Save the finished picture with the palette of all pictures."""
        self._agg.draw()  # type: ignore[no-untyped-call]
        pixels = self._agg.buffer_rgba()  # type: ignore[no-untyped-call]
        picture = Image.frombuffer("RGBA", (self.width, self.height), pixels, "raw", "RGBA", 0, 1)
        small = picture.convert("RGB").quantize(palette=_palette(), dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        small.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


@lru_cache(maxsize=1)
def _palette() -> Image.Image:
    """Build the palette of all pictures, which takes a third of the bytes of true colour."""
    # No shades between paper, panel and faint lines: Pillow takes neighbours closer than 4 steps for each other.
    shades = [PAPER, PANEL, FAINT]
    for over, under in _PAIRS:
        top, bottom = to_rgb(over), to_rgb(under)
        for step in range(1, _STEPS + 1):
            share = step / _STEPS
            red, green, blue = (a * share + b * (1 - share) for a, b in zip(top, bottom, strict=True))
            shades.append(to_hex((red, green, blue)))
    palette = Image.new("P", (1, 1))
    palette.putpalette(b"".join(bytes.fromhex(shade[1:]) for shade in dict.fromkeys(shades)))
    return palette


@lru_cache(maxsize=64)
def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(fname=_FILES[bold], size=size * 72 / _DPI)


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """List characters that both font weights can draw."""
    regular, bold = (frozenset(FT2Font(path).get_charmap()) for path in _FILES.values())
    return regular & bold


def readable(text: str) -> str:
    """Reduce `text` to the font: decorated letters become plain, pictograms vanish, other scripts become `·`."""
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
    """Measure the width of a line in pixels."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, _font(size, bold), ismath=False)
    return float(width * _DPI / 72) * 1.02  # hinting draws a little wider than the outlines are


def shortened(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Cut `text` with an ellipsis to fit into `width`."""
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
    """Wrap `text` to at most `lines` lines and cut the last line."""
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
