"""The dead-man's switch hears of every cutoff: start, success, failure; and never delays or fails one."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from crm_clients.errors import CrmUnavailable
from reglament.config.settings import build
from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from reglament.errors import SettingsError
from reglament.process import store_teams
from reglament.service import watch as watch_module
from reglament.service.watch import Step, Watch
from reglament.service.work import ServiceWork
from scoring.records import Company
from tests.reglament.scripted import ANNA, MOSCOW_6PM, ScriptedCrm, TestClock, facts, process

COMPANY = Company("c1", "Ромашка-Пример", ANNA, MOSCOW_6PM - timedelta(hours=1))
"""Somebody did something: zero for everybody would be a question."""

URL = "https://hc.example/ping/5ecret-uuid?create=1"


class Switch:
    """Notes what is pinged; answers as told."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.pings: list[tuple[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.pings.append((request.url.raw_path.decode(), request.content.decode()))
        return httpx.Response(self.answers.pop(0) if self.answers else 200)


async def day_at_the_switch(database, switch: Switch, **crm) -> ServiceWork:
    clock = TestClock()
    ready = process(database, ScriptedCrm(clock, facts([COMPANY]), **crm), clock)
    await store_teams(ready)

    async def send(_delivery_id: int) -> None:
        return None

    watch = Watch(URL, httpx.MockTransport(switch))
    work = ServiceWork(ready, await load_clocks(ready), await LiveReadings.load(ready), send, watch=watch)
    cutoffs, _ = await work.due()
    await work.cutoff(cutoffs[0])
    await watch.aclose()
    return work


async def test_a_cutoff_pings_its_start_and_its_success_in_order_with_a_line(database):
    switch = Switch()
    await day_at_the_switch(database, switch)
    assert switch.pings == [
        ("/ping/5ecret-uuid/start?create=1", "sales 2026-11-19: begins"),
        ("/ping/5ecret-uuid?create=1", "sales 2026-11-19: finished"),
    ]


async def test_a_crm_that_is_down_is_a_log_line_until_the_day_is_settled(database):
    switch = Switch()
    await day_at_the_switch(database, switch, down=CrmUnavailable("HTTP 503 of https://secret.example"))
    assert [path for path, _ in switch.pings] == ["/ping/5ecret-uuid/start?create=1", "/ping/5ecret-uuid/log?create=1"]
    assert "a later attempt at" in switch.pings[1][1]
    assert "secret.example" not in switch.pings[1][1]


async def test_a_switch_out_of_order_is_asked_again_and_fails_no_day(database, monkeypatch):
    monkeypatch.setattr(watch_module, "PAUSE_SECONDS", 0)
    switch = Switch(500, 500, 500, 503, 200)
    work = await day_at_the_switch(database, switch)
    assert len(switch.pings) == 5
    assert not (await work.due())[0]


async def test_without_an_address_nothing_is_pinged():
    watch = Watch()
    watch.ping(Step.FAIL, "x")
    await watch.aclose()


@pytest.mark.parametrize(
    "url", ["http://hc.example/x", "ftp://hc.example", "https://", "x", "http://127.0.0.1.example/x"]
)
def test_a_switch_is_pinged_by_https_only_except_on_this_machine(url: str):
    with pytest.raises(SettingsError, match=r"watch\.url: must begin with https://") as caught:
        build({"watch": {"url": url}})
    assert url not in str(caught.value).replace("must begin with https://", "") or url == "x"
    for fine in ("", "https://hc.example/x", "http://localhost:8000/x", "http://127.0.0.1/x", "http://[::1]/x"):
        assert build({"watch": {"url": fine}}).watch.url.get_secret_value() == fine
