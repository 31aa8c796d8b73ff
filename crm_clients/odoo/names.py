"""Read the names that people see in Odoo for what the settings name by id."""

from __future__ import annotations

from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import ActivityTypeRow, StageOrderRow, TeamRow
from crm_clients.odoo.stages import stage_order
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.required_fields import stage_key
from scoring.crm_names import CrmNames

_WHAT = "names"


async def read_names(lists: ListReader) -> CrmNames:
    """Read the names of sales teams, stages, and fields of opportunities, and types of activities.

    Raises CrmError.
    """
    types = await lists.rows("mail.activity.type", [], ActivityTypeRow, _WHAT)
    teams = await lists.rows("crm.team", [], TeamRow, _WHAT)
    stages = {str(row.id): clean_name(row.name) for row in await lists.rows("crm.stage", [], StageOrderRow, _WHAT)}
    order = await stage_order(lists, teams)
    return CrmNames(
        {str(team.id): clean_name(team.name) for team in teams if team.name},
        {stage_key(team, stage): stages[stage] for team, listed in order.items() for stage in listed if stages[stage]},
        await lists.field_labels("crm.lead", _WHAT),
        {str(row.id): clean_name(row.name) for row in types if row.name},
    )
