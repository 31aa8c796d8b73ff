"""Read how people of the account call the required fields of a lead."""

from __future__ import annotations

from collections.abc import Mapping

from crm_clients.amocrm.names import read_fields
from crm_clients.amocrm.session import ReadSession
from crm_clients.errors import CrmError
from crm_clients.shared.required_fields import RequiredFields, names_for_people
from scoring.kpis import DEALS_MISSING_FIELDS

STANDARD = frozenset({"name", "price", "responsible_user_id"})
"""Fields that every lead has; amoCRM lists custom fields alone."""


async def read_field_names(session: ReadSession) -> Mapping[str, str]:
    """Read the names of the required fields by id or code, as the settings write them.

    A list that cannot be read costs the names alone: the ids of the settings stand in their place.
    """
    wanted = RequiredFields(session.config.required_fields).names if session.wants(DEALS_MISSING_FIELDS) else ()
    titles: dict[str, object] = {}
    if not STANDARD.issuperset(wanted):
        try:
            fields = await read_fields(session.api, session.deadline)
        except CrmError:
            fields = []
        titles = {str(row[key]): row.get("name") for row in fields for key in ("code", "id") if row.get(key)}
    return names_for_people(wanted, titles)
