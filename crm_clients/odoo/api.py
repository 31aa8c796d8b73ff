"""Call Odoo over JSON-2 (19 and later) or JSON-RPC (before), behind the same `call`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx

from crm_clients.base import ReadStats
from crm_clients.errors import CrmNonsense, CrmRefused
from crm_clients.odoo.answers import BAD_KEY, RouteMissing, judge_json2, judge_jsonrpc
from crm_clients.odoo.config import OdooConfig
from crm_clients.shared.http import Http
from crm_clients.shared.pacing import Clock, Deadline, EvenPace

REQUESTS_PER_SECOND = 25
"""Odoo sets no limit; this spares a server that people work on."""
_LOGIN = "the login"


class OdooApi:
    """Call public methods of Odoo's models as the user of the API key."""

    def __init__(
        self,
        config: OdooConfig,
        *,
        stats: ReadStats,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._config = config
        self._key = config.api_key.get_secret_value()
        self.protocol = ""
        """`json2` or `jsonrpc`, once connected."""
        self.version = ""
        """The server's version, where the server says so."""
        self.uid = 0
        """The id of the key's user, once connected."""
        self._http = Http(
            config.url,
            stats=stats,
            pace=EvenPace(REQUESTS_PER_SECOND, clock),
            secrets=[self._key],
            headers={"X-Odoo-Database": config.database} if config.database.isascii() else None,
            clock=clock,
            transport=transport,
        )

    @property
    def skew(self) -> timedelta | None:
        """Tell how far the server's clock is ahead of ours."""
        return self._http.skew

    async def connect(self, deadline: Deadline) -> None:
        """Find out the protocol and the key's user. Raises CrmRefused where the key is not accepted."""
        if self.protocol:
            return
        if self._config.protocol != "jsonrpc":
            try:
                self.uid = await self._whoami(deadline)
            except RouteMissing:
                if self._config.protocol == "json2":
                    raise
            else:
                self.protocol = "json2"
                return
        await self._log_in(deadline)
        self.protocol = "jsonrpc"

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
        """Return the result of `method`, called on the records `ids`; `what` is the name of the reading in errors."""
        if self.protocol == "json2":
            return await self._json2(model, method, ids, arguments, deadline, what)
        place = [] if ids is None else [list(ids)]
        credentials = [self._config.database, self.uid, self._key]
        return await self._rpc("object", "execute_kw", [*credentials, model, method, place, arguments], deadline, what)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()

    async def _whoami(self, deadline: Deadline) -> int:
        context = await self._json2("res.users", "context_get", None, {}, deadline, _LOGIN)
        uid = context.get("uid") if isinstance(context, Mapping) else None
        if type(uid) is not int or uid <= 0:
            raise CrmNonsense("the login: Odoo does not say whom the API key belongs to")
        return uid

    async def _log_in(self, deadline: Deadline) -> None:
        told = await self._rpc("common", "version", [], deadline, _LOGIN)
        self.version = str(told.get("server_version", "")) if isinstance(told, Mapping) else ""
        credentials = [self._config.database, self._config.login, self._key]
        uid = await self._rpc("common", "login", credentials, deadline, _LOGIN)
        if uid is False:
            raise CrmRefused(BAD_KEY)
        if type(uid) is not int or uid <= 0:
            raise CrmNonsense("the login: Odoo does not say whom the API key belongs to")
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
