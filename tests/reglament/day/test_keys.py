"""Keys of a connection are renewed hours before a cutoff, and admins hear in time of keys that cannot be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crm_clients.errors import CrmRefused, CrmUnavailable
from reglament.day.clocks import load_clocks
from reglament.day.keys import AFTER_RETRIES, renew_keys
from storage.messages.notices import DeliveryKind
from tests.reglament.day.thursday import HOUR, THURSDAY, ready_process
from tests.reglament.scripted import MOSCOW_6PM, ScriptedCrm
from tests.storage.told import told


class CrmWithKeys(ScriptedCrm):
    """Notes until when its keys are asked to hold."""

    asked: list
    refusal = None

    async def renew_keys(self, until):
        self.asked.append(until)
        if self.refusal is not None:
            raise self.refusal


@pytest.fixture
def crm(clock):
    crm = CrmWithKeys(clock)
    crm.asked = []
    return crm


@pytest.mark.parametrize(("before", "renewed"), [(13, False), (12, True), (5, True), (1, True), (0.9, False)])
async def test_keys_are_renewed_hours_before_the_cutoff_and_never_at_it(database, crm, clock, before, renewed):
    process = await ready_process(database, crm, clock)
    clock.at = MOSCOW_6PM - timedelta(hours=before)
    await renew_keys(process, await load_clocks(process))
    minutes = process.settings.teams["sales"].retry_minutes
    assert crm.asked == ([MOSCOW_6PM + timedelta(minutes=minutes) + AFTER_RETRIES] if renewed else [])


async def test_a_client_whose_keys_do_not_end_is_left_alone(database, clock):
    process = await ready_process(database, ScriptedCrm(clock), clock)
    clock.at = MOSCOW_6PM - 5 * HOUR
    await renew_keys(process, await load_clocks(process))


@pytest.mark.parametrize(("error", "alarms"), [(CrmRefused("connect again"), 1), (CrmUnavailable("HTTP 503"), 0)])
async def test_admins_hear_once_of_keys_that_cannot_be_renewed(database, crm, clock, error, alarms):
    process = await ready_process(database, crm, clock)
    clock.at, crm.refusal = MOSCOW_6PM - 5 * HOUR, error
    for _ in range(2):
        await renew_keys(process, await load_clocks(process))
    async with database.reading() as session:
        alarms_told = await told(session, f"alarm:main:{THURSDAY}")
    assert [(alarm.kind, alarm.recipient) for alarm in alarms_told] == [(DeliveryKind.ALARM, "tg:999")] * alarms
