"""Name what amoCRM hides or nobody owns, and what is therefore not counted (`docs/crm/README.md`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.api import AmocrmApi, ListQuery
from crm_clients.amocrm.lists import ListReader
from crm_clients.amocrm.stages import Stage, Stages, stage_filters
from crm_clients.amocrm.wire import as_int
from crm_clients.base import CrmUser, Finding, Severity
from crm_clients.shared.left_out import most_deals, open_deals
from crm_clients.shared.pacing import Deadline

MOST = 1_000
"""Deals that are counted; more are "at least" so many."""
OWNERS, STAGES = 50, 30
"""People and stages in a filter of both."""


class LeftOut:
    """Count the open deals that count for nobody."""

    def __init__(self, api: AmocrmApi, stages: Stages, deadline: Deadline) -> None:
        self._api, self._stages, self._deadline = api, stages, deadline
        self._lists = ListReader(api)

    async def findings(self, users: Iterable[CrmUser]) -> list[Finding]:
        """Return a finding for archived funnels, for deleted stages, and for people who are switched off."""
        return [*await self._archived(), *await self._unlisted(), *await self._ownerless(users)]

    async def _archived(self) -> list[Finding]:
        stages = self._stages
        if not stages.archived:
            return []
        counts: Counter[object] = Counter()
        for filters in stage_filters(stages.archived_open):
            found, _ = await self._count(filters, "deals in archived funnels", stages.archived_open)
            counts.update(as_int(row.get("pipeline_id")) for row in found)
        names = ", ".join(f"{name} ({open_deals(counts[key])})" for key, name in stages.archived.items())
        text = f"deals in archived funnels are not counted: {names}"
        return [Finding(Severity.WARNING if counts else Severity.OK, "deals_open", text)]

    async def _unlisted(self) -> list[Finding]:
        """Look at the deals changed last: no filter asks for stages that do not exist."""
        stages = self._stages
        query = ListQuery("leads", "order[updated_at]=desc", self._deadline, "the latest deals")
        page = await self._api.page(query)
        pairs = [(as_int(row.get("pipeline_id")), as_int(row.get("status_id"))) for row in page.rows]
        counts = Counter(pair for pair in pairs if pair not in stages.visible and pair[0] not in stages.archived)
        if not counts:
            return []
        where = most_deals(counts, lambda pair: f"{pair[0]}/{pair[1]}")
        text = (
            f"{counts.total()} of the {len(pairs)} latest deals lie in funnels or stages that amoCRM does not list: "
            f"{where}; they are not counted; move them to a stage, or give the token the rights to all funnels"
        )
        return [Finding(Severity.WARNING, "deals_open", text)]

    async def _ownerless(self, users: Iterable[CrmUser]) -> list[Finding]:
        away = {int(user.id): user.name for user in users if not user.active}
        counts: Counter[int] = Counter()
        is_whole = True
        for filters in self._filters_by_owner(sorted(away)):
            found, is_read = await self._count(filters, "deals of people who have left", self._stages.open, away)
            counts.update(as_int(row.get("responsible_user_id")) for row in found)
            is_whole = is_whole and is_read
        if not counts:
            return []
        least = "" if is_whole else "at least "
        deals, who = open_deals(counts.total()), most_deals(counts, away.__getitem__)
        text = f"{least}{deals} of people switched off in amoCRM count for nobody: {who}; hand them over"
        return [Finding(Severity.WARNING, "deals_open", text)]

    def _filters_by_owner(self, owners: Sequence[int]) -> Iterator[str]:
        """Yield filters of open stages and owners, few of both: an address has no room for more."""
        for begin in range(0, len(owners), OWNERS):
            chosen = "&".join(f"filter[responsible_user_id][]={key}" for key in owners[begin : begin + OWNERS])
            for stages in stage_filters(self._stages.open, STAGES):
                yield f"{stages}&{chosen}"

    async def _count(
        self, filters: str, what: str, stages: Sequence[Stage], owners: Mapping[int, str] | None = None
    ) -> tuple[list[Row], bool]:
        """Read up to MOST deals in some stages, and tell whether these are all."""
        found: dict[int, Row] = {}
        wanted = set(stages)
        seen = 0

        async def take(rows: list[Row]) -> bool:
            nonlocal seen
            seen += len(rows)
            for row in rows:
                is_there = (as_int(row.get("pipeline_id")), as_int(row.get("status_id"))) in wanted
                if is_there and (owners is None or as_int(row.get("responsible_user_id")) in owners):
                    found[as_int(row["id"])] = row
            return seen < MOST

        await self._lists.shifting(ListQuery("leads", f"{filters}&order[id]=asc", self._deadline, what), take)
        return list(found.values()), seen < MOST
