"""Read the employees of a Bitrix24 portal and their departments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from crm_clients.base import CrmUser
from crm_clients.bitrix24.api import Bitrix24Api
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.lists import OffsetQuery, QueryProgress, single_call
from crm_clients.bitrix24.rows import DepartmentRow, ProfileRow, UserRow, portal_row, single_row
from crm_clients.bitrix24.values import Row, is_yes, number
from crm_clients.errors import CrmNonsense, RightsMissing
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.pacing import Deadline

WHAT = "users"
EMPLOYEE = "employee"
USER_PAGES, DEPARTMENT_PAGES = 20, 5
"""Pages asked for at once, so that a single request reads a thousand employees; a page behind the end is empty."""
FRESH_SECONDS = 3600.0
"""Age at which the list of employees is read again."""


class UserDirectory:
    """Hold the employees of a portal, as read last."""

    def __init__(self, api: Bitrix24Api) -> None:
        self._api = api
        self._humans: frozenset[int] = frozenset()
        self._read_at = float("-inf")

    async def read(self, deadline: Deadline) -> list[CrmUser]:
        """Read all accounts, also dismissed employees, each with the departments and all departments above.

        Integrators and robots are not listed by Bitrix24 (`docs/crm/bitrix24.md`). Raises CrmError rather than give a
        part: a list without the webhook's own user is a part.
        """
        users, departments = _Rows(), _Rows()
        profile = single_call("profile", {}, what="the webhook's user", group=WHAT)
        lists: list[QueryProgress] = [
            profile,
            OffsetQuery(
                method="user.get",
                params={"sort": "ID", "order": "ASC"},
                fold=users.fold,
                what=WHAT,
                expected_pages=USER_PAGES,
            ).start(),
            OffsetQuery(
                method="department.get",
                params={"sort": "ID", "order": "ASC"},
                fold=departments.fold,
                what="departments",
                start_names=("start", "START"),
                expected_pages=DEPARTMENT_PAGES,
            ).start(),
        ]
        await BatchScheduler(self._api, deadline, _fold).read(lists)
        for progress in lists:
            if progress.problem is not None and not (
                progress.query.method == "department.get" and isinstance(progress.problem, RightsMissing)
            ):
                raise progress.problem
        now = self._api.clock.now()
        rows = [portal_row(users.by_id[key], UserRow, WHAT, now) for key in sorted(users.by_id)]
        above = [portal_row(row, DepartmentRow, "departments", now) for row in departments.by_id.values()]
        parents = {str(row.ID): str(row.PARENT or "") for row in above}
        found = [_user(row, parents) for row in rows]
        own = single_row(profile.value, ProfileRow, "the webhook's user", now).ID
        if own not in users.by_id:
            raise CrmNonsense(
                f"{WHAT}: the list lacks the webhook's own user (ID {own}), so the list is not whole: "
                "make the webhook as an employee of the portal"
            )
        self._humans = frozenset(number(user.id) for user in found if user.human)
        self._read_at = self._api.clock.monotonic()
        return found

    async def humans(self, deadline: Deadline) -> frozenset[int]:
        """List the ids of employees, read at most an hour ago. Raises as `read`."""
        if self._api.clock.monotonic() - self._read_at > FRESH_SECONDS:
            await self.read(deadline)
        return self._humans


class _Rows:
    """Collect rows by id."""

    def __init__(self) -> None:
        self.by_id: dict[int, Row] = {}

    def fold(self, page: Sequence[Row]) -> tuple[()]:
        """Keep a page."""
        self.by_id.update((number(row["ID"]), row) for row in page)
        return ()


async def _fold(progress: QueryProgress, page: Sequence[Row]) -> None:
    progress.query.fold(page)


def _user(row: UserRow, parents: Mapping[str, str]) -> CrmUser:
    name = " ".join((part or "").strip() for part in (row.NAME, row.LAST_NAME)).strip()
    return CrmUser(
        str(row.ID),
        clean_name(name or row.EMAIL or f"#{row.ID}"),
        is_yes(row.ACTIVE),
        frozenset(key for own in row.departments for key in _upwards(str(own or ""), parents)),
        human=(row.USER_TYPE or EMPLOYEE) == EMPLOYEE,
    )


def _upwards(department: str, parents: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    while department and department not in seen:
        seen.add(department)
        yield department
        department = parents.get(department, "")
