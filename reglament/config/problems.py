"""Describe a wrong setting in a single line: key, value and the allowed values; never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

SECRETS = frozenset(
    {"token", "webhook_url", "webhook_secret", "api_key", "client_secret", "refresh_token", "secret_key", "url"}
)
"""Settings with a value that no error text shows (`url` may hold a password)."""


def first_problem(error: ValidationError, tables: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> str:
    """Describe the first problem like `teams.sales.cutoff = "25:00": must be …`, without the value of a secret."""
    problem = error.errors(include_url=False, include_context=False)[0]
    names = [str(part) for part in (*prefix, *problem["loc"]) if part != "[key]"]
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        text = "no such setting"
    elif problem["type"] == "missing":
        text = "is required"
    where = ".".join(names)
    if text.startswith(("crm.", "teams.")) or not where:
        return text
    shown = _shown(names, problem, tables, len(prefix))
    return f"{where}{shown}: {text}"


def _shown(names: list[str], problem: Any, tables: Mapping[str, Any], skip: int) -> str:
    if problem["type"] == "missing" or any(name in SECRETS for name in names[-2:]):
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
    return f" = {json.dumps(value, ensure_ascii=False, default=str)}"
