"""Each CRM tells how people there call the funnels, stages, fields and types that the settings name by id."""

from __future__ import annotations

from typing import Any

from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.team import NEW, client_of, two_managers
from tests.crm_clients.bitrix24.team import Reader, portal
from tests.crm_clients.company import company
from tests.crm_clients.odoo.team import Odoo


async def test_bitrix24_tells_names_of_funnels_stages_and_fields_in_either_spelling() -> None:
    where = portal()
    where.fields = {"ufCrmReason": {"title": "Почему\nушёл"}, "ufCrm_170": {"title": ["?"]}, "ufCrm_9": {}}
    settings: dict[str, Any] = {
        "loss_reason_field": "UF_CRM_REASON",
        "required_fields": {"*": ["ufCrm_170", "UF_CRM_9", "UF_NONE"]},
    }
    async with Reader(where, **settings).client() as client:
        names = await client.names()
    assert names.pipelines == {"0": "Воронка 0", "4": "Воронка 4"}
    assert names.stages["4/C4:TALKS"] == "стадия TALKS"
    assert names.fields == {"UF_CRM_REASON": "Почему ушёл"}


async def test_amocrm_tells_names_of_pipelines_stages_fields_and_task_types() -> None:
    world = two_managers()
    world.lead_fields = [
        {"id": 77001, "name": "Источник", "code": None, "type": "text"},
        {"id": 77002, "name": "ИНН", "code": "INN", "type": "text"},
    ]
    names = await client_of(FakeAmocrm(world)).names()
    assert names.pipelines[str(NEW[0])]
    assert names.stages[f"{NEW[0]}/{NEW[1]}"]
    assert names.fields == {"77001": "Источник", "77002": "ИНН", "INN": "ИНН"}
    assert names.meeting_types["2"]


async def test_odoo_tells_names_of_teams_stages_fields_and_activity_types() -> None:
    names = await Odoo(company()).client.names()
    assert names.pipelines
    assert {key.partition("/")[0] for key in names.stages} <= names.pipelines.keys()
    assert names.stages
    assert names.fields["expected_revenue"] == "Поле expected_revenue"
    assert names.meeting_types
