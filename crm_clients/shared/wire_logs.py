"""Keep URLs and headers, which hold secrets, out of the logs of the HTTP libraries."""

from __future__ import annotations

import logging


class WarningsOnly(logging.Filter):
    """Drop records below a warning: only those show whole URLs and headers."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep warnings, which neither library makes of URLs."""
        return record.levelno >= logging.WARNING


_FILTER = WarningsOnly()
_LOGGERS = (
    "httpx",
    "httpcore",
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
)


def silence_wire_logs() -> None:
    """Filter the loggers of httpx and httpcore; repeated calls change nothing."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_FILTER)
