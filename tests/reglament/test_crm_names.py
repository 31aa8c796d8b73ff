"""The CRM's names for what the settings name by id: asked for seldom, and never in anybody's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crm_clients.errors import CrmUnavailable
from reglament import crm_names
from reglament.crm_names import KeptNames
from scoring.crm_names import CrmNames
from tests.reglament.scripted import FixedConnections, ScriptedCrm

NAMES = CrmNames({"3": "Тёплые"})


class Telling(ScriptedCrm):
    """A CRM that tells names, after an error or a pause where a test says so."""

    answers: Any = (NAMES,)
    asked = 0

    async def names(self) -> CrmNames:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            return NAMES
        if isinstance(answer, BaseException):
            raise answer
        return answer


def kept(crm: ScriptedCrm) -> KeptNames:
    return KeptNames(FixedConnections(crm))  # type: ignore[arg-type]


async def test_names_are_asked_for_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    crm = Telling(None)
    names = kept(crm)
    assert [await names.of("main") for _ in range(3)] == [NAMES] * 3
    assert crm.asked == 1
    monkeypatch.setattr(crm_names, "FRESH_SECONDS", 0.0)
    assert await names.of("main") == NAMES
    await asyncio.gather(*names._running.values())
    assert crm.asked == 2


@pytest.mark.parametrize("error", [CrmUnavailable("down"), KeyError("result"), asyncio.CancelledError()])
async def test_a_crm_that_fails_leaves_the_names_known_last(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    crm = Telling(None)
    names = kept(crm)
    crm.answers = (error, NAMES, error)
    assert await names.of("main") == CrmNames()
    assert await names.of("main") == CrmNames(), "a CRM that is down is not asked again for every reader"
    monkeypatch.setattr(crm_names, "FRESH_SECONDS", 0.0)
    assert await names.of("main") in (CrmNames(), NAMES)
    await asyncio.gather(*names._running.values())
    for _ in range(2):
        assert await names.of("main") == NAMES


async def test_a_slow_crm_holds_nobody_up_and_its_answer_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crm_names, "PATIENCE_SECONDS", 0.01)
    crm, answer = Telling(None), asyncio.Event()
    crm.answers = (answer,)
    names = kept(crm)
    assert await names.of("main") == CrmNames()
    answer.set()
    await asyncio.gather(*names._running.values())
    assert await names.of("main") == NAMES


async def test_a_crm_without_names_has_none() -> None:
    assert await kept(ScriptedCrm(None)).of("main") == CrmNames()
