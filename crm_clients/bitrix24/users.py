"""The people of a Bitrix24 portal and the departments they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from crm_clients.base import CrmUser
from crm_clients.bitrix24.api import Bitrix24Api
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.lists import KeysetQuery, OffsetQuery
from crm_clients.bitrix24.values import Row, identity, number
from crm_clients.errors import CrmNonsense, RightsMissing
from crm_clients.shared.http import Deadline

WHAT = "users"
EMPLOYEE = "employee"


async def people(api: Bitrix24Api, deadline: Deadline) -> list[CrmUser]:
    """All accounts, also dismissed ones, each with his departments and all above them.

    Integrators and robots are not among them (docs/crm/bitrix24.md). Raises CrmError rather than give a part.
    """
    rows: dict[int, Row] = {}
    parents: dict[str, str] = {}

    async def take(listing: KeysetQuery, page: Sequence[Row]) -> None:
        listing.fold(page)

    def note_users(page: Sequence[Row]) -> None:
        rows.update((number(row["ID"]), row) for row in page)

    def note_departments(page: Sequence[Row]) -> None:
        parents.update((identity(row["ID"]), identity(row.get("PARENT"))) for row in page)

    users = OffsetQuery("user.get", {"sort": "ID", "order": "ASC"}, note_users, what=WHAT)
    departments = OffsetQuery(
        "department.get", {"sort": "ID", "order": "ASC"}, note_departments, what="departments", start="START"
    )
    await BatchScheduler(api, deadline, take).read([users, departments])
    if users.problem is not None:
        raise users.problem
    if departments.problem is not None and not isinstance(departments.problem, RightsMissing):
        raise departments.problem
    try:
        return [_user(rows[key], parents) for key in sorted(rows)]
    except (TypeError, ValueError) as error:
        raise CrmNonsense(f"{WHAT}: a row of an unexpected form ({type(error).__name__})") from None


def _user(row: Row, parents: Mapping[str, str]) -> CrmUser:
    name = " ".join(str(row.get(part) or "").strip() for part in ("NAME", "LAST_NAME")).strip()
    direct = row.get("UF_DEPARTMENT")
    values = direct.values() if isinstance(direct, Mapping) else direct if isinstance(direct, list) else [direct]
    return CrmUser(
        identity(row["ID"]),
        name or str(row.get("EMAIL") or "") or f"#{identity(row['ID'])}",
        row.get("ACTIVE", True) in (True, "Y", "true", 1, "1"),
        frozenset(key for value in values for key in _upwards(identity(value), parents)),
        human=str(row.get("USER_TYPE") or EMPLOYEE) == EMPLOYEE,
    )


def _upwards(department: str, parents: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    while department and department not in seen:
        seen.add(department)
        yield department
        department = parents.get(department, "")
