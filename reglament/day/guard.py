"""Turn unforeseen exceptions of clients and of the day into errors of the CRM's tree (docs/product.md §5)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import structlog

from crm_clients.errors import ClientFault, CrmError
from storage.errors import DatabaseLocked, DatabaseReadOnly, DatabaseUnreachable, DiskFull, LeaseLost, SchemaMismatch

log = structlog.get_logger()

DATABASE_TROUBLE = (DatabaseLocked, DatabaseReadOnly, DatabaseUnreachable, DiskFull, LeaseLost, SchemaMismatch)
"""Errors after which the same database takes no settlement either; the engine repeats the work later."""

_OWN_PACKAGES = ("crm_clients", "scoring", "reglament", "storage")


@contextmanager
def guarded_client(what: str) -> Iterator[None]:
    """Raise CrmError for every exception of the block; `what` names the work for the log.

    A cancellation that nobody asked for is an exception of the client too.
    """
    try:
        yield
    except CrmError:
        raise
    except Exception as error:
        raise crm_error(error, what) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise crm_error(error, what) from error


def crm_error(error: BaseException, what: str) -> CrmError:
    """Log an unforeseen exception whole, and name kind and place in a ClientFault.

    The exception's own text stays in the log: the text may hold a secret or a client's data.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, CrmError):
        return error
    place = _place(error.__traceback__)
    log.error("unforeseen_exception", what=what, exc_info=error)
    return ClientFault(f"a mistake of ours while reading ({what}): {type(error).__name__}{place}; see the log")


def _place(traceback: TracebackType | None) -> str:
    """Name the innermost line of this program in a traceback."""
    place = ""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] in _OWN_PACKAGES and module != "reglament.day.time_limit":
            place = f" in {module}, line {traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place
