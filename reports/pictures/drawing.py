"""Draw a picture: fill an SVG template and turn the result into a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from resvg_py import svg_to_bytes

from reports.pictures.font import FILES, wrapped
from reports.pictures.theme import THEMES, ThemeName

WIDTH = 360
"""Width of a picture as a phone shows it, in the unit of all lengths; the smallest text is 11."""
ZOOM = 3
"""Pixels of the file to the unit."""
MARGIN = 16
INNER = WIDTH - 2 * MARGIN
TITLE = 18
"""Size of the title."""


@cache
def _templates() -> Environment:
    folder = Path(__file__).with_name("templates")
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def svg(template: str, *, theme: ThemeName, **values: Any) -> str:
    """Fill the template `templates/<template>.svg`; every value is escaped."""
    fixed = {"width": WIDTH, "margin": MARGIN, "right": WIDTH - MARGIN, "c": THEMES[theme]}
    return _templates().get_template(f"{template}.svg").render(fixed | values)


def png(picture: str) -> bytes:
    """Turn an SVG into a PNG with the fonts of this package alone."""
    fonts = [str(path) for path in FILES.values()]
    return bytes(svg_to_bytes(svg_string=picture, skip_system_fonts=True, font_files=fonts, zoom=ZOOM))


def title_lines(title: str) -> Sequence[str]:
    """Wrap a title to at most two lines."""
    return wrapped(title, TITLE, INNER, 2, bold=True)
