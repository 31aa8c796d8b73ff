"""Read the environment's REGLAMENT_… variables as nested tables of settings."""

from __future__ import annotations

import json
import os
from typing import Any

from pydantic_settings import EnvSettingsSource

from reglament.config.problems import refuse_strange_tables
from reglament.errors import SettingsError

PREFIX = "REGLAMENT_"
NOT_SETTINGS = ("REGLAMENT_CONFIG", "REGLAMENT_OLD_SECRET_KEY", "REGLAMENT_TEST_POSTGRES")


class NestedEnvironment(EnvSettingsSource):
    """Read REGLAMENT_TEAMS__SALES__CUTOFF=… as `teams.sales.cutoff`; lists and tables are written as JSON."""

    def __call__(self) -> dict[str, Any]:
        """Return the settings of the environment as nested tables. Raises SettingsError for a contradiction."""
        tables: dict[str, Any] = {}
        # In alphabetical order a whole table comes before the single settings that are put into the table.
        for name in sorted(os.environ, key=str.lower):
            if name.startswith(PREFIX) and name not in NOT_SETTINGS:
                _put(tables, name, _parse(os.environ[name]))
        refuse_strange_tables(tables, "environment")
        return tables


def _put(tables: dict[str, Any], name: str, value: Any) -> None:
    path = name.removeprefix(PREFIX).lower().split("__")
    if not all(path):
        raise SettingsError(f"{name}: names no setting; write names like REGLAMENT_TEAMS__SALES__CUTOFF")
    table = tables
    for depth, key in enumerate(path[:-1], start=1):
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            whole = PREFIX + "__".join(path[:depth]).upper()
            raise SettingsError(f"{whole} is no table, but {name} puts a setting into it: remove one of them")
    table[path[-1]] = value


def _parse(text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):  # no JSON, or brackets without end
            return text
    return text
