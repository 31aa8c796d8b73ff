"""Find the files that settings came from, and name the files that other users of the machine may read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reglament.config.problems import SECRETS
from storage.private_files import is_open_to_others

_ENDING = "_file"


def secret_files(tables: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the files that the tables name for secrets, such as `token_file`."""
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from secret_files(value)
        elif isinstance(value, str) and key.endswith(_ENDING) and key.removesuffix(_ENDING) in SECRETS:
            yield Path(value)


def open_to_others(files: tuple[Path, ...]) -> list[Path]:
    """List the files that group or others may read, each once."""
    return [file for file in dict.fromkeys(files) if is_open_to_others(file)]
