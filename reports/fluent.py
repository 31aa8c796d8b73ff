"""Format Fluent messages with values of any length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fluent.runtime import FluentBundle
from fluent.runtime.resolver import Pattern

LONGEST = 1_000
"""Characters of a value that Fluent formats itself; beyond 2,500 the library refuses a placeable."""


def format_message(bundle: FluentBundle, pattern: Pattern, values: Mapping[str, Any]) -> tuple[str, list[Exception]]:
    """Format a pattern; return the text and the errors, as Fluent does.

    A long text, such as the names of a whole company, is put in after the formatting: by a private character that no
    text of people holds.
    """
    long = [name for name, value in values.items() if isinstance(value, str) and len(value) > LONGEST]
    marks = {name: 0xF0000 + index for index, name in enumerate(long)}
    text, errors = bundle.format_pattern(pattern, {**values, **{name: chr(mark) for name, mark in marks.items()}})
    return str(text).translate({mark: values[name] for name, mark in marks.items()}), errors
