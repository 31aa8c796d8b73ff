"""amoCRM's two kinds of key: a long-lived token, and token pairs whose refresh token works once.

A pair that is lost between the server's answer and our note of it is lost for good, so: one refresher at a time
across processes, the new pair is kept durably before it is used, a cancelled read does not cancel a renewal, and the
settings' refresh token only seeds the memory.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from crm_clients.base import ClientMemory
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused
from crm_clients.shared.http import Answer, Deadline, Http, TryAgain

VENDOR_DOMAINS = ("amocrm.ru", "amocrm.com", "kommo.com")
"""The only places, besides the configured host, that are ever given a token."""
EARLY = timedelta(minutes=5)
"""A pair is renewed this long before it expires."""
RENEW_SECONDS = 90.0
CONNECT_AGAIN = (
    "amoCRM no longer accepts the refresh token: connect again (open the integration in amoCRM, authorise it, put the "
    "new refresh_token into the settings of the connection)"
)


class DeadToken(CrmRefused):
    """A refresh token that has been used, revoked or outlived."""


class MovedAway(CrmRefused):
    """The account does not live at this host (any more)."""


class Keys(Protocol):
    """What authorises a request, and where the account lives."""

    home: str
    """Scheme and host, without a slash at the end."""

    async def access(self) -> str:
        """A token that should work now."""

    async def renew(self, rejected: str) -> str:
        """Another one than `rejected`, which was answered with 401. Raises CrmRefused if there is none."""

    async def find_home(self) -> bool:
        """Ask where the account has moved to; whether it has moved."""

    async def aclose(self) -> None:
        """Let a running renewal end."""


def claims(token: str) -> dict[str, Any]:
    """What a token says of itself, unverified; empty if it is not of that form."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    with suppress(ValueError):
        said = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return said if isinstance(said, dict) else {}
    return {}


def expiry(token: str) -> datetime | None:
    """When a token ends, where it says so."""
    with suppress(ValueError, TypeError, OverflowError, KeyError):
        return datetime.fromtimestamp(int(claims(token)["exp"]), UTC)
    return None


class LongLived:
    """A token made by hand in amoCRM; it cannot be renewed."""

    def __init__(self, base_url: str, token: str) -> None:
        self.home = base_url.rstrip("/")
        self._token = token

    async def access(self) -> str:
        """The token of the settings."""
        return self._token

    async def renew(self, rejected: str) -> str:
        """There is no other."""
        del rejected
        raise CrmRefused(
            "amoCRM does not accept the long-lived token (HTTP 401): it has expired or was revoked; "
            "make a new one in the integration's settings and put it into token"
        )

    async def find_home(self) -> bool:
        """Only a refresh token can ask where the account is."""
        return False

    async def aclose(self) -> None:
        """Nothing runs."""


@dataclass(frozen=True, slots=True)
class Application:
    """The integration, as amoCRM knows it."""

    client_id: str
    client_secret: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is kept in the memory."""

    access: str
    refresh: str
    expires_at: float
    seed: str
    """Which refresh token of the settings it grew from."""
    configured: str
    """The settings' base_url when it was kept; another one now takes over."""
    home: str
    previous: str = ""
    """The refresh token before, for the case that this one was never really issued."""

    def is_fresh(self, now: datetime) -> bool:
        return self.expires_at > (now + EARLY).timestamp()


