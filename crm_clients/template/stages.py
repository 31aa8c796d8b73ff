"""Read the stages of each pipeline."""

from __future__ import annotations

from collections import defaultdict

from crm_clients.shared.pacing import Deadline
from crm_clients.template.api import TemplateApi
from crm_clients.template.rows import StageRow


async def stage_order(api: TemplateApi, deadline: Deadline) -> dict[str, list[str]]:
    """Read the ids of each pipeline's stages by pipeline id, in the pipeline's order."""
    rows = [row async for row in api.rows("stages", StageRow, deadline)]
    order: dict[str, list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.place):
        order[str(row.pipeline)].append(str(row.id))
    return dict(order)
