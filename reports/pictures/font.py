"""Measure and shorten text in the font of the pictures, by the tables of the font itself."""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Mapping
from functools import cache
from itertools import accumulate
from pathlib import Path

FONTS = Path(__file__).with_name("fonts")
"""Noto Sans under the SIL Open Font License: OFL.txt (docs/decisions/0017-pictures-from-templates.md)."""
FILES = {False: FONTS / "NotoSans-Regular.ttf", True: FONTS / "NotoSans-Bold.ttf"}
"""Font file by boldness."""
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}


@cache
def widths(bold: bool = False) -> Mapping[int, float]:
    """Read the width of each character of the font, in parts of the font size."""
    content = FILES[bold].read_bytes()
    count = struct.unpack_from(">H", content, 4)[0]
    tables = {
        content[at : at + 4]: struct.unpack_from(">L", content, at + 8)[0] for at in range(12, 12 + 16 * count, 16)
    }
    units = struct.unpack_from(">H", content, tables[b"head"] + 18)[0]
    metrics = struct.unpack_from(">H", content, tables[b"hhea"] + 34)[0]
    advances = struct.unpack_from(">" + "Hh" * metrics, content, tables[b"hmtx"])[::2]
    glyphs = _glyphs(content, tables[b"cmap"])
    return {code: advances[min(glyph, metrics - 1)] / units for code, glyph in glyphs.items()}


def _glyphs(content: bytes, cmap: int) -> dict[int, int]:
    """Read the glyph number of each character from the font's table of segments (format 4 of OpenType's `cmap`)."""
    count = struct.unpack_from(">H", content, cmap + 2)[0]
    starts = {cmap + struct.unpack_from(">L", content, cmap + 8 + 8 * index)[0] for index in range(count)}
    start = next(at for at in sorted(starts) if struct.unpack_from(">H", content, at)[0] == 4)
    segments = struct.unpack_from(">H", content, start + 6)[0] // 2
    ends, begins = start + 14, start + 16 + 2 * segments
    glyphs = {}
    for index in range(segments):
        last = struct.unpack_from(">H", content, ends + 2 * index)[0]
        first = struct.unpack_from(">H", content, begins + 2 * index)[0]
        delta = struct.unpack_from(">H", content, begins + 2 * (segments + index))[0]
        at = begins + 2 * (2 * segments + index)
        offset = struct.unpack_from(">H", content, at)[0]
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = struct.unpack_from(">H", content, at + offset + 2 * (code - first))[0] if offset else code
            if glyph:
                glyphs[code] = (glyph + delta) % 0x10000
    return glyphs


@cache
def _drawable() -> frozenset[int]:
    """List the characters that both weights of the font have."""
    return frozenset(widths(bold=False)) & frozenset(widths(bold=True))


def readable(text: str) -> str:
    """Reduce `text` to the font: decorated letters become plain, pictograms vanish, other scripts become `·`."""
    known = _drawable()
    composed = unicodedata.normalize("NFC", text)
    plain = "".join(char if ord(char) in known else unicodedata.normalize("NFKC", char) for char in composed)
    shown = []
    for char in plain:
        category = unicodedata.category(char)
        if char.isspace():
            shown.append(" ")
        elif category in _INVISIBLE or (ord(char) not in known and category[0] in "SM"):
            continue
        else:
            shown.append(char if ord(char) in known else "·")
    return re.sub(r" {2,}", " ", "".join(shown)).strip()


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Measure the width of a line of readable text, in the unit of `size`; kerning makes the drawn line no wider."""
    known = widths(bold)
    return sum(known.get(ord(char), 1.0) for char in text) * size


def shortened(text: str, size: float, width: float, *, bold: bool = False) -> str:
    """Cut `text` with an ellipsis to fit into `width`."""
    shown = readable(text)
    if text_width(shown, size, bold=bold) <= width:
        return shown
    ends = accumulate(text_width(char, size, bold=bold) for char in shown)
    room = width - text_width("…", size, bold=bold)
    return shown[: sum(end <= room for end in ends)].rstrip() + "…"


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
