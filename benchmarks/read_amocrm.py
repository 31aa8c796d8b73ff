"""amoCRM's part of `benchmarks.read`: the account, our client and `amocrm-api`."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from benchmarks.read import KPIS, LATENCY, Served
from crm_clients.amocrm.client import AmocrmClient
from crm_clients.amocrm.config import AmocrmConfig
from crm_clients.base import DictMemory
from tests.crm_clients.amocrm.account_rows import LOST, UNSORTED, WON, Stage, User
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.oracle import Expectation, expected_of
from tests.crm_clients.amocrm.world import World
from tests.crm_clients.answering import answering

LIMIT, PACE = 7, 6.8
REQUIRED = {"*": ["77001"]}
DAY, HOUR = 86400, 3600
STAGES = [(3100, 3110 + n) for n in range(6)] + [(3200, 3210 + n) for n in range(4)]


def users(managers: int) -> list[str]:
    """Ids."""
    return [str(100 + n) for n in range(managers)]


def client(url: str, memory: DictMemory) -> AmocrmClient:
    """Ours, with settings that ask for every KPI."""
    config = AmocrmConfig.model_validate(
        {"base_url": url, "token": "long-lived", "required_fields": REQUIRED, "read_timeout_seconds": 7200}
    )
    return AmocrmClient(config, memory)


def allowed(calls: int) -> float:
    """Evenly paced just below the limit."""
    return calls / PACE


def fill(managers: int, deals: int, cutoff: datetime) -> Served:
    """The account, behind the true limit."""
    until = int(cutoff.timestamp())
    world = account(managers, deals, until)
    fake = FakeAmocrm(world, rate=LIMIT, patience=10**9, latency=LATENCY, keep_requests=False)
    fake.beside = answering(fake)

    async def count() -> tuple[int, int]:
        found = fake.count, fake.refused
        fake.count = fake.refused = 0
        return found

    return Served(fake.handle, fewest_calls(world, until), expected(world, until), count)


def expected(world: World, cutoff: int) -> dict[str, dict[str, int]]:
    """By user, how many things are behind each KPI."""
    found = expected_of(world, Expectation(cutoff - DAY, cutoff, required_fields=REQUIRED))
    return {
        str(user): {key: _size(key, kpis.get("talk_seconds" if key == "talk_minutes" else key, 0)) for key in KPIS}
        for user, kpis in found.items()
        if str(user) != "1"
    }


def _size(key: str, value: Any) -> int:
    if key == "talk_minutes":
        return int(value) // 60
    return value if isinstance(value, int) else len(value)


def account(managers: int, deals: int, cutoff: int) -> World:
    """A company's ordinary weeks: most deals are in work and have a task, few tasks are overdue."""
    rnd = random.Random(managers)
    world = World()
    world.add_pipeline(
        3100, [Stage(3101, "Неразобранное", UNSORTED), *(Stage(3110 + n, f"Этап {n}") for n in range(6))]
    )
    world.add_pipeline(3200, [Stage(3210 + n, f"Шаг {n}") for n in range(4)])
    world.loss_reasons = {501: "Дорого"}
    world.add_user(User(1, "Администратор", admin=True))
    users = [world.add_user(User(100 + n, f"Менеджер {n:04d}", group=0)).id for n in range(managers)]
    start = cutoff - DAY
    open_deals = []
    for _ in range(deals):
        owner, made = rnd.choice(users), cutoff - rnd.randint(HOUR, 400 * DAY)
        fields = {"77001": "сайт"} if rnd.random() < 0.9 else {}
        lead = world.add_lead(
            owner, made, rnd.choice(STAGES), name=f"Поставка {made}", price=rnd.randint(0, 10**6), fields=fields
        )
        open_deals.append(lead)
        if rnd.random() < 0.75:
            due = cutoff - rnd.randint(1, 5 * DAY) if rnd.random() < 0.08 else cutoff + rnd.randint(0, 20 * DAY)
            world.add_task(owner, made, due, lead, text="Позвонить")
    for user in users:
        for _ in range(20):
            lead = rnd.choice(open_deals)
            world.move_lead(
                lead, max(lead.stage.at[-1], cutoff - rnd.randint(1, 14 * DAY)), rnd.choice(STAGES), by=user
            )
        for stage in (WON, LOST):
            closed = world.add_lead(user, start - 9 * DAY, rnd.choice(STAGES))
            world.move_lead(
                closed, start + rnd.randint(0, DAY - 1), (3100, stage), reason=rnd.choice([None, 501]), by=user
            )
        for number in range(6):
            task = world.add_task(user, start - DAY, cutoff, rnd.choice(open_deals), type_id=2 if number < 2 else 1)
            world.finish_task(task, start + rnd.randint(0, DAY - 1))
        for number in range(15):
            entity = ("contacts", 5) if number % 2 else ("leads", rnd.choice(open_deals).id)
            at = start + rnd.randint(0, DAY - 1)
            world.add_call(user, at, rnd.choice([0, 20, 60, 300]), uniq=f"{user}-{number}", entity=entity)
        world.add_company(user, start + rnd.randint(0, DAY - 1))
    return world


