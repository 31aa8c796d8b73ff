"""Read the stages of all funnels of deals: meaning, name and order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_clients.bitrix24.lists import OffsetQuery, QueryProgress
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import DealRow, FunnelRow, StatusRow
from crm_clients.bitrix24.values import is_yes, number
from crm_clients.shared.cleaning import clean_title
from scoring.records import DealState

STATUS_PAGES = 4
"""Pages of stages asked for at once: the method tells sources, industries and other directories too."""
_STATES = {"S": DealState.WON, "F": DealState.LOST, "P": DealState.OPEN}
_STATES_BY_WORD = {
    "process": DealState.OPEN,
    "success": DealState.WON,
    "failure": DealState.LOST,
    "apology": DealState.LOST,
}


def state_of(semantics: Any) -> DealState | None:
    """Translate Bitrix24's letter for won, lost or in work."""
    return _STATES.get(str(semantics or ""))


@dataclass(slots=True)
class Stages:
    """Hold the meaning of the stages of all pipelines."""

    states: dict[str, DealState] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    funnels: set[int] = field(default_factory=set)
    """Funnels that the portal shows to the webhook; empty where the portal does not tell."""
    funnel_names: dict[int, str] = field(default_factory=dict)
    """By funnel; a funnel without a name is left out."""
    _funnel_of: dict[str, int] = field(default_factory=dict)
    """By stage."""
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Place of a stage in the funnel, by stage."""

    def start(self, group: str) -> QueryProgress:
        """Begin to read the stages: crm.status.list knows the stages of every pipeline."""
        return OffsetQuery(
            method="crm.status.list",
            params={"order": {"ID": "ASC"}},
            fold=self._fold,
            row=StatusRow,
            what="stages",
            group=group,
            expected_pages=STATUS_PAGES,
        ).start()

    def start_funnels(self, group: str) -> QueryProgress:
        """Begin to read the funnels that the webhook's user may see."""
        return OffsetQuery(
            method="crm.category.list",
            params={"entityTypeId": DEAL},
            fold=self._fold_funnels,
            row=FunnelRow,
            what="funnels",
            group=group,
            key="id",
            rows_at="categories",
        ).start()

    @property
    def without_funnel(self) -> list[int]:
        """List the funnels that have stages and are not shown to the webhook."""
        return sorted(set(self._funnel_of.values()) - self.funnels) if self.funnels else []

    @property
    def order(self) -> dict[str, list[str]]:
        """List the stages of each funnel in the funnel's order."""
        order: dict[str, list[str]] = {str(funnel): [] for funnel in sorted(self.funnels)}
        for stage in sorted(self._places, key=self._places.__getitem__):
            order.setdefault(str(self._funnel_of[stage]), []).append(stage)
        return order

    def are_shown(self, row: DealRow) -> bool:
        """Tell whether people see an open deal: its stage exists, and the stage's funnel does (docs/crm/README.md)."""
        return row.stageId in self.names and (not self.funnels or self._funnel_of[row.stageId] in self.funnels)

    def _fold_funnels(self, rows: Sequence[FunnelRow]) -> tuple[()]:
        self.funnels.update(row.id for row in rows)
        self.funnel_names |= {row.id: clean_title(row.name) for row in rows if isinstance(row.name, str) and row.name}
        return ()

    def _fold(self, rows: Sequence[StatusRow]) -> tuple[()]:
        for row in rows:
            if row.is_stage:
                stage = row.STATUS_ID
                state = state_of(row.SEMANTICS) or _STATES_BY_WORD.get(row.word)
                self._funnel_of[stage] = number(row.ENTITY_ID.removeprefix("DEAL_STAGE").removeprefix("_"))
                self._places[stage] = (row.SORT or 0, row.ID)
                self.names[stage] = clean_title(row.NAME or stage)
                if state is not None:
                    self.states[stage] = state
        return ()

    def of(self, row: DealRow) -> DealState | None:
        """Tell where a deal stands; None for a closed deal of an unknown stage, which may be won or lost.

        Of a stage whose meaning the portal does not tell, the row's own word counts, and only then whether it is
        closed.
        """
        state = self.states.get(row.stageId) or state_of(row.stageSemanticId)
        return state if state is not None or is_yes(row.closed) else DealState.OPEN
