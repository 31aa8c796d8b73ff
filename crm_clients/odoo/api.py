"""Odoo's two ways of being asked: JSON-2 (19 and later) and JSON-RPC (before), behind one `call`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from crm_clients.base import ReadStats
from crm_clients.errors import CrmNonsense, CrmRefused, RightsMissing
from crm_clients.shared.http import Answer, Clock, Deadline, EvenPace, Http, TryAgain, one_line, standard_judge

PAGE = 1000
REQUESTS_PER_SECOND = 25
"""Odoo has no limit of its own; this is out of politeness to a server that people work on."""

Row = dict[str, Any]
Domain = list[Any]

_PROGRAM_ERRORS = frozenset(
    f"builtins.{name}" for name in ("ValueError", "KeyError", "TypeError", "AttributeError", "NameError")
)
_BAD_KEY = (
    "Odoo does not accept the API key: make a new one (Preferences, Account Security) "
    "for the user `login` and put it into api_key"
)


class _NoSuchRoute(CrmRefused):
    """Nobody answers at /json/2: an older Odoo, a wrong database or not Odoo at all."""


def judge_json2(answer: Answer) -> None:
    """JSON-2 answers with a real status; the body of an error names the exception."""
    if answer.status < 300:
        return
    if answer.status == 401:
        raise CrmRefused(_BAD_KEY)
    if answer.status == 404 and not answer.is_json:
        raise _NoSuchRoute("Odoo does not know this database, or is older than 19 (HTTP 404): check url and database")
    if isinstance(answer.data, Mapping):
        _judge_exception(str(answer.data.get("name", "")), str(answer.data.get("message", "")))
    standard_judge(answer)


def judge_jsonrpc(answer: Answer) -> None:
    """JSON-RPC answers 200 whatever happened; `debug` holds a traceback and is never looked at."""
    if answer.status == 404:
        raise CrmRefused("there is no Odoo at this address (HTTP 404): check `url`")
    standard_judge(answer)
    error = answer.data.get("error") if isinstance(answer.data, Mapping) else None
    if error is None:
        return
    data = error.get("data") if isinstance(error, Mapping) else None
    name, message = (str(data.get(key, "")) for key in ("name", "message")) if isinstance(data, Mapping) else ("", "")
    if name.endswith(".OperationalError") and "does not exist" in message:
        raise CrmRefused("Odoo does not know the database: check `database`")
    _judge_exception(name, message)
    raise TryAgain(f"Odoo failed ({one_line(name or error, 80)})")


def _judge_exception(name: str, message: str) -> None:
    """Raise for what another attempt would not mend; return for the rest."""
    said = one_line(message.split("\n", 1)[0], 200)
    if name.endswith((".AccessDenied", ".SessionExpiredException")):
        raise CrmRefused(_BAD_KEY)
    if name.endswith(".AccessError"):
        raise RightsMissing(f"the API key's user may not read it: {said}")
    if name.endswith(".MissingError"):
        raise TryAgain("Odoo deleted a record while it was being read")
    if name.endswith((".UserError", ".ValidationError", ".NotFound")):
        raise CrmRefused(f"Odoo refused: {said}")
    if name in _PROGRAM_ERRORS:
        raise CrmNonsense(f"Odoo does not understand us: {said}")


class OdooApi:
    """Calls public methods of Odoo's models as the user whom the API key belongs to."""

    def __init__(
        self,
        url: str,
        database: str,
        login: str,
        key: str,
        protocol: str,
        *,
        stats: ReadStats,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._database, self._login, self._key = database, login, key
        self._wanted = protocol
        self._protocol = ""
        self.version = ""
        """Of the server, where it says so."""
        self.uid = 0
        self._http = Http(
            url,
            stats=stats,
            pace=EvenPace(REQUESTS_PER_SECOND, clock),
            secrets=[key],
            headers={"X-Odoo-Database": database} if database.isascii() else None,
            clock=clock,
            transport=transport,
        )

    @property
    def skew(self) -> timedelta | None:
        """How far the server's clock is ahead of ours."""
        return self._http.skew

    @property
    def protocol(self) -> str:
        """`json2` or `jsonrpc`, once connected."""
        return self._protocol

    async def connect(self, deadline: Deadline) -> None:
        """Find out which protocol is spoken and who we are. Raises CrmRefused where the key is not accepted."""
        if self._protocol:
            return
        if self._wanted != "jsonrpc":
            try:
                self.uid = await self._whoami(deadline)
            except _NoSuchRoute:
                if self._wanted == "json2":
                    raise
            else:
                self._protocol = "json2"
                return
        await self._log_in(deadline)
        self._protocol = "jsonrpc"

    async def call(
        self,
        model: str,
        method: str,
        *,
        deadline: Deadline,
        what: str,
        ids: Sequence[int] | None = None,
        **arguments: Any,
    ) -> Any:
        """What `method` returns; `ids` are the records it is called on."""
        if self._protocol == "json2":
            return await self._json2(model, method, ids, arguments, deadline, what)
        place = [] if ids is None else [list(ids)]
        credentials = [self._database, self.uid, self._key]
        return await self._rpc("object", "execute_kw", [*credentials, model, method, place, arguments], deadline, what)

    async def pages(
        self, model: str, domain: Domain, fields: Sequence[str], *, deadline: Deadline, what: str
    ) -> AsyncIterator[list[Row]]:
        """Rows in the order of their ids, archived ones too; no row is lost or shifted when others come or go.

        The end is an empty page: a short one may be short because some rows are hidden from the key's user.
        """
        last = 0
        while True:
            rows = await self._search_read(
                model, [*domain, ["id", ">", last]], fields, deadline, what, order="id", limit=PAGE
            )
            if not rows:
                return
            fresh = [row for row in rows if row["id"] > last]
            if not fresh:
                raise CrmNonsense(f"{what}: Odoo repeats a page")
            last = max(row["id"] for row in fresh)
            yield fresh

    async def all_rows(
        self, model: str, domain: Domain, fields: Sequence[str], *, deadline: Deadline, what: str
    ) -> list[Row]:
        """All rows of a small table."""
        return [row async for page in self.pages(model, domain, fields, deadline=deadline, what=what) for row in page]

    async def guarded_pages(
        self, model: str, domain: Domain, fields: Sequence[str], *, deadline: Deadline, what: str
    ) -> AsyncIterator[list[Row]]:
        """As `pages`, for models that check each row's document (activities, messages).

        There Odoo takes the page first and hides rows afterwards: a page may even be empty with more to come. So the
        ids are asked for at once, without a limit, and the rows by their ids.
        """
        context = {"active_test": False}
        ids = await self.call(model, "search", domain=domain, context=context, deadline=deadline, what=what)
        ids = sorted(set(_typed(ids, int, what)))
        for start in range(0, len(ids), PAGE):
            chunk = ids[start : start + PAGE]
            yield await self._search_read(model, [["id", "in", chunk]], fields, deadline, what)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _search_read(
        self, model: str, domain: Domain, fields: Sequence[str], deadline: Deadline, what: str, **options: Any
    ) -> list[Row]:
        rows = await self.call(
            model,
            "search_read",
            deadline=deadline,
            what=what,
            domain=domain,
            fields=list(fields),
            context={"active_test": False},
            **options,
        )
        typed: list[Row] = _typed(rows, dict, what)
        if any(not isinstance(row.get("id"), int) for row in typed):
            raise CrmNonsense(f"{what}: Odoo sent a row without an id")
        return typed

    async def _whoami(self, deadline: Deadline) -> int:
        context = await self._json2("res.users", "context_get", None, {}, deadline, "the login")
        uid = context.get("uid") if isinstance(context, Mapping) else None
        if not isinstance(uid, int) or not uid:
            raise CrmNonsense("the login: Odoo does not say whom the API key belongs to")
        return uid

    async def _log_in(self, deadline: Deadline) -> None:
        told = await self._rpc("common", "version", [], deadline, "the login")
        self.version = str(told.get("server_version", "")) if isinstance(told, Mapping) else ""
        credentials = [self._database, self._login, self._key]
        uid = await self._rpc("common", "login", credentials, deadline, "the login")
        if not isinstance(uid, int) or not uid:
            raise CrmRefused(_BAD_KEY)
        self.uid = uid

    async def _json2(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        arguments: Mapping[str, Any],
        deadline: Deadline,
        what: str,
    ) -> Any:
        body = dict(arguments) if ids is None else {"ids": list(ids), **arguments}
        return await self._http.call(
            "POST",
            f"json/2/{model}/{method}",
            json=body,
            headers={"Authorization": f"bearer {self._key}"},
            judge=judge_json2,
            deadline=deadline,
            what=what,
        )

    async def _rpc(self, service: str, method: str, args: list[Any], deadline: Deadline, what: str) -> Any:
        params = {"service": service, "method": method, "args": args}
        answer = await self._http.call(
            "POST",
            "jsonrpc",
            json={"jsonrpc": "2.0", "method": "call", "id": 1, "params": params},
            judge=judge_jsonrpc,
            deadline=deadline,
            what=what,
        )
        if not isinstance(answer, Mapping):
            raise CrmNonsense(f"{what}: Odoo's answer is not JSON-RPC")
        return answer.get("result")


def instant(value: Any) -> datetime | None:
    """A naive string in UTC, as Odoo writes instants, whatever the user's zone; False is None."""
    if not value:
        return None
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
    except ValueError:
        raise CrmNonsense(f"Odoo sent {one_line(value, 40)!r} for an instant") from None


def day(value: Any) -> date | None:
    """A date; False is None."""
    if not value:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise CrmNonsense(f"Odoo sent {one_line(value, 40)!r} for a date") from None


def naive(at: datetime, *, up: bool = False) -> str:
    """An instant as Odoo's filters want it: naive, in UTC, whole seconds (rounded down, or up)."""
    at = at.astimezone(UTC)
    if up and at.microsecond:
        at += timedelta(seconds=1)
    return f"{at:%Y-%m-%d %H:%M:%S}"


def reference(value: Any) -> int | None:
    """The id of a many2one (`[id, name]` or False)."""
    return value[0] if isinstance(value, list) and value else None


def label(value: Any) -> str:
    """The name of a many2one."""
    return str(value[1]) if isinstance(value, list) and len(value) > 1 else ""


def _typed(rows: Any, kind: type, what: str) -> list[Any]:
    if not isinstance(rows, list) or any(not isinstance(row, kind) for row in rows):
        raise CrmNonsense(f"{what}: Odoo's answer is not a list of what was asked for")
    return rows
