"""Make foreign text safe for a spreadsheet: no formula, no markup, no broken XML."""

from __future__ import annotations

import re

MAX_CELL = 32_767
"""Characters that Excel keeps in a cell; XlsxWriter drops longer text."""

_SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
# Control characters, halves of surrogate pairs, and marks that reorder the text around them.
_REMOVED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
# Excel takes the full-width twins of = + - @ for formulas in some locales.
_FORMULA_STARTS = tuple("=+-@＝＋－＠")


def safe_text(text: str) -> str:
    """Return `text` as a cell that no spreadsheet program evaluates.

    A leading `= + - @` gets an apostrophe before it, the way Excel itself marks text; control characters go.
    """
    clean = _SPACES.sub(" ", _REMOVED.sub("", text)).strip()
    if clean.startswith(_FORMULA_STARTS) or _is_rich_markup(clean):
        clean = "'" + clean
    return clean if len(clean) <= MAX_CELL else clean[: MAX_CELL - 1] + "…"


def _is_rich_markup(text: str) -> bool:
    """Tell whether XlsxWriter would write `text` as raw XML."""
    return text.startswith("<r>") and text.endswith("</r>")
