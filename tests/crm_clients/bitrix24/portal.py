"""Rows of a Bitrix24 portal in memory, in the wire's own spelling."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from tests.crm_clients.bitrix24.table import Row, Table

SERVER = timezone(timedelta(hours=3))
DEAL, CONTACT, COMPANY = 2, 3, 4
NO_DEADLINE = "9999-12-31T00:00:00+03:00"
SECRET = "k3yofthewebhook"
SCOPES = ("crm", "task", "telephony", "user_brief", "department")


def when(at: datetime | None) -> str | None:
    """As the portal writes it: in its own zone, with the offset."""
    return None if at is None else at.astimezone(SERVER).isoformat(timespec="seconds")


@dataclass
class Portal:
    """What the portal holds."""

    deals: Table = field(default_factory=lambda: Table("id"))
    companies: Table = field(default_factory=lambda: Table("id"))
    activities: Table = field(default_factory=lambda: Table("ID"))
    tasks: Table = field(default_factory=lambda: Table("id"))
    calls: Table = field(default_factory=lambda: Table("ID"))
    moves: Table = field(default_factory=lambda: Table("ID"))
    users: Table = field(default_factory=lambda: Table("ID"))
    departments: Table = field(default_factory=lambda: Table("ID"))
    statuses: Table = field(default_factory=lambda: Table("ID"))
    comments: dict[int, list[Row]] = field(default_factory=lambda: defaultdict(list))
    bindings: dict[int, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    """Activity → what it is bound to, owner included."""
    fields: dict[str, Row] = field(default_factory=dict)
    admin: bool = True
    says_admin: bool | None = None
    """What the profile says of the webhook's user, where that is not the same as what he sees."""
    viewer: int = 1
    scopes: tuple[str, ...] = SCOPES
    currency: str = "RUB"
    hidden_funnels: frozenset[int] = frozenset()
    """Funnels that the portal does not show to the webhook."""

    def __post_init__(self) -> None:
        self.add_user(self.viewer, "Хозяин Вебхука", departments=())

    def add_stage(self, stage: str, semantics: str | None, category: int = 0, name: str = "") -> None:
        word = {"S": "success", "F": "failure", None: "process"}[semantics]
        entity = f"DEAL_STAGE_{category}" if category else "DEAL_STAGE"
        number = str(len(self.statuses.rows) + 1)
        self.statuses.add(
            {"ID": number, "ENTITY_ID": entity, "STATUS_ID": stage, "NAME": name or stage, "SEMANTICS": semantics,
             "SORT": number + "0", "CATEGORY_ID": str(category), "EXTRA": {"SEMANTICS": word}}
        )  # fmt: skip

    def add_user(
        self, key: int, name: str, *, active: bool = True, kind: str = "employee", departments: Sequence[int] = (1,)
    ) -> None:
        first, _, last = name.partition(" ")
        self.users.add(
            {"ID": str(key), "ACTIVE": active, "NAME": first, "LAST_NAME": last, "USER_TYPE": kind,
             "UF_DEPARTMENT": list(departments), "TIMESTAMP_X": []}
        )  # fmt: skip

    def add_deal(
        self,
        key: int,
        title: str,
        user: int,
        stage: str,
        *,
        created: datetime,
        moved: datetime | None = None,
        updated: datetime | None = None,
        closed: bool = False,
        category: int = 0,
        amount: Decimal | None = None,
        currency: str = "RUB",
        recurring: bool = False,
        **own: Any,
    ) -> Row:
        return self.deals.add(
            {"id": key, "title": title, "assignedById": user, "stageId": stage, "categoryId": category,
             "createdTime": when(created), "movedTime": when(moved or created),
             "updatedTime": when(updated or moved or created), "closed": "Y" if closed else "N",
             "closedate": "2026-11-30T03:00:00+03:00", "opportunity": amount, "currencyId": currency,
             "isRecurring": "Y" if recurring else "N", "createdBy": user, "movedBy": user, **own}
        )  # fmt: skip

    def add_move(self, deal: int, stage: str, semantics: str, at: datetime, kind: int = 2, category: int = 0) -> None:
        number = str(len(self.moves.rows) + 1)
        self.moves.add(
            {"ID": number, "TYPE_ID": str(kind), "OWNER_ID": str(deal), "CREATED_TIME": when(at),
             "CATEGORY_ID": str(category), "STAGE_SEMANTIC_ID": semantics, "STAGE_ID": stage}
        )  # fmt: skip

    def add_activity(
        self,
        key: int,
        subject: str,
        user: int,
        *,
        owner: tuple[int, int] = (CONTACT, 5),
        bound: Iterable[tuple[int, int]] = (),
        kind: int = 6,
        provider: str = "CRM_TODO",
        deadline: datetime | None = None,
        created: datetime,
        updated: datetime | None = None,
        started: datetime | None = None,
        done: bool = False,
        **own: Any,
    ) -> Row:
        self.bindings[key] = {owner, *bound}
        return self.activities.add(
            {"ID": str(key), "OWNER_TYPE_ID": str(owner[0]), "OWNER_ID": str(owner[1]), "TYPE_ID": str(kind),
             "PROVIDER_ID": provider, "PROVIDER_TYPE_ID": provider, "ASSOCIATED_ENTITY_ID": "0", "SUBJECT": subject,
             "RESPONSIBLE_ID": str(user), "DEADLINE": when(deadline) or NO_DEADLINE, "CREATED": when(created),
             "LAST_UPDATED": when(updated or created), "START_TIME": when(started or deadline) or "",
             "END_TIME": when(started or deadline) or "", "COMPLETED": "Y" if done else "N", "DIRECTION": "0",
             "ORIGIN_ID": None, "IS_INCOMING_CHANNEL": "N", **own}
        )  # fmt: skip

    def add_task(
        self,
        key: int,
        title: str,
        user: int,
        *,
        deadline: datetime | None,
        created: datetime,
        closed: datetime | None = None,
        changed: datetime | None = None,
        status: int = 2,
        crm: Sequence[str] = (),
    ) -> Row:
        return self.tasks.add(
            {"id": str(key), "title": title, "responsibleId": str(user), "deadline": when(deadline),
             "createdDate": when(created), "closedDate": when(closed), "status": str(status),
             "changedDate": when(changed or closed or created),
             "ufCrmTask": list(crm) or False, "group": []}
        )  # fmt: skip

    def add_call(
        self, key: int, user: int, started: datetime, seconds: int, *, kind: int = 1, code: str = "200", **own: Any
    ) -> Row:
        return self.calls.add(
            {"ID": str(key), "PORTAL_USER_ID": str(user), "PHONE_NUMBER": "+70000000000", "CALL_TYPE": str(kind),
             "CALL_DURATION": str(seconds), "CALL_START_DATE": when(started), "CALL_FAILED_CODE": code,
             "CRM_ENTITY_TYPE": "CONTACT", "CRM_ENTITY_ID": "5", "CRM_ACTIVITY_ID": "0", **own}
        )  # fmt: skip

    def add_company(self, key: int, title: str, creator: int, owner: int, created: datetime, **own: Any) -> Row:
        return self.companies.add(
            {"id": key, "title": title, "createdBy": creator, "assignedById": owner, "createdTime": when(created),
             "updatedTime": when(created), "isMyCompany": "N", **own}
        )  # fmt: skip

    def add_comment(self, key: int, deal: int, author: int, created: datetime) -> None:
        self.comments[deal].append(
            {"ID": str(key), "ENTITY_ID": deal, "ENTITY_TYPE": "deal", "CREATED": when(created),
             "AUTHOR_ID": str(author), "COMMENT": "…"}
        )  # fmt: skip
