"""Decode the rows of opportunities, whose fields differ from database to database."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from crm_clients.errors import CrmNonsense, MalformedRow
from crm_clients.odoo.lists import Field
from crm_clients.odoo.rows import LeadRow, decoded, fields_of
from crm_clients.odoo.values import Row, id_of
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.redaction import one_line
from crm_clients.shared.required_fields import RequiredFields, names_for_people
from crm_clients.shared.rows import malformed

WHAT = "deals"
_REASONS = ("lost_reason_id", "lost_reason")
"""Since 15, and before."""
_STATUS, _STATUSES = "won_status", ("won", "lost", "pending")
"""Since 19; before, the probability and the stage tell."""
_TAGS = re.compile(r"<[^>]*>|&nbsp;")
_FORMS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("char", "text", "html", "selection", "date", "datetime", "reference"), (str,)),
    **dict.fromkeys(("integer", "float", "monetary"), (int, Decimal)),
    **dict.fromkeys(("many2one", "one2many", "many2many"), (list,)),
}
"""Types of values by type of field, beside False; of types that are not listed any value but null."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Hold a decoded opportunity."""

    row: LeadRow
    status: str
    """`won`, `lost` or `pending`; empty where this Odoo has no such field."""
    loss_reason: str
    missing_fields: tuple[str, ...]
    """Required fields of the opportunity's sales team and stage that are empty."""
    problem: MalformedRow | None = None
    """What is wrong with a required field; the rest of the row is as documented."""

    @property
    def pipeline(self) -> str:
        """Return the id of the sales team; empty without a team."""
        return id_of(self.row.team_id)


class LeadFields:
    """Know the fields of opportunities in a database; decode rows that hold these fields."""

    def __init__(
        self, fields: Mapping[str, Field], required: Mapping[str, Iterable[str]], stages: Mapping[str, Sequence[str]]
    ) -> None:
        """Take the fields of opportunities, the setting `required_fields`, and the order of each sales team's stages.

        Raises CrmNonsense without a field for the loss reason.
        """
        wanted = {name for names in required.values() for name in names}
        self.unknown = sorted(wanted - fields.keys())
        """Required fields that deals do not have, or that the key's user may not see."""
        wanted &= fields.keys()
        self._types = {name: about.type for name, about in fields.items()}
        self._titles = names_for_people(sorted(wanted), {name: fields[name].string for name in wanted})
        known = {key: [name for name in names if name in fields] for key, names in required.items()}
        self._required = RequiredFields(known, stages)
        reasons = [name for name in _REASONS if name in fields]
        if not reasons:
            raise CrmNonsense(f"{WHAT}: Odoo does not say in which field the loss reason is")
        self._reason = reasons[0]
        self.has_status = _STATUS in fields
        self._status = (_STATUS,) if self.has_status else ()
        self.names = tuple(sorted({*LeadRow.__struct_fields__, self._reason, *self._status, *wanted}))

    def decode(self, raw: Row) -> Lead:
        """Decode a row. Raises MalformedRow."""
        row = decoded(raw, LeadRow, WHAT)
        fields_of(raw, (self._reason, *self._status), WHAT)
        status = raw[_STATUS] if self.has_status else ""
        if self.has_status and status not in _STATUSES:
            raise malformed(raw, WHAT, f"`{_STATUS}` is none of {', '.join(_STATUSES)}")
        reason = self._loss_reason(raw)
        try:
            return Lead(row, status, reason, self._missing(raw, row))
        except MalformedRow as error:
            return Lead(row, status, reason, (), error)

    def _loss_reason(self, raw: Row) -> str:
        reason = raw[self._reason]
        if reason is False:
            return ""
        if not isinstance(reason, list) or len(reason) != 2 or not isinstance(reason[1], str):
            raise malformed(raw, WHAT, f"`{self._reason}` is no reference")
        return clean_title(reason[1])

    def _missing(self, raw: Row, row: LeadRow) -> tuple[str, ...]:
        names = self._required.required_at(id_of(row.team_id), id_of(row.stage_id))
        return tuple(self._titles[name] for name in names if self._is_empty(raw, name))

    def _is_empty(self, raw: Row, name: str) -> bool:
        value, kind = fields_of(raw, (name,), WHAT)[name], self._types[name]
        is_right = isinstance(value, _FORMS.get(kind, (object,))) and (value is not True or kind == "boolean")
        if value is not False and not is_right:
            raise malformed(raw, WHAT, f"`{name}` is no {one_line(kind, 40)}")
        if isinstance(value, str):
            return not (_TAGS.sub("", value) if kind == "html" else value).strip()
        return not value
