"""Hold what all commands of the command line share: the two streams of a terminal, settings, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

from rich.console import Console

from reglament.config import logs
from reglament.config import settings as settings_module
from reglament.config.settings import Settings
from reglament.errors import SettingsError

console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 160)
errors = Console(stderr=True, soft_wrap=True, highlight=False)


def load_settings(config: Path | None, *, team: str | None = None, level: str = "WARNING") -> Settings:
    """Load the settings and configure the logs. Raises SettingsError, also for a `team` that is not in the settings."""
    settings = settings_module.load(settings_module.config_path(config))
    logs.configure(logs.secrets_of(settings), level=level)
    if team is not None and team not in settings.teams:
        raise SettingsError(f"--team {team!r}: no such team; known: {', '.join(settings.teams) or 'none'}")
    return settings


def print_json(data: Any) -> None:
    """Write a stable JSON document (docs/json.md) to standard output."""
    sys.stdout.write(_json(data) + "\n")


def print_json_with_rows(head: Mapping[str, Any], name: str, rows: Iterable[Any]) -> None:
    """Write a JSON document with a last list `name`, row by row: all rows at once would fill the memory."""
    sys.stdout.write(_json(head).removesuffix("\n}") + f',\n  "{name}": [')
    separator = "\n"
    for row in rows:
        sys.stdout.write(separator + indent(_json(row), "    "))
        separator = ",\n"
    sys.stdout.write(("]" if separator == "\n" else "\n  ]") + "\n}\n")


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2)
