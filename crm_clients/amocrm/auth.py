"""Authorise requests to amoCRM: by a long-lived token, or by token pairs with a refresh token that works once.

A pair lost between amoCRM's answer and the client's memory is lost for good. Therefore a lock admits a single renewal,
the new pair is kept durably before use, a cancelled read does not cancel a renewal, and the refresh token of the
settings only seeds the memory (`docs/crm/amocrm.md`).
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from crm_clients.amocrm.answers import MovedAway
from crm_clients.amocrm.tokens import TokenPair, claims, load_pair
from crm_clients.base import ClientMemory
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused
from crm_clients.shared.answers import Answer, TryAgain
from crm_clients.shared.http import Http
from crm_clients.shared.pacing import Deadline

VENDOR_DOMAINS = ("amocrm.ru", "amocrm.com", "kommo.com")
"""Domains that may receive a token besides the configured host."""
RENEW_SECONDS = 90.0
CONNECT_AGAIN = (
    "amoCRM no longer accepts the refresh token: connect again (open the integration in amoCRM, authorise it, put the "
    "new refresh_token into the settings of the connection)"
)


class DeadToken(CrmRefused):
    """Report a refresh token that has been used, revoked or outlived."""


class Keys(Protocol):
    """Authorise requests, and know the host where the account lives."""

    home: str
    """Scheme and host, without a slash at the end."""

    async def access(self) -> str:
        """Return a token that should work now."""

    async def renew(self, rejected: str) -> str:
        """Return a token other than `rejected`, which was answered with 401. Raises CrmRefused if there is none."""

    async def renew_ahead(self, until: datetime) -> None:
        """Renew keys that end before `until`; the present keys stay in use if that fails. Raises CrmError."""

    async def find_home(self) -> bool:
        """Ask where the account has moved to; True if the account has moved."""

    async def aclose(self) -> None:
        """Let a running renewal end."""


class LongLivedToken:
    """Authorise by a token made by hand in amoCRM, which cannot be renewed."""

    def __init__(self, base_url: str, token: str) -> None:
        self.home = base_url.rstrip("/")
        self._token = token

    async def access(self) -> str:
        """Return the token of the settings."""
        return self._token

    async def renew(self, rejected: str) -> str:
        """Raise CrmRefused: a long-lived token has no successor."""
        del rejected
        raise CrmRefused(
            "amoCRM does not accept the long-lived token (HTTP 401): it has expired or was revoked; "
            "make a new one in the integration's settings and put it into token"
        )

    async def renew_ahead(self, until: datetime) -> None:
        """Renew nothing: a long-lived token has no successor."""

    async def find_home(self) -> bool:
        """Return False: only a refresh token can ask where the account is."""
        return False

    async def aclose(self) -> None:
        """Close nothing: no renewal runs."""


@dataclass(frozen=True, slots=True)
class Application:
    """Hold the credentials of the integration registered at amoCRM."""

    client_id: str
    client_secret: str
    redirect_uri: str


class OAuthTokens:
    """Authorise by pairs of tokens, renew each pair once, and keep the latest in the client's memory."""

    def __init__(self, base_url: str, application: Application, seed: str, memory: ClientMemory, http: Http) -> None:
        self.home = self._configured = base_url.rstrip("/")
        self._application, self._seed = application, seed
        self._seed_mark = hashlib.sha256(seed.encode()).hexdigest()[:16]
        self._memory, self._http = memory, http
        self._pair: TokenPair | None = None
        self._unsaved: TokenPair | None = None
        self._renewal: asyncio.Task[TokenPair] | None = None
        http.hide(seed, application.client_secret)

    async def access(self) -> str:
        """Return the access token; renew a pair that is about to expire first."""
        if self._pair is None:
            self._adopt(await self._kept())
        if self._pair is None or not self._pair.is_fresh(self._http.clock.now()):
            return await self.renew(self._pair.access if self._pair else "")
        return self._pair.access

    async def renew(self, rejected: str) -> str:
        """Return a token other than `rejected`, perhaps renewed by another process meanwhile."""
        if self._renewal is None or self._renewal.done():
            if self._pair is not None and self._pair.access != rejected:
                return self._pair.access
            self._renewal = asyncio.create_task(self._renew(rejected), name="amocrm-renewal")
        # A read that is given up must not throw away a pair that is on its way.
        return (await asyncio.shield(self._renewal)).access

    async def renew_ahead(self, until: datetime) -> None:
        """Renew a pair that ends before `until`; a pair that cannot be renewed serves until the end."""
        access = await self.access()
        if self._pair is not None and self._pair.expires_at < until.timestamp():
            await self.renew(access)

    async def find_home(self) -> bool:
        """Ask the shared host that the token names for the account's host, as the official SDK does."""
        pair = self._pair
        return pair is not None and await self._ask_home(pair.access, pair.refresh)

    async def aclose(self) -> None:
        """Let a running renewal end."""
        if self._renewal is not None and not self._renewal.done():
            with suppress(Exception):
                await self._renewal

    # One refresher at a time

    async def _renew(self, rejected: str) -> TokenPair:
        async with self._memory.lock("oauth"):
            if self._unsaved is not None:
                return await self._keep(self._unsaved)
            kept = await self._kept()
            if kept is not None and kept.access != rejected and kept.is_fresh(self._http.clock.now()):
                self._adopt(kept)
                return kept
            self._adopt(kept)
            return await self._renew_from(kept)

    async def _renew_from(self, kept: TokenPair | None) -> TokenPair:
        for refresh in await self._candidates(kept):
            with suppress(DeadToken):
                answer = await self._exchange(refresh, kept)
                return await self._keep(self._pair_of(answer, refresh))
        raise CrmRefused(CONNECT_AGAIN)

    async def _candidates(self, kept: TokenPair | None) -> list[str]:
        """List refresh tokens to try: kept, previous, settings; a new token of the settings comes first."""
        if kept is not None:
            return list(dict.fromkeys(filter(None, (kept.refresh, kept.previous, self._seed))))
        old = load_pair(await self._memory.get("oauth"))
        return list(dict.fromkeys(filter(None, (self._seed, old.refresh if old else ""))))

    async def _exchange(self, refresh: str, kept: TokenPair | None) -> dict[str, Any]:
        try:
            return await self._ask_pair(refresh)
        except MovedAway:
            if kept is None or not await self._has_moved(kept.access, refresh):
                raise DeadToken(CONNECT_AGAIN) from None
            return await self._ask_pair(refresh)

    async def _has_moved(self, access: str, refresh: str) -> bool:
        """Tell whether the account has moved; a failed question counts as no, for a 401 may also mean a dead token."""
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

    def _pair_of(self, answer: dict[str, Any], refresh: str) -> TokenPair:
        seconds = int(answer.get("expires_in") or 86400)
        return TokenPair(
            access=str(answer["access_token"]),
            refresh=str(answer["refresh_token"]),
            expires_at=self._http.clock.now().timestamp() + seconds,
            seed=self._seed_mark,
            configured=self._configured,
            home=self.home,
            previous=refresh,
        )

    async def _keep(self, pair: TokenPair) -> TokenPair:
        """Keep a pair durably, then use it; a pair that could not be kept is kept before the next renewal."""
        self._http.hide(pair.access, pair.refresh)
        self._unsaved = pair
        await self._memory.put("oauth", pair.dump())
        self._unsaved = None
        self._adopt(pair)
        return pair

    async def _kept(self) -> TokenPair | None:
        """Load the pair from memory, unless the settings have a new seed."""
        pair = load_pair(await self._memory.get("oauth"))
        return pair if pair is not None and pair.seed == self._seed_mark else None

    def _adopt(self, pair: TokenPair | None) -> None:
        self._pair = pair
        if pair is None:
            return
        self._http.hide(pair.access, pair.refresh)
        if pair.configured == self._configured:
            self.home = pair.home


def _judge_pair(answer: Answer) -> None:
    if answer.status < 300:
        return
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise TryAgain(f"amoCRM answered HTTP {answer.status}", answer.retry_after)
    if answer.status in (401, 404):
        raise MovedAway(f"amoCRM answered HTTP {answer.status}")
    body = answer.data if isinstance(answer.data, dict) else {}
    reason = body.get("hint") or body.get("detail") or f"HTTP {answer.status}"
    if answer.status == 400 and "client" not in str(reason).lower():
        raise DeadToken(CONNECT_AGAIN)
    raise CrmRefused(f"amoCRM does not renew the tokens ({reason}): check client_id, client_secret and redirect_uri")


def _judge_home(answer: Answer) -> None:
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise TryAgain(f"amoCRM answered HTTP {answer.status}", answer.retry_after)
    if answer.status >= 300:
        raise DeadToken(CONNECT_AGAIN)
