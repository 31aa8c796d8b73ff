"""Clean text from outside where it enters: databases, workbooks and Telegram refuse some characters and lengths."""

from __future__ import annotations

import re

from scoring.phone_numbers import hide_numbers

LONGEST_NAME, LONGEST_TITLE = 120, 500
"""Characters of a user's name, and of a record's title or loss reason."""

_ESCAPED_CONTROL = rb"\\u00(?:[01][0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])"
_ANY_ESCAPE = re.compile(_ESCAPED_CONTROL + rb"|\\.", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean_json(body: bytes) -> bytes:
    """Replace escaped control characters in the strings of a JSON body by spaces; JSON allows no others.

    No CRM means anything by a control character: NUL breaks PostgreSQL, others break workbooks and messages.
    """
    if b"\\u00" not in body or not re.search(_ESCAPED_CONTROL, body):
        return body
    return _ANY_ESCAPE.sub(_harmless, body)


def clean_name(text: object) -> str:
    """Make a printable line of a name, at most LONGEST_NAME characters with … at the cut."""
    return _cut(_printable(text), LONGEST_NAME)


def clean_title(text: object) -> str:
    """Make a printable line of a title, at most LONGEST_TITLE characters with … at the cut.

    Phone numbers keep the last four digits (docs/product.md §3).
    """
    return _cut(hide_numbers(_printable(text)), LONGEST_TITLE)


def _printable(text: object) -> str:
    line = str(text)
    return line if line.isprintable() else " ".join(_CONTROL.sub(" ", line).split())


def _cut(line: str, limit: int) -> str:
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _harmless(escape: re.Match[bytes]) -> bytes:
    """Keep an escape of two characters, such as an escaped backslash; a longer match is a control character."""
    return escape[0] if len(escape[0]) == 2 else b" "