def fewest_calls(world: World, cutoff: int) -> int:
    """Full pages of everything that must be read, each list once, and one call each for account, user and stages.

    What has happened since the cutoff must be asked for though it is nothing, in events and, for no event tells that a
    task was undone, in tasks.
    """
    start, horizon = cutoff - DAY, cutoff - 14 * DAY
    leads = [lead.stage.last[1] for lead in world.leads.values()]
    done = [e for e in world.events if e.type == "task_completed" and start <= e.created_at < cutoff]
    calls = [note.entity_type for note in world.notes.values() if note.type.startswith("call_")]
    rows_per_page = [
        (sum(status not in (WON, LOST) for status in leads), 250),
        (sum(status in (WON, LOST) for status in leads), 250),
        (sum(not task.done.last and task.due.last < cutoff for task in world.tasks.values()), 250),
        (sum(e.type == "lead_status_changed" and horizon <= e.created_at < cutoff for e in world.events), 100),
        (len(done), 100),
        (len({e.entity_id for e in done}), 250),
        *((calls.count(entity), 250) for entity in ("leads", "contacts", "companies")),
        (len(world.companies), 250),
    ]
    return 3 + 2 + sum(max(1, -(-rows // page)) for rows, page in rows_per_page)


def read_amocrm_api(url: str, until: datetime) -> int:
    """The same lists by `amocrm-api` 2.6.1: host and scheme replaced, a throttle and patience with 429 added."""
    from amocrm.v2 import exceptions, filters, interaction

    cutoff = int(until.timestamp())

    session = interaction.requests.Session()
    slot = time.perf_counter()

    class Patched(interaction.GenericInteraction):  # type: ignore[misc]
        def _get_url(self, path: str) -> str:
            return f"{url}/api/v4/{path}"

        def _get_auth_headers(self) -> dict[str, str]:
            return {"Authorization": "Bearer long-lived"}

        def _request(self, *args: Any, **kwargs: Any) -> Any:
            nonlocal slot
            while True:
                slot = max(slot + 1 / PACE, time.perf_counter())
                time.sleep(max(0.0, slot - time.perf_counter()))
                try:
                    return super()._request(*args, **kwargs)
                except exceptions.AmoApiException as error:
                    if "429" not in str(error):
                        raise
                    slot += 1  # what amoCRM asks for

        def get_events(self, wanted: list[Any]) -> Iterator[Any]:
            for data in self._all(self.path, filters=wanted, limit=100):
                yield from data["events"]

    class Raw(filters.Filter):  # type: ignore[misc]
        """The library's own stage filter holds one stage only."""

        def __init__(self, **params: Any) -> None:
            self.params = params

        def _as_params(self) -> dict[str, Any]:
            return self.params

    def stages(pairs: list[tuple[int, int]]) -> Any:
        params = {}
        for n, (pipeline, status) in enumerate(pairs):
            params[f"filter[statuses][{n}][pipeline_id]"] = pipeline
            params[f"filter[statuses][{n}][status_id]"] = status
        return Raw(**params)

    def make(path: str, field: str) -> Any:
        return Patched(session=session, path=path, field=field)

    def events(kind: str, since: int) -> list[Any]:
        span = Raw(**{"filter[created_at][from]": since, "filter[created_at][to]": cutoff - 1, "filter[type]": kind})
        return list(make("events", "events").get_events([span]))

    start = cutoff - DAY
    closing = [(pipeline, status) for pipeline in (3100, 3200) for status in (WON, LOST)]
    rows: dict[str, list[Any]] = {}
    for path in ("account", f"users/{1}", "leads/pipelines"):
        make(path, path).request("get", path)
    by_id = {"id": "asc"}
    rows["leads"] = list(make("leads", "leads").get_all(filters=[stages(STAGES)], order=by_id))
    closed = Raw(**{"filter[closed_at][from]": start})
    rows["closed"] = list(make("leads", "leads").get_all(filters=[stages(closing), closed], order=by_id))
    rows["tasks"] = list(make("tasks", "tasks").get_all(filters=[Raw(**{"filter[is_completed]": 0})], order=by_id))
    rows["turns"] = events("lead_status_changed", cutoff - 14 * DAY)
    rows["done"] = events("task_completed", start)
    ids = sorted({event["entity_id"] for event in rows["done"]})
    for at in range(0, len(ids), 250):
        chosen = Raw(**{f"filter[id][{n}]": number for n, number in enumerate(ids[at : at + 250])})
        rows.setdefault("meetings", []).extend(make("tasks", "tasks").get_all(filters=[chosen]))
    for entity in ("leads", "contacts", "companies"):
        kinds = Raw(
            **{"filter[note_type][0]": "call_in", "filter[note_type][1]": "call_out", "filter[updated_at][from]": start}
        )
        rows[entity + "/notes"] = list(make(f"{entity}/notes", "notes").get_all(filters=[kinds]))
    span = Raw(**{"filter[created_at][from]": start, "filter[created_at][to]": cutoff - 1})
    rows["companies"] = list(make("companies", "companies").get_all(filters=[span], order=by_id))
    return len(rows["leads"])


LIBRARIES = {"amocrm-api": read_amocrm_api}
