"""Describe a wrong setting in a single line: key, value and the allowed values; never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from reglament.errors import SettingsError

SECRETS = frozenset(
    {
        "token",
        "webhook_url",
        "webhook_secret",
        "api_key",
        "client_secret",
        "refresh_token",
        "secret_key",
        "url",
        "direct_url",
        "proxy",
    }
)
"""Settings with a value that no error text shows (an address may hold a password)."""
LONGEST_LINE, LONGEST_VALUE = 800, 80
"""Characters of a whole error text, and of the wrong value inside."""
DEEPEST = 12
"""Levels of tables and lists in the settings; the real settings have five."""
_UNSHOWN = frozenset({"missing", "extra_forbidden", "model_type", "model_attributes_type", "dict_type"})
"""Problems without a value to show: behind an unknown key, or in the place of a table, a secret may stand."""
_WRITTEN = "\t\n\r"
"""Control characters that a text of the settings may hold."""


def first_problem(error: ValidationError, tables: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> str:
    """Describe the first problem like `teams.sales.cutoff = "25:00": must be …`, without the value of a secret."""
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    names = [str(part) for part in (*prefix, *problem["loc"]) if part != "[key]"]
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        text = "no such setting"
    elif problem["type"] == "missing":
        text = "is required"
    where = ".".join(names)
    if text.startswith(("crm.", "teams.")) or not where:
        return one_line(text)
    shown = _shown(names, problem, tables, len(prefix))
    return one_line(f"{where}{shown}: {text}")


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Replace whatever cannot be printed on a line by spaces, and cut a long text."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def quoted(value: Any) -> str:
    """Write a wrong value in quotes, cut if long."""
    try:
        return one_line(repr(value), LONGEST_VALUE)
    except (ValueError, RecursionError):  # Python refuses to write an integer of thousands of digits
        return "…"


def refuse_strange_tables(tables: Mapping[str, Any], source: str) -> None:
    """Raise SettingsError for tables nested without end, and for text that no database or file could keep."""
    waiting: list[tuple[str, Any, int]] = [("", tables, 0)]
    while waiting:
        where, value, depth = waiting.pop()
        if depth > DEEPEST:
            raise SettingsError(one_line(f"{source}: {where[:LONGEST_VALUE]}…: nested too deeply"))
        if isinstance(value, str) and _is_strange(value):
            raise SettingsError(one_line(f"{source}: {where}: holds characters that are no text"))
        if isinstance(value, Mapping):
            strange = next((key for key in value if _is_strange(key)), None)
            if strange is not None:
                raise SettingsError(one_line(f"{source}: {quoted(strange)}: holds characters that are no text"))
            waiting += [(f"{where}.{key}".lstrip("."), inner, depth + 1) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{where}.{index}", inner, depth + 1) for index, inner in enumerate(value)]


def _is_strange(text: str) -> bool:
    """Tell whether a text holds control characters or halves of surrogate pairs."""
    return any((char < " " and char not in _WRITTEN) or "\ud800" <= char <= "\udfff" for char in text)


def _shown(names: list[str], problem: Any, tables: Mapping[str, Any], skip: int) -> str:
    if problem["type"] in _UNSHOWN or any(name in SECRETS for name in names[-2:]):
        return ""
    value: Any = tables
    for name in names[skip:]:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return ""
    if isinstance(value, (dict, list)):
        return ""
    try:
        return f" = {one_line(json.dumps(value, ensure_ascii=False, default=str), LONGEST_VALUE)}"
    except ValueError:  # Python refuses to write an integer of thousands of digits
        return ""
