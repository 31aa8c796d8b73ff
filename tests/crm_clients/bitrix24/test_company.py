"""Random companies full of nasty rows: every KPI of every manager is what the company's own records say."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina

from crm_clients.base import DictMemory, ReadRequest
from crm_clients.bitrix24.client import Bitrix24Client
from crm_clients.bitrix24.config import Bitrix24Config
from scoring.kpis import CATALOGUE
from scoring.snapshot import Manager, NotRead, Reading, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window
from tests.crm_clients.bitrix24.fake import FakeBitrix24
from tests.crm_clients.bitrix24.portal import CONTACT, DEAL, SECRET, Portal
from tests.crm_clients.client_under_test import MOSCOW, NO_GRACE
from tests.crm_clients.world import CUTOFF, START, FakeClock

PEOPLE = range(101, 107)
ROBOT, LEFT = 99, 98
STAGES = {"NEW": "P", "TALKS": "P", "WON": "S", "LOSE": "F", "APOLOGY": "F"}
TRACES = (
    {"provider": "IMOPENLINES_SESSION"},
    {"provider": "CRM_WEBFORM"},
    {"provider": "CRM_EMAIL", "kind": 4},
    {"provider": "VOXIMPLANT_CALL", "kind": 2, "ORIGIN_ID": "VI_1"},
)
STEPS: tuple[dict[str, Any], ...] = (
    {"provider": "CRM_TODO"},
    {"provider": "CRM_MEETING", "kind": 1},
    {"provider": "VOXIMPLANT_CALL", "kind": 2, "DIRECTION": "2"},
)
DAY = timedelta(days=1)


class Company:
    """A portal filled by chance, beside what must be counted of it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # no secret depends on it
        self.portal = Portal()
        self.truth: dict[int, dict[str, Any]] = {user: defaultdict(int) for user in (*PEOPLE, LEFT, ROBOT)}
        self.open: dict[int, int] = {}
        self.covered: set[int] = set()
        self.commented: set[int] = set()
        self.young: set[int] = set()
        for category in (0, 3):
            for stage, letter in STAGES.items():
                self.portal.add_stage(self.stage(stage, category), None if letter == "P" else letter, category)
        self.portal.fields = {"ufCrm_1": {"type": "string"}, "ufCrmWhy": {"type": "string"}}
        for user in PEOPLE:
            self.portal.add_user(user, f"Менеджер {user}")
        self.portal.add_user(LEFT, "Ушедший", active=False)
        for key in range(1, 701):
            self.deal(key)
        for key in range(1, 901):
            self.step(key)
        for key in range(1, 401):
            self.call(key)
        for key in range(1, 200):
            self.meeting(50_000 + key)
            self.company(key)
        for deal, user in self.open.items():
            self.truth[user]["deals_without_task"] += deal not in self.covered
            self.truth[user]["deals_without_comment"] += deal not in self.commented and deal not in self.young

    @staticmethod
    def stage(name: str, category: int) -> str:
        return f"C{category}:{name}" if category else name

    def user(self) -> int:
        return int(self.dice.choice([*PEOPLE, *PEOPLE, *PEOPLE, LEFT]))

    def instant(self, days: float, until: datetime = CUTOFF) -> datetime:
        """Some second of the last days."""
        return until - timedelta(seconds=self.dice.randrange(1, int(days * 86400)))

    def deal(self, key: int) -> None:
        dice, user, category = self.dice, self.user(), self.dice.choice((0, 0, 3))
        created = self.instant(40) if dice.random() < 0.9 else CUTOFF + timedelta(seconds=dice.randrange(15))
        at, stage, state, entered, since = created, "NEW", "P", created, created
        was_closed = reopened = False
        self.portal.add_move(key, self.stage("NEW", category), "P", created, 1, category)
        for _ in range(dice.choice((0, 0, 1, 1, 2, 3, 4))):
            at = at + timedelta(seconds=dice.randrange(60, 10 * 86400))
            if at >= CUTOFF:
                break
            following = dice.choice([name for name in STAGES if name != stage])
            if STAGES[following] != state:
                reopened = STAGES[following] == "P" and was_closed if STAGES[following] == "P" else reopened
                was_closed |= STAGES[following] != "P"
                entered = at
            stage, state, since = following, STAGES[following], at
            self.portal.add_move(key, self.stage(stage, category), state, at, 2, category)
        filled, why = dice.random() < 0.8, dice.choice(("", "Цена", " "))
        amount = dice.choice((None, Decimal(0), Decimal(dice.randrange(1, 10**9)) / 100))
        recurring = dice.random() < 0.05
        now_stage, moved = stage, since
        if created < CUTOFF and dice.random() < 0.1:  # moved between the cutoff and the reading
            now_stage, moved = dice.choice([name for name in STAGES if name != stage]), CUTOFF + timedelta(seconds=5)
            self.portal.add_move(key, self.stage(now_stage, category), STAGES[now_stage], moved, 2, category)
        self.portal.add_deal(
            key, f"Сделка {key}", user, self.stage(now_stage, category), created=created, moved=moved,
            closed=STAGES[now_stage] != "P", category=category, amount=amount,
            currency=dice.choice(("RUB", "EUR")), recurring=recurring, ufCrm_1="да" if filled else "", ufCrmWhy=why,
        )  # fmt: skip
        row = self.portal.deals.rows[key]
        comments = [self.instant(30) for _ in range(dice.choice((0, 0, 1, 3)))]
        for place, when in enumerate(comments):
            self.portal.add_comment(key * 100 + place, key, dice.choice((ROBOT, *PEOPLE)), when)
        if created >= CUTOFF or recurring:
            return
        told = self.truth[user]
        if state == "P":
            self.open[key] = user
            told["deals_open"] += 1
            told["deals_missing_fields"] += not filled
            told["stale_deals"] += since < CUTOFF - 14 * DAY
            self.young |= {key} if created >= CUTOFF - DAY else set()
            self.commented |= {key} if any(c["AUTHOR_ID"] != str(ROBOT) for c in self.portal.comments[key]) else set()
        elif entered >= START:
            kind = "won" if state == "S" else "lost"
            told[f"deals_{kind}"] += 1
            if state == "S" and amount:
                sums = told.setdefault("won_amount", {})
                sums[row["currencyId"]] = sums.get(row["currencyId"], Decimal(0)) + amount
            told["lost_without_reason"] += state == "F" and not why.strip()

    def step(self, key: int) -> None:
        """Something planned or the trace of something, on its own or with a task, on a deal, a contact or nothing."""
        dice, user = self.dice, self.user()
        deal = dice.randrange(1, 701)
        created = self.instant(20) if dice.random() < 0.95 else CUTOFF + timedelta(seconds=3)
        deadline = dice.choice((None, self.instant(9), CUTOFF, CUTOFF + 2 * DAY))
        done = dice.choice((None, None, None, self.instant(5), CUTOFF + timedelta(seconds=9)))
        updated = max(created, done or created)
        owner, bound = dice.choice((((DEAL, deal), ()), ((CONTACT, 5), ()), ((CONTACT, 5), ((DEAL, deal),))))
        on_deal = owner[0] == DEAL or bool(bound)
        is_open = created < CUTOFF and (done is None or done >= CUTOFF)
        late = is_open and deadline is not None and deadline < CUTOFF
        way = dice.choice(("step", "trace", "task", "loose task"))
        if way in ("step", "trace"):
            look = dice.choice(STEPS if way == "step" else TRACES)
            self.portal.add_activity(
                key, f"Дело {key}", user, owner=owner, bound=bound, deadline=deadline, created=created,
                updated=updated, done=done is not None, **look,
            )  # fmt: skip
            if look.get("kind") == 1 and done is not None and updated < CUTOFF and deadline is not None:
                self.truth[user]["meetings_held"] += START <= deadline < CUTOFF
                self.truth[user]["before"] += START - DAY <= deadline < START
            is_open, late = is_open and way == "step", late and way == "step"
        else:
            status = dice.choice((2, 3, 4, 6)) if done is None else 5
            crm = [f"D_{deal}"] if on_deal and way == "task" else []
            self.portal.add_task(
                key, f"Задача {key}", user, deadline=deadline, created=created, closed=done, status=status, crm=crm
            )
            on_deal = bool(crm)
            if crm:
                self.portal.add_activity(
                    key + 10_000, f"Задача {key}", user, owner=owner, bound={*bound, (DEAL, deal)}, kind=3,
                    provider="CRM_TASKS_TASK", deadline=deadline, created=created, updated=updated,
                    done=done is not None, ASSOCIATED_ENTITY_ID=str(key),
                )  # fmt: skip
            late = late and status != 4
        self.truth[user]["overdue_tasks"] += late
        if is_open and on_deal:
            self.covered.add(deal)

    def call(self, key: int) -> None:
        dice, user = self.dice, self.user()
        code, kind = dice.choice(("200", "304", "603")), dice.choice((1, 2, 3, 4, 5))
        seconds = dice.randrange(1, 4000) if code == "200" else 0
        ended = self.instant(3, CUTOFF + DAY)
        self.portal.add_call(key, user, ended - timedelta(seconds=seconds), seconds, kind=kind, code=code)
        if START <= ended < CUTOFF and kind != 5:
            held = code == "200" and seconds >= 30
            self.truth[user]["calls_held"] += held
            self.truth[user]["seconds"] += seconds if held else 0
            self.truth[user]["missed_calls"] += kind in (2, 3) and code != "200"

    def meeting(self, key: int) -> None:
        dice, user = self.dice, self.user()
        started, done = self.instant(2), dice.random() < 0.7
        changed = dice.choice((self.instant(0.1), self.instant(0.1), CUTOFF + timedelta(seconds=4)))
        self.portal.add_activity(
            key, f"Встреча {key}", user, kind=1, provider="CRM_MEETING", started=started, created=started - DAY,
            updated=changed, done=done, deadline=CUTOFF + DAY,
        )  # fmt: skip
        held = done and changed < CUTOFF
        self.truth[user]["meetings_held"] += held and started >= START
        self.truth[user]["before"] += held and START - DAY <= started < START

    def company(self, key: int) -> None:
        user, created = self.user(), self.instant(2, CUTOFF + timedelta(hours=2))
        self.portal.add_company(key, f"Компания {key}", user, self.user(), created)
        self.truth[user]["companies_added"] += START <= created < CUTOFF


