"""What a webhook cannot see: Bitrix24 leaves out rows its creator may not read, without error (docs/crm/README.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from crm_clients.bitrix24.api import PAGE
from crm_clients.bitrix24.session import COMPANY, DEAL, SingleCall
from crm_clients.bitrix24.values import number, rows_of
from crm_clients.errors import RightsMissing

WHAT = "the test of what the webhook sees"
EACH = 5
"""Deals that are looked for of one person."""
ADVICE = "make the webhook as an administrator, or grant its user to read all deals, companies, activities and tasks"

Ask = Callable[[Sequence[SingleCall]], Awaitable[None]]


def is_ordinary(profile: Any) -> bool:
    """Whether the portal says that the webhook's user is no administrator."""
    return isinstance(profile, Mapping) and profile.get("ADMIN") in (False, "N", "n", 0, "0")


class VisibilityProbe:
    """Looks for people, and for deals that must be there. Raises CrmError if the portal does not answer."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def unseen(self, users: Sequence[str]) -> list[str]:
        """Those of whom nothing at all is visible: no deal, activity or company."""
        left = list(users)
        for method, params, key in (
            ("crm.item.list", {"entityTypeId": DEAL, "select": ["id"]}, "assignedById"),
            ("crm.activity.list", {"select": ["ID"]}, "RESPONSIBLE_ID"),
            ("crm.item.list", {"entityTypeId": COMPANY, "select": ["id"]}, "assignedById"),
        ):
            found = await self._rows([_once(method, **params, filter={key: user}) for user in left])
            left = [user for user, rows in zip(left, found, strict=True) if not rows]
        return left

    async def hidden_deals(self, users: Sequence[str]) -> list[int]:
        """Deals that cannot be read although something planned of them can."""
        planned = {"OWNER_TYPE_ID": DEAL, "COMPLETED": "N"}
        found = await self._rows(
            [
                _once("crm.activity.list", filter={**planned, "RESPONSIBLE_ID": user}, select=["ID", "OWNER_ID"])
                for user in users
            ]
        )
        deals = {deal for rows in found for deal in sorted({number(row.get("OWNER_ID")) for row in rows})[:EACH]}
        every = sorted(deals)
        groups = [every[start : start + PAGE] for start in range(0, len(every), PAGE)]
        seen = await self._rows(
            [_once("crm.item.list", entityTypeId=DEAL, filter={"@id": group}, select=["id"]) for group in groups]
        )
        return sorted(deals - {number(row["id"]) for rows in seen for row in rows})

    async def _rows(self, asked: Sequence[SingleCall]) -> list[Sequence[Mapping[str, Any]]]:
        await self._ask(asked)
        for once in asked:
            if once.problem is not None:
                raise once.problem
        return [rows_of(once.value, "items") for once in asked]


async def require_full_visibility(ask: Ask, users: Iterable[str]) -> None:
    """Look before a read that is no administrator's. Raises RightsMissing where the counts would be too small.

    One person without anything may be new; that half of them are is not believed.
    """
    every = sorted(users)
    sight = VisibilityProbe(ask)
    if every and (2 * len(await sight.unseen(every)) >= len(every) or await sight.hidden_deals(every)):
        raise RightsMissing(
            f"the webhook's user may not see what others do, so every count would be too small: {ADVICE}"
        )


def _once(method: str, **params: Any) -> SingleCall:
    return SingleCall(method, {**params, "start": -1}, what=WHAT, group="check")
