"""Tell which fields the settings require of a deal, by the deal's pipeline and stage (docs/product.md §19)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from crm_clients.shared.cleaning import clean_name

EVERY_PIPELINE = "*"
"""Key of the fields that deals of all pipelines need."""


class RequiredFields:
    """Hold the setting `required_fields`, and the order of the stages in each pipeline.

    The entries of `*`, of `PIPELINE` and of `PIPELINE/STAGE` add up; the last holds from that stage on. A deal in a
    stage that the order lacks needs the fields of `*` and of the pipeline alone.
    """

    def __init__(
        self,
        setting: Mapping[str, Iterable[str]],
        stages: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """Take the setting, and the stage ids of each pipeline by pipeline id, in the pipeline's order."""
        self._setting = {key: tuple(names) for key, names in setting.items()}
        self._stages = stages
        self._listed: dict[tuple[str, str], tuple[str, ...]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """List all fields that the setting names, each field once."""
        return tuple(dict.fromkeys(name for names in self._setting.values() for name in names))

    @property
    def unknown_keys(self) -> list[str]:
        """List the keys of the setting that name no known pipeline, or no known stage of a pipeline."""
        known = {EVERY_PIPELINE, *self._stages}
        known |= {stage_key(pipeline, stage) for pipeline, stages in self._stages.items() for stage in stages}
        return sorted(self._setting.keys() - known)

    def required_at(self, pipeline: str, stage: str) -> tuple[str, ...]:
        """List the fields that a deal in a stage of a pipeline needs."""
        listed = self._listed.get((pipeline, stage))
        if listed is None:
            entries = [EVERY_PIPELINE, pipeline]
            entries += [stage_key(pipeline, passed) for passed in self._up_to(pipeline, stage)]
            names = (name for key in entries for name in self._setting.get(key, ()))
            listed = self._listed[pipeline, stage] = tuple(dict.fromkeys(names))
        return listed

    def _up_to(self, pipeline: str, stage: str) -> Sequence[str]:
        """List the stages of a pipeline up to a stage; none where the order lacks the stage."""
        order = self._stages.get(pipeline, ())
        return order[: order.index(stage) + 1] if stage in order else ()


def names_for_people(names: Iterable[str], titles: Mapping[str, object]) -> dict[str, str]:
    """Return for each field of the settings the title in the CRM; without a title the name in the settings.

    Fields that share a title are told apart by the names in the settings.
    """
    shown = {name: clean_name(titles.get(name) or "").strip() or name for name in names}
    count = Counter(shown.values())
    return {name: title if count[title] == 1 else f"{title} ({name})" for name, title in shown.items()}


def stage_key(pipeline: str, stage: str) -> str:
    """Write the key of the fields that are required from a stage on."""
    return f"{pipeline}/{stage}"