def lies(reading: Reading, expected: Any) -> bool:
    """Whether a value is what was expected; of what changed after the cutoff, whether it lies between the ends."""
    if isinstance(reading, Value):
        return bool(reading.number == expected)
    assert isinstance(reading, NotRead)
    assert reading.range is not None
    low, high = reading.range.low.number, reading.range.high
    return isinstance(low, int) and isinstance(high, int) and low <= expected <= high


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("trouble", [False, True])
async def test_every_kpi_of_every_manager_is_what_the_company_says(seed: int, trouble: bool) -> None:
    company = Company(seed)
    clock = FakeClock(CUTOFF + timedelta(seconds=20))
    fake = FakeBitrix24(
        company.portal, now=lambda: clock.now().timestamp(), per_second=2, lists_as_objects=seed % 2 > 0
    )
    dice = random.Random(seed)  # no secret depends on it
    codes = ("INTERNAL_SERVER_ERROR", "QUERY_LIMIT_EXCEEDED", "ERROR_CORE")

    def fault(_method: str, _params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        return {"error": dice.choice(codes), "error_description": ""} if trouble and dice.random() < 0.03 else None

    fake.fault = fault
    config = Bitrix24Config.model_validate(
        {
            "kind": "bitrix24",
            "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}/",
            "loss_reason_field": "UF_CRM_WHY",
            "required_fields": {"*": ["UF_CRM_1"]},
        }
    )
    window = Window(START, CUTOFF, START - DAY)
    members = {str(user): Manager(str(user), str(user)) for user in PEOPLE}
    client = Bitrix24Client(config, DictMemory(), transport=fake, clock=clock)
    tally = Tally(
        TallySheet(members, window, MOSCOW, tuple(CATALOGUE), NO_GRACE),
        client.capabilities,
        client.link,
    )
    with stamina.set_testing(True, attempts=1000, cap=True):
        async for fact in client.read(ReadRequest(window, frozenset(CATALOGUE), frozenset(members))):
            tally.add(fact)
    await client.aclose()
    for snapshot in tally.snapshots():
        told = company.truth[int(snapshot.manager.crm_user)]
        for key, reading in snapshot.readings.items():
            expected = told.get(key, {} if key == "won_amount" else 0)
            if key == "talk_minutes":
                expected = told["seconds"] // 60
            assert lies(reading, expected), (snapshot.manager.crm_user, key, expected, reading)
