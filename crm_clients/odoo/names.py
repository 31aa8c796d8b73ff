"""Read the names that people see in Odoo for what the settings name by id."""

from __future__ import annotations

from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import ActivityTypeRow, TeamRow
from crm_clients.odoo.stages import read_stages
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.required_fields import stage_key
from scoring.crm_names import CrmNames

_WHAT = "names"


async def read_names(lists: ListReader) -> CrmNames:
    """Read the names of sales teams, stages, and fields of opportunities, and types of activities.

    Raises CrmError.
    """
    types = await lists.rows("mail.activity.type", [], ActivityTypeRow, _WHAT)
    fields = await lists.fields("crm.lead", _WHAT)
    teams = await lists.rows("crm.team", [], TeamRow, _WHAT)
    stages = await read_stages(lists, teams)
    return CrmNames(
        {str(team.id): clean_name(team.name) for team in teams if team.name},
        {
            stage_key(team, str(row.id)): clean_name(row.name)
            for team, rows in stages.items()
            for row in rows
            if row.name
        },
        {name: clean_name(about.string) for name, about in fields.items() if about.string},
        {str(row.id): clean_name(row.name) for row in types if row.name},
    )
