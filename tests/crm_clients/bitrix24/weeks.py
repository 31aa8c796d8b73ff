"""A made-up company's ordinary weeks in Bitrix24, of any size, with what a reader must count and at least ask."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.crm_clients.bitrix24.portal import CONTACT, DEAL, Portal

PAGE = COMMANDS = 50
"""Rows of a page, and commands of a request."""
NAMED = 490
"""Deals that a command can name in two parameters each: PHP reads a thousand of a query."""
SMALL = 10
"""Pages of lists that any reader must ask for, full or empty: the webhook's user, fields, two pages of stages and other
directories, calls begun before the window, activities and tasks done since the cutoff, overdue activities of other
owners than deals, deals created since the window began, deals moved while they were read."""
TEAM = 10
"""Managers of a department."""
STAGES = ("NEW", "TALKS", "OFFER")
OTHER_DIRECTORIES = ("SOURCE", "CONTACT_TYPE", "COMPANY_TYPE", "INDUSTRY", "EMPLOYEES", "DEAL_TYPE")
"""What crm.status.list tells besides stages."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def users(managers: int) -> list[str]:
    """Ids of the managers."""
    return [str(100 + n) for n in range(managers)]


class OrdinaryWeeks:
    """Fill a portal with a company's ordinary weeks, and count what a reader must find there."""

    def __init__(self, managers: int, deals: int, cutoff: datetime) -> None:
        """`deals` are open at the cutoff; closed ones, calls, meetings and companies follow from `managers`."""
        self.portal = Portal()
        self.told: dict[str, dict[str, int]] = {user: defaultdict(int) for user in users(managers)}
        """By manager, the KPIs that a reader must count."""
        self.rows: dict[str, int] = defaultdict(int)
        """By list, the rows that any reader must read."""
        self.bare = 0
        """Open deals that own no activity: their bindings must be asked for."""
        self._dice, self._cutoff, self._start = random.Random(managers), cutoff, cutoff - DAY
        self._people = [int(user) for user in self.told]
        self._key = deals
        self._add_company()
        for key in range(1, deals + 1):
            self._add_open_deal(key)
        for user in self._people:
            self._add_day(user)

    def _add_company(self) -> None:
        for stage, letter in (("NEW", None), ("TALKS", None), ("OFFER", None), ("WON", "S"), ("LOSE", "F")):
            self.portal.add_stage(stage, letter)
        for entity in OTHER_DIRECTORIES:
            for place in range(10):
                key = str(len(self.portal.statuses.rows) + 1)
                self.portal.statuses.add({"ID": key, "ENTITY_ID": entity, "STATUS_ID": str(place), "NAME": entity})
        self.portal.fields = {"ufCrm_1": {"type": "string"}, "ufCrmWhy": {"type": "string"}}
        for place, user in enumerate(self._people):
            department = 2 + place // TEAM
            self.portal.add_user(user, f"Менеджер {user}", departments=(department,))
        for department in range(1, 3 + len(self._people) // TEAM):
            parent = "" if department == 1 else "1"
            self.portal.departments.add({"ID": str(department), "NAME": f"Отдел {department}", "PARENT": parent})

    def _add_open_deal(self, key: int) -> None:
        user, dice = self._dice.choice(self._people), self._dice
        made = self._cutoff - timedelta(minutes=dice.randrange(60, 500_000))
        moved = max(made, self._cutoff - 20 * DAY * dice.random())
        filled = dice.random() < 0.9
        walked = STAGES[: dice.randrange(1, len(STAGES) + 1)]
        self.portal.add_deal(
            key, f"Поставка {key}", user, walked[-1], created=made, amount=Decimal(dice.randrange(10**6)), moved=moved,
            ufCrm_1="да" if filled else "",
        )  # fmt: skip
        self._add_history(key, [(stage, "P") for stage in walked], made, moved)
        mine = self.told[str(user)]
        mine["deals_open"] += 1
        mine["deals_missing_fields"] += not filled
        self.rows["open deals"] += 1
        if dice.random() < 0.5:
            self.portal.add_comment(key, key, user, self._cutoff - HOUR)
        if dice.random() < 0.85:
            for _ in range(1 + (dice.random() < 0.5) + (dice.random() < 0.5) + (dice.random() < 0.5)):
                self._add_step(key, user, made)
        elif dice.random() < 0.02:
            self._key += 1
            self.portal.add_activity(
                self._key, f"Дело {key}", user, owner=(CONTACT, 5), bound=[(DEAL, key)], created=made
            )
            self.bare += 1
        else:
            mine["deals_without_task"] += 1
            self.bare += 1

    def _add_step(self, deal: int, user: int, made: datetime) -> None:
        dice = self._dice
        self._key += 1
        late = dice.random() < 0.03
        deadline = self._cutoff + HOUR * (-dice.randrange(1, 90) if late else dice.randrange(1, 400))
        look: dict[str, Any] = {}
        if dice.random() < 0.3:
            self.portal.add_task(
                self._key, f"Задача {self._key}", user, deadline=deadline, created=made, crm=[f"D_{deal}"]
            )
            self.rows["overdue tasks"] += late
            look = {"kind": 3, "provider": "CRM_TASKS_TASK", "ASSOCIATED_ENTITY_ID": str(self._key)}
        self.portal.add_activity(
            self._key, f"Дело {self._key}", user, owner=(DEAL, deal), deadline=deadline, created=made, **look
        )
        self.rows["activities"] += 1
        self.told[str(user)]["overdue_tasks"] += late

    def _add_history(self, deal: int, walked: list[tuple[str, str]], made: datetime, moved: datetime) -> None:
        """One entry for the creation and for every stage since, the last at `moved`."""
        for place, (stage, semantics) in enumerate(walked):
            at = made + (moved - made) * (place / max(1, len(walked) - 1))
            self.portal.add_move(deal, stage, semantics, at, 1 if place == 0 else 2 if semantics == "P" else 3)

    def _add_day(self, user: int) -> None:
        """Add what a manager has closed, and whom he has called and met."""
        dice, mine = self._dice, self.told[str(user)]
        for kind in ("won", "won", "lost"):
            self._key += 1
            at = self._start + DAY * dice.random()
            end = ("WON", "S") if kind == "won" else ("LOSE", "F")
            made = at - 9 * DAY
            self.portal.add_deal(
                self._key, f"Сделка {self._key}", user, end[0], created=made, moved=at, closed=True, amount=Decimal(100)
            )
            walked = [*((stage, "P") for stage in STAGES), end]
            self._add_history(self._key, walked, made, at)
            mine[f"deals_{kind}"] += 1
            self.rows["closed deals"] += 1
            self.rows["moves"] += len(walked)
        for _ in range(30):
            self._key += 1
            self.portal.add_call(self._key, user, self._start + HOUR + (DAY - 2 * HOUR) * dice.random(), 60)
            mine["calls_held"] += 1
            self.rows["calls"] += 1
        for _ in range(2):
            self._key += 1
            at = self._start + DAY * dice.random()
            self.portal.add_activity(
                self._key, "Встреча", user, kind=1, provider="CRM_MEETING", started=at, created=at - DAY, done=True,
                updated=min(at + HOUR, self._cutoff - HOUR / 60),
            )  # fmt: skip
            self.portal.add_company(self._key, f"Компания {self._key}", user, user, at)
            mine["meetings_held"] += 1
            mine["companies_added"] += 1
            self.rows["meetings"] += 1
            self.rows["companies"] += 1

    @property
    def fewest(self) -> int:
        """Requests of a reader whose every request is full: the employees first, then all lists together."""
        # A list is at its end with the first short page, which may be empty.
        pages = SMALL + sum(count // PAGE + 1 for count in self.rows.values()) + -(-self.bare // NAMED)
        return 1 + -(-pages // COMMANDS)
