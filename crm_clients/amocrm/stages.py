"""Read the funnels of an account and their stages: which leads are deals, and in which state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crm_clients.amocrm.answers import require_form, rows_of
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.wire import WirePipeline, WireStatus, as_int
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import RequiredFields
from crm_clients.shared.rows import malformed, typed_row, typed_rows
from scoring.records import DealState

Stage = tuple[int, int]
"""Pipeline and status."""
WON, LOST = 142, 143
"""The closing stages, the same in every pipeline."""
STAGES_PER_LIST = 60
"""Pairs of pipeline and stage that an address has room for."""
INCOMING = 1
"""`type` of the stage of incoming leads, which are no deals before a manager accepts the lead."""


def deal_state(status: int) -> DealState:
    """Return the state that a stage means: won, lost or open."""
    return {WON: DealState.WON, LOST: DealState.LOST}.get(status, DealState.OPEN)


@dataclass(frozen=True)
class Stages:
    """Hold the stages of all funnels that amoCRM shows; archived funnels are hidden (`docs/crm/README.md`)."""

    names: Mapping[int, str]
    """Names of funnels by id."""
    open: tuple[Stage, ...]
    """Pairs of pipeline and stage, in the order of the funnel."""
    incoming: frozenset[Stage]
    archived: Mapping[int, str]
    """Names of archived funnels by id."""
    archived_open: tuple[Stage, ...]
    stage_names: Mapping[Stage, str]
    """Names of the open stages of all funnels, archived funnels too."""

    @property
    def closed(self) -> tuple[Stage, ...]:
        """Return the closing pairs of every pipeline."""
        return tuple((pipeline, status) for pipeline in self.names for status in (WON, LOST))

    @cached_property
    def visible_open(self) -> frozenset[Stage]:
        """Return the open pairs as a set."""
        return frozenset(self.open)

    def required_fields(self, setting: Mapping[str, Iterable[str]]) -> RequiredFields:
        """Combine the setting `required_fields` with the order of the open stages."""
        order: dict[str, list[str]] = {str(pipeline): [] for pipeline in self.names}
        for pipeline, status in self.open:
            order[str(pipeline)].append(str(status))
        return RequiredFields(setting, order)

    def hides(self, present: Stage, at_cutoff: Stage) -> bool:
        """Tell whether a lead is no deal: in an archived or unknown funnel, in a deleted stage, or incoming.

        A stage that was deleted after the cutoff was visible at the cutoff.
        """
        return present not in self.visible or at_cutoff[0] not in self.names or at_cutoff in self.incoming

    @cached_property
    def visible(self) -> frozenset[Stage]:
        """Return all pairs in which a lead is not hidden."""
        return self.visible_open | frozenset(self.closed) | self.incoming


async def read_stages(api: AmocrmApi, deadline: Deadline) -> Stages:
    """Read pipelines and stages in a single request. Raises CrmError."""
    what = "the pipelines"
    data = await api.get("leads/pipelines", "", deadline, what, require_form(_is_whole, "whole list of pipelines"))
    names: dict[int, str] = {}
    archived: dict[int, str] = {}
    stage_names: dict[Stage, str] = {}
    incoming: set[Stage] = set()
    for raw in data["_embedded"]["pipelines"]:
        pipeline = typed_row(raw, WirePipeline, what)
        (archived if pipeline.is_archive else names)[pipeline.id] = clean_name(pipeline.name or pipeline.id)
        statuses = typed_rows(pipeline.parts.statuses, WireStatus, f"{what}: row {pipeline.id}")
        if not {WON, LOST} <= {status.id for status in statuses}:
            raise malformed(raw, what, "a funnel without the two closing stages, so the list of stages is not whole")
        for status in sorted(statuses, key=lambda status: status.sort):
            pair = (pipeline.id, status.id)
            if status.type == INCOMING:
                incoming.add(pair)
            elif status.id not in (WON, LOST):
                stage_names[pair] = clean_name(status.name or status.id)
    shown, hidden = (tuple(pair for pair in stage_names if pair[0] in funnels) for funnels in (names, archived))
    return Stages(names, shown, frozenset(incoming), archived, hidden, stage_names)


def _is_whole(data: Any) -> bool:
    """Tell whether an answer is a list of funnels, of as many funnels as amoCRM itself counts."""
    rows = rows_of(data, "pipelines")
    return rows is not None and as_int(data.get("_total_items", 0)) <= len(rows)


def stage_filters(pairs: Sequence[Stage], per_list: int = STAGES_PER_LIST) -> Iterator[str]:
    """Yield a filter for every `per_list` stages."""
    for begin in range(0, len(pairs), per_list):
        yield "&".join(
            f"filter[statuses][{n}][pipeline_id]={pipeline}&filter[statuses][{n}][status_id]={status}"
            for n, (pipeline, status) in enumerate(pairs[begin : begin + per_list])
        )
