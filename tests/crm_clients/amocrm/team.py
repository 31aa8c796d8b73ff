"""Reads a made-up amoCRM account and compares what is counted with what its past says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import httpx

from crm_clients.amocrm.client import AmocrmClient
from crm_clients.amocrm.config import AmocrmConfig
from crm_clients.base import ClientMemory, DictMemory, ReadRequest, Severity
from scoring.kpis import CATALOGUE, KpiSettings
from scoring.records import Completed, Fact, Failed, RecordKind
from scoring.snapshot import Manager, NotRead, Snapshot, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window
from tests.crm_clients.amocrm.account_rows import Stage, User
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.oracle import Expectation, expected_of
from tests.crm_clients.amocrm.random_world import Scale
from tests.crm_clients.amocrm.world import World
from tests.crm_clients.serving import Handler
from tests.crm_clients.world import FakeClock

HOST = "https://example.amocrm.ru"
REQUIRED = {"*": ["77001"], "3200": ["INN"]}
START, CUTOFF = Scale().start, Scale().cutoff
ANNA, BORIS = 101, 102
NEW, TALKS = (3100, 3110), (3100, 3111)
DAY, HOUR = 86400, 3600
LONG_AGO = CUTOFF - 40 * DAY

Spoil = Callable[[str, str, httpx.Response], httpx.Response]
"""Gives another answer, by path, query and the honest answer."""

KINDS_BY_LIST = {
    "leads": {RecordKind.DEALS},
    "tasks": {RecordKind.TASKS, RecordKind.MEETINGS},
    "companies": {RecordKind.COMPANIES},
    "leads/notes": {RecordKind.COMMENTS, RecordKind.CALLS},
    "contacts/notes": {RecordKind.CALLS},
    "events": {RecordKind.DEALS, RecordKind.MEETINGS},
}
"""Kinds that are not whole without a list, by its path."""


def instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


WINDOW = Window(instant(START), instant(CUTOFF))


def config(**more: Any) -> AmocrmConfig:
    table = {"base_url": HOST, "token": "long-lived", "required_fields": REQUIRED, **more}
    return AmocrmConfig.model_validate(table)


def client_of(
    fake: FakeAmocrm,
    now: int = CUTOFF + 1,
    memory: ClientMemory | None = None,
    handle: Handler | None = None,
    **settings: Any,
) -> AmocrmClient:
    """A client before a fake, or before `handle`, which may answer otherwise than the fake."""
    clock = FakeClock(instant(now))
    fake.clock = lambda: clock.now().timestamp()
    transport = httpx.MockTransport(handle or fake.handle)
    return AmocrmClient(config(**settings), memory or DictMemory(), transport=transport, clock=clock)


def oauth(**more: Any) -> dict[str, Any]:
    """Settings with a token pair instead of a long-lived token."""
    table = {
        "token": None,
        "client_id": "client-id",
        "client_secret": "client-secret",
        "redirect_uri": "https://example.org/callback",
        "refresh_token": "seed-refresh",
    }
    return {**table, **more}


async def facts_of(
    client: AmocrmClient, users: Iterable[int] = (), kpis: Iterable[str] = CATALOGUE, window: Window = WINDOW
) -> list[Fact]:
    request = ReadRequest(window, frozenset(kpis), frozenset(map(str, users)))
    return [fact async for fact in client.read(request)]


async def facts_behind(
    world: World,
    spoil: Spoil,
    kpis: Iterable[str] = CATALOGUE,
    *,
    memory: ClientMemory | None = None,
    **fake: Any,
) -> list[Fact]:
    """What is read of Anna, a minute after the cutoff, behind answers that are spoilt."""
    honest = FakeAmocrm(world, **fake)

    async def answer(request: httpx.Request) -> httpx.Response:
        response = await honest.handle(request)
        return spoil(request.url.path.removeprefix("/api/v4/"), request.url.query.decode(), response)

    client = client_of(honest, CUTOFF + 60, memory, answer)
    facts = await facts_of(client, [ANNA], kpis)
    await client.aclose()
    return facts


def unspoilt(_path: str, _query: str, answer: httpx.Response) -> httpx.Response:
    return answer


def silent(*paths: str) -> Spoil:
    """Nothing, HTTP 204, to every question to one of the paths."""
    return lambda asked, _query, answer: httpx.Response(204) if asked in paths else answer


def marks_of(facts: Iterable[Fact]) -> dict[RecordKind, Completed | Failed]:
    return {fact.kind: fact for fact in facts if isinstance(fact, Completed | Failed)}


def count(
    client: AmocrmClient, facts: Iterable[Fact], users: Iterable[int], kpis: Iterable[str] = CATALOGUE
) -> dict[int, Snapshot]:
    members = {str(user): Manager(str(user), f"Менеджер {user}") for user in users}
    sheet = TallySheet(members, WINDOW, World().zone, tuple(kpis), KpiSettings(grace_minutes=0))
    tally = Tally(sheet, client.capabilities, client.link)
    for fact in facts:
        tally.add(fact)
    return {int(snapshot.manager.crm_user): snapshot for snapshot in tally.snapshots()}


def differences(world: World, snapshots: dict[int, Snapshot], **ask: Any) -> list[str]:
    """Where a value is not what the oracle says; readings without a value are no differences."""
    expected = expected_of(world, Expectation(START, CUTOFF, required_fields=REQUIRED, **ask))
    # Opening a deal again erases why it was lost; nobody can know it afterwards.
    erased = {lead.id for lead in world.leads.values() if lead.stage.last != lead.stage.before(CUTOFF)}
    erased |= {lead.id for lead in world.leads.values() if lead.reason.last != lead.reason.before(CUTOFF)}
    for mine in expected.values():
        mine["lost_without_reason"] = mine["lost_without_reason"] - erased
    found = []
    for user, snapshot in snapshots.items():
        for key, reading in snapshot.readings.items():
            if not isinstance(reading, Value):
                continue
            want, got = _both(key, expected[user], reading)
            if want != got:
                found.append(f"{user} {key}: expected {want}, counted {got}")
    return found


def unread(snapshots: dict[int, Snapshot]) -> set[str]:
    """KPIs that somebody has no value of."""
    return {
        key
        for snapshot in snapshots.values()
        for key, reading in snapshot.readings.items()
        if isinstance(reading, NotRead)
    }


def _both(key: str, expected: dict[str, Any], reading: Value) -> tuple[object, object]:
    if key == "talk_minutes":
        return (expected.get("talk_seconds") or 0) // 60, reading.number
    if key == "won_amount":
        assert not isinstance(reading.number, int)
        return expected.get(key) or 0, reading.number.get("RUB", 0)
    if key == "deals_open":
        return len(expected.get(key, ())), reading.number
    return sorted(map(str, expected.get(key, ()))), sorted(item.id for item in reading.items)


def two_managers() -> World:
    """Anna and Boris, two pipelines, nothing else."""
    world = World()
    world.add_pipeline(3100, [Stage(3101, "Неразобранное", 1), Stage(3110, "Новая"), Stage(3111, "Переговоры")])
    world.add_pipeline(3200, [Stage(3210, "Подогрев")])
    world.loss_reasons = {501: "Дорого"}
    world.add_user(User(1, "Администратор", admin=True))
    world.add_user(User(ANNA, "Анна Лебедева", group=0))
    world.add_user(User(BORIS, "Борис Орлов", group=61))
    return world


def fill_every_list(world: World) -> World:
    """Gives every list of the account a row of Anna's."""
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, TALKS)
    world.add_note(("leads", lead.id), START, by=ANNA)
    world.add_task(ANNA, LONG_AGO, CUTOFF - DAY, lead)
    world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF, lead, type_id=2), START + HOUR)
    world.add_call(ANNA, START + HOUR, 60, entity=("leads", lead.id))
    world.add_call(ANNA, START + HOUR, 60, entity=("contacts", 7))
    world.add_company(ANNA, START + HOUR)
    return world


