"""Read the names that people see in amoCRM for what the settings name by id."""

from __future__ import annotations

from crm_clients.amocrm.account import read_account
from crm_clients.amocrm.answers import Row, judge_fields
from crm_clients.amocrm.api import AmocrmApi, ListQuery
from crm_clients.amocrm.lists import ListReader
from crm_clients.amocrm.stages import read_stages
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import stage_key
from scoring.crm_names import CrmNames


async def read_names(api: AmocrmApi, deadline: Deadline) -> CrmNames:
    """Read the names of pipelines, stages, fields of leads, and task types. Raises CrmError."""
    stages = await read_stages(api, deadline)
    account = await read_account(api, deadline)
    return CrmNames(
        {str(pipeline): name for pipeline, name in {**stages.archived, **stages.names}.items()},
        {stage_key(str(pair[0]), str(pair[1])): name for pair, name in stages.stage_names.items()},
        {
            str(field[key]): clean_name(field["name"])
            for field in await read_fields(api, deadline)
            for key in ("id", "code")
            if field.get(key) and field.get("name")
        },
        {str(key): name for key, (name, _) in account.task_types.items()},
    )


async def read_fields(api: AmocrmApi, deadline: Deadline) -> list[Row]:
    """Read the custom fields of leads. Raises CrmError, RightsMissing where these alone are refused."""
    fields: list[Row] = []

    async def keep(rows: list[Row]) -> None:
        fields.extend(rows)

    query = ListQuery("leads/custom_fields", "order[id]=asc", deadline, "the fields of leads")
    await ListReader(api).shifting(query, keep, judge=judge_fields)
    return fields
