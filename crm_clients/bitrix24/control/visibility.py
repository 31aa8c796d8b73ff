"""Test the sight of a webhook: Bitrix24 leaves out hidden rows without error (docs/crm/README.md)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from crm_clients.bitrix24.api import PAGE
from crm_clients.bitrix24.lists import CallProgress, single_call
from crm_clients.bitrix24.objects import COMPANY, DEAL
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.values import number, rows_of
from crm_clients.errors import RightsMissing

WHAT = "the test of what the webhook sees"
EACH = 5
"""Deals looked for of each member."""
ADVICE = "make the webhook as an administrator, or grant its user to read all deals, companies, activities and tasks"
KEY = "visibility"
"""Key of the client's memory under which the last passed test is kept."""
PASSED_SECONDS = 3600.0
"""Age of a passed test at which the next read asks again: hundreds of members take many requests."""

Ask = Callable[[Sequence[CallProgress]], Awaitable[None]]
"""Runs calls to the end."""


def is_admin(profile: Any) -> bool | None:
    """Tell whether the webhook's user is an administrator; None if the portal does not say."""
    told = profile.get("ADMIN") if isinstance(profile, Mapping) else None
    if told in (True, "Y", "y", 1, "1"):
        return True
    return False if told in (False, "N", "n", 0, "0") else None


class VisibilityProbe:
    """Look for members, and for deals that must be there. Raises CrmError if the portal does not answer."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def run(self, users: Sequence[str]) -> tuple[list[str], list[int]]:
        """Find the users without any visible record, and deals that are hidden although their activities are not."""
        deals = [_call("crm.item.list", entityTypeId=DEAL, select=["id"], filter={"assignedById": u}) for u in users]
        planned = {"OWNER_TYPE_ID": DEAL, "COMPLETED": "N"}
        steps = [
            _call("crm.activity.list", filter={**planned, "RESPONSIBLE_ID": user}, select=["ID", "OWNER_ID"])
            for user in users
        ]
        found = await self._rows([*deals, *steps])
        seen, activities = found[: len(users)], found[len(users) :]
        left = [user for user, *rows in zip(users, seen, activities, strict=True) if not any(rows)]
        return await self._without_anything(left), await self._hidden(activities)

    async def _without_anything(self, users: Sequence[str]) -> list[str]:
        """Keep of users without deals and next steps only users without done activities and companies too."""
        found = await self._rows(
            [_call("crm.activity.list", select=["ID"], filter={"RESPONSIBLE_ID": user}) for user in users]
            + [
                _call("crm.item.list", entityTypeId=COMPANY, select=["id"], filter={"assignedById": user})
                for user in users
            ]
        )
        return [user for place, user in enumerate(users) if not found[place] and not found[len(users) + place]]

    async def _hidden(self, activities: Sequence[Sequence[Mapping[str, Any]]]) -> list[int]:
        """Look for the deals of the next steps of each user."""
        deals = {deal for rows in activities for deal in sorted({number(row.get("OWNER_ID")) for row in rows})[:EACH]}
        every = sorted(deals)
        groups = [every[start : start + PAGE] for start in range(0, len(every), PAGE)]
        seen = await self._rows(
            [_call("crm.item.list", entityTypeId=DEAL, filter={"@id": group}, select=["id"]) for group in groups]
        )
        return sorted(deals - {number(row["id"]) for rows in seen for row in rows})

    async def _rows(self, calls: Sequence[CallProgress]) -> list[Sequence[Mapping[str, Any]]]:
        await self._ask(calls)
        for call in calls:
            if call.problem is not None:
                raise call.problem
        return [rows_of(call.value, "items" if call.query.method == "crm.item.list" else "") for call in calls]


async def require_full_visibility(session: ReadSession, profile: Any) -> None:
    """Test the read of a webhook that is no administrator's for certain, at most once an hour.

    Raises RightsMissing where counts would be too low. A single member without any record may be new; that half of the
    members are new is not believed.
    """
    if is_admin(profile) is not True and (hidden_funnels := session.stages.without_funnel):
        names = ", ".join(map(str, hidden_funnels))
        raise RightsMissing(f"the webhook's user may not see the deals of some funnels (ID {names}): {ADVICE}")
    members = sorted(session.request.members)
    if is_admin(profile) is True or not members or await _has_passed(session, profile, members):
        return
    unseen, hidden = await VisibilityProbe(session.read).run(members)
    if 2 * len(unseen) >= len(members) or hidden:
        raise RightsMissing(
            f"the webhook's user may not see what others do, so every count would be too small: {ADVICE}"
        )
    passed = {"at": session.api.clock.now().timestamp(), "user": _user_of(profile), "members": members}
    await session.memory.put(KEY, json.dumps(passed))


async def _has_passed(session: ReadSession, profile: Any, members: Iterable[str]) -> bool:
    """Tell whether this user passed the test of all these members within the hour."""
    try:
        passed = json.loads(await session.memory.get(KEY) or "{}")
        age = session.api.clock.now().timestamp() - float(passed["at"])
        is_same = passed["user"] == _user_of(profile) and set(members) <= set(passed["members"])
    except (ValueError, KeyError, TypeError):
        return False
    return is_same and 0 <= age < PASSED_SECONDS


def _user_of(profile: Any) -> str:
    """Tell the webhook's user; empty if the portal does not say."""
    return str(profile.get("ID") or "") if isinstance(profile, Mapping) else ""


def _call(method: str, **params: Any) -> CallProgress:
    return single_call(method, {**params, "start": -1}, what=WHAT, group="check")