class OAuth:
    """Pairs of tokens, kept in the client's memory."""

    def __init__(self, base_url: str, application: Application, seed: str, memory: ClientMemory, http: Http) -> None:
        self.home = self._configured = base_url.rstrip("/")
        self._application, self._seed = application, seed
        self._seed_mark = hashlib.sha256(seed.encode()).hexdigest()[:16]
        self._memory, self._http = memory, http
        self._pair: _Pair | None = None
        self._unsaved: _Pair | None = None
        self._renewal: asyncio.Task[_Pair] | None = None
        http.hide(seed, application.client_secret)

    async def access(self) -> str:
        """The access token; renewed first if it is about to expire."""
        if self._pair is None:
            self._adopt(await self._kept())
        if self._pair is None or not self._pair.is_fresh(self._http.clock.now()):
            return await self.renew(self._pair.access if self._pair else "")
        return self._pair.access

    async def renew(self, rejected: str) -> str:
        """A token other than `rejected`, also if another process has renewed it meanwhile."""
        if self._renewal is None or self._renewal.done():
            if self._pair is not None and self._pair.access != rejected:
                return self._pair.access
            self._renewal = asyncio.create_task(self._renew(rejected), name="amocrm-renewal")
        # A read that is given up must not throw away a pair that is on its way.
        return (await asyncio.shield(self._renewal)).access

    async def find_home(self) -> bool:
        """As the official SDK does: the token names a shared host, which knows where the account is."""
        pair = self._pair
        return pair is not None and await self._ask_home(pair.access, pair.refresh)

    async def aclose(self) -> None:
        """Let a running renewal end."""
        if self._renewal is not None and not self._renewal.done():
            with suppress(Exception):
                await self._renewal

    # One refresher at a time

    async def _renew(self, rejected: str) -> _Pair:
        async with self._memory.lock("oauth"):
            if self._unsaved is not None:
                return await self._keep(self._unsaved)
            kept = await self._kept()
            if kept is not None and kept.access != rejected and kept.is_fresh(self._http.clock.now()):
                self._adopt(kept)
                return kept
            self._adopt(kept)
            return await self._renew_from(kept)

    async def _renew_from(self, kept: _Pair | None) -> _Pair:
        for refresh in await self._candidates(kept):
            with suppress(DeadToken):
                answer = await self._exchange(refresh, kept)
                return await self._keep(self._pair_of(answer, refresh))
        raise CrmRefused(CONNECT_AGAIN)

    async def _candidates(self, kept: _Pair | None) -> list[str]:
        """The kept token, the one before it, and the settings' one; first of all the settings' one if it is new."""
        if kept is not None:
            return list(dict.fromkeys(filter(None, (kept.refresh, kept.previous, self._seed))))
        old = _parse(await self._memory.get("oauth"))
        return list(dict.fromkeys(filter(None, (self._seed, old.refresh if old else ""))))

    async def _exchange(self, refresh: str, kept: _Pair | None) -> dict[str, Any]:
        try:
            return await self._ask_pair(refresh)
        except MovedAway:
            if kept is None or not await self._has_moved(kept.access, refresh):
                raise DeadToken(CONNECT_AGAIN) from None
            return await self._ask_pair(refresh)

    async def _has_moved(self, access: str, refresh: str) -> bool:
        """A 401 may also mean that the token is dead: not finding another host out is an answer too."""
        try:
            return await self._ask_home(access, refresh)
        except CrmError:
            return False

    async def _ask_pair(self, refresh: str) -> dict[str, Any]:
        self._http.hide(refresh)
        application = self._application
        answer = await self._http.call(
            "POST",
            f"{self.home}/oauth2/access_token",
            deadline=Deadline(RENEW_SECONDS, self._http.clock),
            what="renewing the tokens",
            json={
                "client_id": application.client_id,
                "client_secret": application.client_secret,
                "grant_type": "refresh_token",
                "refresh_token": refresh,
                "redirect_uri": application.redirect_uri,
            },
            judge=_judge_pair,
            attempts=4,
        )
        if not isinstance(answer, dict) or not answer.get("access_token") or not answer.get("refresh_token"):
            raise CrmNonsense("amoCRM renewed the tokens but did not send them")
        return answer

    async def _ask_home(self, access: str, refresh: str) -> bool:
        domain = str(claims(access).get("api_domain", ""))
        if not self._is_vendors(domain):
            return False
        answer = await self._http.call(
            "GET",
            f"https://{domain}/oauth2/account/current/subdomain",
            deadline=Deadline(RENEW_SECONDS, self._http.clock),
            what="asking where the account is",
            headers={"X-Refresh-Token": refresh},
            judge=_judge_home,
            attempts=3,
        )
        found = str(answer.get("domain", "")) if isinstance(answer, dict) else ""
        if not self._is_vendors(found) or f"https://{found}" == self.home:
            return False
        self.home = f"https://{found}"
        return True

    def _is_vendors(self, host: str) -> bool:
        if not host or urlsplit(f"https://{host}").hostname != host:
            return False
        return any(host == domain or host.endswith(f".{domain}") for domain in VENDOR_DOMAINS)

    # What is kept

    def _pair_of(self, answer: dict[str, Any], refresh: str) -> _Pair:
        seconds = int(answer.get("expires_in") or 86400)
        return _Pair(
            access=str(answer["access_token"]),
            refresh=str(answer["refresh_token"]),
            expires_at=self._http.clock.now().timestamp() + seconds,
            seed=self._seed_mark,
            configured=self._configured,
            home=self.home,
            previous=refresh,
        )

    async def _keep(self, pair: _Pair) -> _Pair:
        """Durable first, used second; what could not be kept is tried again before anything else."""
        self._http.hide(pair.access, pair.refresh)
        self._unsaved = pair
        await self._memory.put("oauth", json.dumps(asdict(pair)))
        self._unsaved = None
        self._adopt(pair)
        return pair

    async def _kept(self) -> _Pair | None:
        """The memory's pair, unless the settings have a new seed."""
        pair = _parse(await self._memory.get("oauth"))
        return pair if pair is not None and pair.seed == self._seed_mark else None

    def _adopt(self, pair: _Pair | None) -> None:
        self._pair = pair
        if pair is None:
            return
        self._http.hide(pair.access, pair.refresh)
        if pair.configured == self._configured:
            self.home = pair.home


def _parse(text: str | None) -> _Pair | None:
    if text is None:
        return None
    try:
        return _Pair(**json.loads(text))
    except (ValueError, TypeError):
        raise CrmNonsense("the kept amoCRM tokens cannot be read: connect again") from None


def _judge_pair(answer: Answer) -> None:
    if answer.status < 300:
        return
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise TryAgain(f"amoCRM answered HTTP {answer.status}", answer.retry_after)
    if answer.status in (401, 404):
        raise MovedAway(f"amoCRM answered HTTP {answer.status}")
    said = answer.data if isinstance(answer.data, dict) else {}
    reason = said.get("hint") or said.get("detail") or f"HTTP {answer.status}"
    if answer.status == 400 and "client" not in str(reason).lower():
        raise DeadToken(CONNECT_AGAIN)
    raise CrmRefused(f"amoCRM does not renew the tokens ({reason}): check client_id, client_secret and redirect_uri")


def _judge_home(answer: Answer) -> None:
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise TryAgain(f"amoCRM answered HTTP {answer.status}", answer.retry_after)
    if answer.status >= 300:
        raise DeadToken(CONNECT_AGAIN)
