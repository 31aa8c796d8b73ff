"""Format our own and foreign logs alike, without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from urllib.parse import unquote

import structlog
from structlog.types import Processor

from reglament.config.settings import Settings

QUIET = ("alembic", "httpx", "httpcore", "aiogram.event", "apscheduler", "procrastinate", "aiosqlite", "aiohttp.access")
"""Libraries with INFO lines that do not help an operator, or that hold addresses."""


class _RedactingFormatter(structlog.stdlib.ProcessorFormatter):
    """Blank every known secret in the finished line, of foreign libraries too."""

    def __init__(self, secrets: Iterable[str], processors: list[Processor], shared: list[Processor]) -> None:
        super().__init__(processors=processors, foreign_pre_chain=shared)
        self._secrets = sorted((secret for secret in secrets if len(secret) >= 4), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        return self.redact(super().format(record))

    def redact(self, text: str) -> str:
        """Replace every known secret."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def redacted(text: str) -> str:
    """Blank in a text every secret that the logs blank."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _RedactingFormatter):
            text = handler.formatter.redact(text)
    return text


def secrets_of(settings: Settings) -> set[str]:
    """Collect every secret of the settings, also secrets inside URLs."""
    found = {
        settings.secret_key.get_secret_value(),
        settings.telegram.token.get_secret_value(),
        settings.telegram.webhook_secret.get_secret_value(),
        settings.watch.url.get_secret_value(),
        settings.telegram.proxy.get_secret_value(),
    }
    for url in (settings.database.url, settings.database.direct_url, settings.telegram.proxy.get_secret_value()):
        user_part = url.partition("://")[2].rpartition("@")[0]
        password = user_part.partition(":")[2]
        found.update((password, unquote(password)))
    for connection in settings.crm.values():
        for name in type(connection).model_fields:
            value = getattr(connection, name)
            if hasattr(value, "get_secret_value"):
                secret = str(value.get_secret_value())
                found.update((secret, secret.rstrip("/").rpartition("/")[2]))
    return found - {""}


def configure(secrets: Iterable[str] = (), *, level: str = "INFO") -> None:
    """Log to stderr: coloured lines on a terminal, JSON elsewhere."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    terminal = sys.stderr.isatty()
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        _RedactingFormatter(secrets, [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], shared)
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
