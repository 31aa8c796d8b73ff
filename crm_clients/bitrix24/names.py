"""Read the names that people see on a portal for what the settings name by id."""

from __future__ import annotations

from collections.abc import Sequence

from crm_clients.bitrix24.api import Bitrix24Api
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.fields import Fields
from crm_clients.bitrix24.lists import QueryProgress, single_call
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import portal_row
from crm_clients.bitrix24.stages import Stages
from crm_clients.bitrix24.values import Row
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import stage_key
from scoring.crm_names import CrmNames

_WHAT = "the names of funnels and fields"


async def read_names(api: Bitrix24Api, settings: Sequence[str], deadline: Deadline) -> CrmNames:
    """Read the names of funnels, stages, and the fields that the settings name. Raises CrmError."""
    stages = Stages()
    about = single_call("crm.item.fields", {"entityTypeId": DEAL}, what=_WHAT, group="names")
    asked = [about, stages.start("names"), stages.start_funnels("names")]

    async def take(progress: QueryProgress, rows: Sequence[Row]) -> None:
        query, now = progress.query, api.clock.now()
        if query.row is not None:
            query.fold([portal_row(row, query.row, query.what, now) for row in rows])

    await BatchScheduler(api, deadline, take).read(asked)
    if problem := next((progress.problem for progress in asked if progress.problem is not None), None):
        raise problem
    titles = Fields(about.value).titles(settings)
    names = {stage_key(key, stage): stages.names[stage] for key, listed in stages.order.items() for stage in listed}
    return CrmNames({str(key): name for key, name in stages.funnel_names.items()}, names, titles)
