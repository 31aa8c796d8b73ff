"""Read the environment's REGLAMENT_… variables as nested tables of settings."""

from __future__ import annotations

import json
import os
from typing import Any

from pydantic_settings import EnvSettingsSource

NOT_SETTINGS = ("REGLAMENT_CONFIG", "REGLAMENT_TEST_POSTGRES")


class NestedEnvironment(EnvSettingsSource):
    """Read REGLAMENT_TEAMS__SALES__CUTOFF=… as `teams.sales.cutoff`; lists and tables are written as JSON."""

    def __call__(self) -> dict[str, Any]:
        """Return the settings of the environment as nested tables."""
        tables: dict[str, Any] = {}
        for name, text in os.environ.items():
            if not name.startswith("REGLAMENT_") or name in NOT_SETTINGS:
                continue
            *path, last = name.removeprefix("REGLAMENT_").lower().split("__")
            table = tables
            for key in path:
                table = table.setdefault(key, {})
            table[last] = _parse(text)
        return tables


def _parse(text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text