async def ids(world: World, kpi: str, user: int = ANNA, late: int = 1, **fake: Any) -> list[str]:
    """Evidence of one KPI, read `late` seconds after the cutoff."""
    client = client_of(FakeAmocrm(world, **fake), CUTOFF + late)
    facts = await facts_of(client, [ANNA, BORIS], [kpi])
    reading = count(client, facts, [ANNA, BORIS], [kpi])[user].readings[kpi]
    await client.aclose()
    return [item.id for item in reading.items]  # type: ignore[union-attr]


async def findings_of(fake: FakeAmocrm, members: dict[str, str] | None = None, **settings: Any) -> dict[Severity, str]:
    """What `check` tells, by severity."""
    client = client_of(fake, **settings)
    findings = await client.check(members or {str(ANNA): "Анна", str(BORIS): "Борис"})
    await client.aclose()
    return {severity: "\n".join(f.text for f in findings if f.severity is severity) for severity in Severity}


def once(path: str, change: Callable[[], None], at: int = 1) -> Callable[[str, int], None]:
    """Lets something happen just before the `at`-th request to `path`."""
    seen = 0

    def before(asked: str, _number: int) -> None:
        nonlocal seen
        seen += asked.endswith(path)
        if asked.endswith(path) and seen == at:
            change()

    return before
