"""End a client's work at its time limit, whatever the client does (docs/decisions/0019-clients-that-block.md).

Three ways not to end are met: waiting for ever (a cancellation ends it), swallowing the cancellation (the task is left
to itself), and blocking the event loop without awaiting (a signal raises an exception in the blocked frame).
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from crm_clients.errors import DeadlineExceeded
from reglament.day.guard import guarded_client

log = structlog.get_logger()

T = TypeVar("T")

GRACE_SECONDS = 30.0
"""Seconds after the client's own deadline until the work is ended from outside."""
CANCEL_SECONDS = 30.0
"""Seconds that a cancelled client has to close its connections."""
PAUSE_SECONDS = 1.0
"""Pause between two looks at the event loop."""
LOOKS = 60
"""Looks in a row without a turn of the event loop, after which the client's frame is ended: a minute of blocking."""

_IN_CLIENT: ContextVar[bool] = ContextVar("in_client", default=False)
"""Whether the running code works for a client: inherited by every task that the client starts."""


class ClientBlocked(Exception):
    """Report that a client held the event loop for a minute without awaiting."""


async def ended_in_time(work: Callable[[], Awaitable[T]], seconds: float, what: str) -> T:
    """Run a client's work as a task of its own and return the result; `what` names the work for the log.

    `seconds` is the client's own limit, which it has a grace to end by. Raises CrmError alone: DeadlineExceeded
    afterwards, ClientFault for whatever else the client raises.
    """
    task = asyncio.create_task(_as_client(work, what), name=f"client: {what}")
    try:
        with _WATCH.watching():
            await asyncio.wait([task], timeout=seconds + GRACE_SECONDS)
            if not task.done():
                await _cancel(task, what)
    except asyncio.CancelledError:
        await _cancel(task, what)
        raise
    if task.done() and not task.cancelled():
        return task.result()
    raise DeadlineExceeded("the CRM did not answer in the time that is set for a read")


async def _as_client(work: Callable[[], Awaitable[T]], what: str) -> T:
    with guarded_client(what):
        _IN_CLIENT.set(True)
        try:
            return await work()
        finally:
            _IN_CLIENT.set(False)  # what the guard logs is no client's work


async def _cancel(task: asyncio.Task[Any], what: str) -> None:
    """Cancel a client's task, and leave a task to itself that does not end."""
    task.cancel()
    await asyncio.wait([task], timeout=CANCEL_SECONDS)
    if not task.done():
        log.error("client_ignores_its_end", what=what)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())


@dataclass(slots=True)
class _LoopWatch:
    """Look at the event loop by a timer of the system, and end client code that does not let the loop turn.

    A thread could not look: a regular expression keeps Python's lock for as long as it runs.
    """

    loop: asyncio.AbstractEventLoop | None = None
    works: int = 0
    missed: int = 0
    """Looks in a row at which the loop had not turned since the look before."""
    has_turned: bool = True

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running loop; Python handles signals in the main thread alone, so elsewhere watch nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        if self.loop is not loop or not self.works:
            self.loop, self.works, self.missed, self.has_turned = loop, 0, 0, True
            signal.signal(signal.SIGALRM, self._look)
            signal.setitimer(signal.ITIMER_REAL, PAUSE_SECONDS, PAUSE_SECONDS)
        self.works += 1
        try:
            yield
        finally:
            self.works -= 1
            if not self.works:
                signal.setitimer(signal.ITIMER_REAL, 0)  # the handler stays for an alarm on the way

    def _look(self, _number: int, _frame: object) -> None:
        """Handle the alarm: this runs inside of the code that the main thread works on."""
        if self.has_turned and self.loop is not None:
            self.has_turned, self.missed = False, 0
            with suppress(RuntimeError):  # the loop was closed
                self.loop.call_soon_threadsafe(self._note_turn)
            return
        self.missed += 1
        if self.missed >= LOOKS and _IN_CLIENT.get():
            self.missed = 0
            raise ClientBlocked("the client held the event loop for a minute without awaiting")

    def _note_turn(self) -> None:
        self.has_turned = True


_WATCH = _LoopWatch()
