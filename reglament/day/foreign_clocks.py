"""Compare this machine's clock with the clocks of database, CRMs and Telegram (docs/product.md §10)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from crm_clients.base import CrmConfig
from reglament.process import Process, clock_now
from storage.days import instants

ASK_SECONDS = 5.0
"""Longest wait for the answer of a host."""


@dataclass(frozen=True, slots=True)
class ForeignClocks:
    """Hold how far each clock that could be asked is ahead of this machine's."""

    skews: Mapping[str, timedelta] = field(default_factory=dict)

    @property
    def off(self) -> dict[str, timedelta]:
        """Name the clocks that differ by more than two minutes."""
        return {name: skew for name, skew in self.skews.items() if abs(skew) > instants.TOLERANCE}

    @property
    def is_ours_wrong(self) -> bool:
        """Tell whether this machine's clock is the wrong one: more clocks differ from it than agree with it."""
        return len(self.off) * 2 > len(self.skews)

    @property
    def text(self) -> str:
        """Name the clocks that differ, for people."""
        return ", ".join(
            f"{name}'s clock is {abs(skew).total_seconds():.0f} s {'ahead' if skew > timedelta(0) else 'behind'}"
            for name, skew in sorted(self.off.items())
        )


async def ask_clocks(process: Process) -> ForeignClocks:
    """Ask every clock, a host once however many connections it serves; a host that does not answer says nothing."""
    hosts = {f"crm.{key}": _origin(config) for key, config in process.settings.crm.items()}
    if process.settings.telegram.token.get_secret_value():
        hosts["Telegram"] = _origin_of(process.settings.telegram.api_url)
    by_origin: dict[str, list[str]] = {}
    for name, origin in hosts.items():
        if origin:
            by_origin.setdefault(origin, []).append(name)
    async with httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False) as client:
        found = await asyncio.gather(*(_ask(client, origin) for origin in by_origin))
    named = zip(by_origin.values(), found, strict=True)
    skews = {" and ".join(names): skew for names, skew in named if skew is not None}
    if not process.db.is_sqlite:
        async with process.db.reading() as session:
            skews["the database"] = await instants.database_time(session) - clock_now()
    return ForeignClocks(skews)


async def _ask(client: httpx.AsyncClient, origin: str) -> timedelta | None:
    """Read the Date of a host's answer to a request without any key; of an answer kept by a cache, with its age."""
    try:
        before = clock_now()
        async with asyncio.timeout(ASK_SECONDS):
            response = await client.head(origin, headers={"Cache-Control": "no-cache"})
        told = parsedate_to_datetime(response.headers["date"])
        age = timedelta(seconds=int(response.headers.get("age", "0")))
        return told + age - (before + (clock_now() - before) / 2)
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError, OverflowError, TimeoutError):
        return None


def _origin(config: CrmConfig) -> str:
    for name in ("base_url", "url", "webhook_url"):
        value = getattr(config, name, None)
        if value is not None:
            return _origin_of(value.get_secret_value() if hasattr(value, "get_secret_value") else str(value))
    return ""


def _origin_of(address: str) -> str:
    """Return scheme and host of an address, without the path, which may hold a key."""
    parts = urlsplit(address or "https://api.telegram.org")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/" if parts.hostname else ""
