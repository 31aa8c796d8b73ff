"""Read the names that people see in amoCRM for what the settings name by id."""

from __future__ import annotations

from crm_clients.amocrm.account import read_account
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.field_names import names_of, read_fields
from crm_clients.amocrm.stages import read_stages
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
        names_of(await read_fields(api, deadline)),
        {str(key): name for key, (name, _) in account.task_types.items()},
    )
