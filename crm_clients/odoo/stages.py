"""Read the order of the stages of each sales team."""

from __future__ import annotations

from collections.abc import Iterable

from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import StageOrderRow, TeamRow, decoded, fields_of
from crm_clients.odoo.values import Row
from crm_clients.shared.rows import malformed

WHAT = "stages"
_TEAMS, _TEAM = "team_ids", "team_id"
"""Field of the sales teams that a stage is for, since 19, and of the only team, before; empty: every team."""


async def stage_order(lists: ListReader, teams: Iterable[TeamRow]) -> dict[str, list[str]]:
    """Read the ids of each team's stages by team id, in the order in which Odoo shows the stages."""
    return {team: [str(row.id) for row in rows] for team, rows in (await read_stages(lists, teams)).items()}


async def read_stages(lists: ListReader, teams: Iterable[TeamRow]) -> dict[str, list[StageOrderRow]]:
    """Read each team's stages by team id, in the order in which Odoo shows the stages."""
    known = await lists.fields("crm.stage", WHAT)
    field = _TEAMS if _TEAMS in known else _TEAM
    names = (*StageOrderRow.__struct_fields__, field)
    raw = [row async for page in lists.raw_pages("crm.stage", [], names, WHAT) for row in page]
    stages = [(decoded(row, StageOrderRow, WHAT), _teams_of(row, field)) for row in raw]
    stages.sort(key=lambda stage: (stage[0].sequence, stage[0].name, stage[0].id))
    return {str(team.id): [row for row, only in stages if not only or team.id in only] for team in teams}


def _teams_of(row: Row, field: str) -> list[int]:
    """Tell which teams a stage is for; none: every team. Raises MalformedRow."""
    value = fields_of(row, (field,), WHAT)[field]
    found = [] if value is False else value if field == _TEAMS else value[:1] if isinstance(value, list) else None
    if not isinstance(found, list) or not all(type(team) is int for team in found):
        raise malformed(row, WHAT, f"`{field}` names no sales teams")
    return found
