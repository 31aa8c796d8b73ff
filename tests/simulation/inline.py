"""The world in one thread: every statement runs at once, so that a seed replays exactly, and quickly."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import structlog


class InlineQueue:
    """Run what aiosqlite queues for its thread."""

    def put_nowait(self, item: tuple[asyncio.Future[Any] | None, Callable[[], Any]]) -> None:
        """Run a function and hand its result to the future."""
        future, function = item
        try:
            result = function()
        except Exception as error:
            if future is not None:
                future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class NoThread:
    """Stand where aiosqlite wants a thread."""

    daemon = False

    def __init__(self, **_named: Any) -> None:
        """Start nothing."""

    def start(self) -> None:
        """Start nothing."""


@contextmanager
def inline_sqlite() -> Iterator[None]:
    """Run statements of connections that are opened in the block without threads."""
    with mock.patch("aiosqlite.core.SimpleQueue", InlineQueue), mock.patch("aiosqlite.core.Thread", NoThread):
        yield


async def _at_once(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return function(*arguments, **named)


def _nothing_drawn(*_: Any) -> bytes:
    return b"drawn elsewhere"


@contextmanager
def without_threads() -> Iterator[None]:
    """Run everything in one thread, and leave out pictures and files of exports, which tests of their own draw."""
    with ExitStack() as stack:
        stack.enter_context(inline_sqlite())
        stack.enter_context(mock.patch("asyncio.to_thread", _at_once))
        for name in ("bot.screens.pictures.leaderboard_png", "bot.screens.pictures.trend_png"):
            stack.enter_context(mock.patch(name, _nothing_drawn))
        stack.enter_context(mock.patch("reglament.commands.export._make_file", _nothing_drawn))
        yield


@contextmanager
def kept_logs() -> Iterator[list[dict[str, Any]]]:
    """Keep what is logged, with the exceptions themselves, and write nothing."""
    kept: list[dict[str, Any]] = []

    def keep(_logger: Any, method: str, event: Any) -> Any:
        error = sys.exc_info()[1] if event.get("exc_info") is True else event.get("exc_info")
        kept.append({**event, "log_level": method, "exc_info": error})
        raise structlog.DropEvent

    processors = structlog.get_config()["processors"]
    before = list(processors)
    processors[:] = [keep]
    structlog.configure(processors=processors)
    try:
        yield kept
    finally:
        processors[:] = before
        structlog.configure(processors=processors)
