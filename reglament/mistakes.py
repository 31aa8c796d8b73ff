"""Log a mistake of the program whole, and tell people in one line where the log is."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
import traceback
from pathlib import Path

import structlog

from reglament.config import logs

log = structlog.get_logger()


def report(error: BaseException) -> str:
    """Log an error that no part of the program foresaw; return the line for people.

    The service has a log of its own. A command writes the traceback into a file of the system's temporary folder,
    readable by the user alone and without the known secrets.
    """
    number = secrets.token_hex(4)
    if logging.getLogger().isEnabledFor(logging.INFO):  # only the service logs its usual work
        log.error("mistake", number=number, exc_info=error)
        return _line(f"{number}, see the log above")
    try:
        return _line(str(_write(number, error)))
    except OSError as problem:
        where = traceback.extract_tb(error.__traceback__)[-1:]
        place = f"{Path(where[0].filename).name}:{where[0].lineno}" if where else "no place"
        return _line(f"{type(error).__name__} at {place}; the log could not be written: {problem.strerror}")


def _line(logged: str) -> str:
    return (
        f"a mistake of ours, logged as {logged}. Stored data are whole. "
        "Try again; if the mistake comes again, send that log to whoever maintains the program"
    )


def _write(number: str, error: BaseException) -> Path:
    path = Path(tempfile.gettempdir()) / f"reglament-{number}.log"
    text = logs.redacted("".join(traceback.format_exception(error)))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path
