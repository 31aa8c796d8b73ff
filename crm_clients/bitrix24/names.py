"""Read the names that people see on a portal for what the settings name by id."""

from __future__ import annotations

from collections.abc import Sequence

from crm_clients.bitrix24.api import Bitrix24Api
from crm_clients.bitrix24.batching import read_decoded
from crm_clients.bitrix24.fields import Fields
from crm_clients.bitrix24.lists import problem_of, single_call
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.stages import Stages
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import stage_key
from scoring.crm_names import CrmNames

_WHAT = "the names of funnels and fields"


async def read_names(api: Bitrix24Api, settings: Sequence[str], deadline: Deadline) -> CrmNames:
    """Read the names of funnels, stages, and the fields that the settings name. Raises CrmError."""
    stages = Stages()
    about = single_call("crm.item.fields", {"entityTypeId": DEAL}, what=_WHAT, group="names")
    asked = [about, stages.start("names"), stages.start_funnels("names")]
    await read_decoded(api, deadline, asked)
    if problem := problem_of(asked):
        raise problem
    titles = Fields(about.value).titles(settings)
    names = {stage_key(key, stage): stages.names[stage] for key, listed in stages.order.items() for stage in listed}
    return CrmNames({str(key): name for key, name in stages.funnel_names.items()}, names, titles)
