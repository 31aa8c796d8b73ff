"""Find the fields of a Bitrix24 deal that the settings name, and tell when a field is empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crm_clients.errors import CrmNonsense, CrmRefused
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.required_fields import RequiredFields, names_for_people

MOVER = "movedBy"
"""Field of a deal that holds the user who moved the deal last, into the present stage."""
_NOTHING = frozenset({"", "0", "0.0", "0.00"})
"""Values that stand for no text, no sum, no link."""


class Fields:
    """Hold the names of a deal's fields, as the portal spells each."""

    def __init__(self, answer: Any) -> None:
        """Read the answer of crm.item.fields."""
        fields = answer.get("fields", answer) if isinstance(answer, Mapping) else None
        if not isinstance(fields, Mapping):
            raise CrmNonsense("deals: Bitrix24 does not say which fields they have")
        self._names = {spelling(name): str(name) for name in fields}
        self._abouts = {str(name): about for name, about in fields.items()}

    def name(self, setting: str, wanted: str) -> str:
        """Find a field that the settings name, in either of Bitrix24's spellings. Raises CrmRefused for none."""
        found = self._names.get(spelling(wanted))
        if found is None:
            raise CrmRefused(f"{setting}: deals of this portal have no field {wanted}: correct the setting")
        return found

    def titles(self, wanted: Iterable[str]) -> dict[str, str]:
        """Read how people call fields, by the spelling of the settings; fields that are unknown are left out."""
        abouts = {setting: self._abouts.get(self._names.get(spelling(setting), "")) for setting in wanted}
        titles = {setting: about.get("title") for setting, about in abouts.items() if isinstance(about, Mapping)}
        return {setting: clean_name(title) for setting, title in titles.items() if isinstance(title, str) and title}

    def tells_mover(self) -> bool:
        """Tell whether deals of the portal say who moved each last."""
        return MOVER in self._abouts

    def labels(self, name: str) -> dict[str, str]:
        """Read the labels of a list field's values."""
        about = self._abouts.get(name)
        items = about.get("items") if isinstance(about, Mapping) else None
        values = items.values() if isinstance(items, Mapping) else items if isinstance(items, list) else ()
        labelled = (item for item in values if isinstance(item, Mapping) and item.get("ID") and "VALUE" in item)
        return {str(item["ID"]): str(item["VALUE"]) for item in labelled}


def spelling(name: str) -> str:
    """Reduce a name to the letters that Bitrix24's spellings share: `UF_CRM_170` and `ufCrm_170` are the same field."""
    return name.replace("_", "").casefold()


def values_of(value: Any) -> Sequence[Any]:
    """List the values of a field, which may be a list: PHP sends some as objects."""
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def is_empty(value: Any, name: str) -> bool:
    """Tell whether a field is empty; `name` decides whether zero means empty."""
    if isinstance(value, str) and value.strip() not in _NOTHING:
        return False
    if isinstance(value, list | Mapping):
        return all(is_empty(one, name) for one in values_of(value))
    if value is None or value is False or not str(value).strip():
        return True
    is_amount_or_link = name == "opportunity" or name.endswith("Id")
    return is_amount_or_link and str(value) in _NOTHING


COMMON = (
    "id", "title", "stageId", "stageSemanticId", "categoryId", "assignedById", "createdTime", "movedTime",
    "updatedTime", "opportunity", "currencyId", "isRecurring", "closed",
)  # fmt: skip
"""Fields of a deal that every portal has."""


@dataclass(frozen=True, slots=True)
class DealFields:
    """Hold the fields of a deal to read, as the portal spells each."""

    loss_reason: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Labels of the values of the loss reason's field."""
    required: RequiredFields = field(default_factory=lambda: RequiredFields({}))
    """Required fields, as the settings spell the names."""
    spelled: Mapping[str, str] = field(default_factory=dict)
    """Names of the required fields as the portal spells each, by the spelling of the settings."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Titles of the required fields for people, by the spelling of the settings."""
    mover: str = ""
    """Field that holds the user who moved the deal last; empty where nobody asks."""

    @classmethod
    def with_reason(cls, known: Fields, loss_reason: str) -> DealFields:
        """Find the field of the loss reason. Raises CrmRefused where the portal has no such field."""
        reason = known.name("loss_reason_field", loss_reason) if loss_reason else ""
        return cls(reason, known.labels(reason) if reason else {})

    def with_required(self, known: Fields, required: RequiredFields) -> DealFields:
        """Find the required fields too. Raises CrmRefused where the portal has no such field."""
        spelled = {name: known.name("required_fields", name) for name in required.names}
        titles = names_for_people(spelled, known.titles(spelled))
        return replace(self, required=required, spelled=spelled, titles=titles)

    @property
    def select(self) -> list[str]:
        """List all fields to read."""
        return list(dict.fromkeys([*COMMON, *self.own]))

    @property
    def own(self) -> Sequence[str]:
        """List the fields that the settings ask for."""
        return [*filter(None, [self.loss_reason, self.mover]), *self.spelled.values()]
