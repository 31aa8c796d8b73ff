"""Read how people of the account call the custom fields of leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crm_clients.amocrm.answers import Row, judge_fields
from crm_clients.amocrm.api import AmocrmApi, ListQuery
from crm_clients.amocrm.lists import ListReader
from crm_clients.amocrm.session import ReadSession
from crm_clients.errors import CrmError
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import RequiredFields, names_for_people
from scoring.kpis import DEALS_MISSING_FIELDS

BUILT_IN_FIELDS = frozenset({"name", "price", "responsible_user_id"})
"""Fields that every lead has; amoCRM lists custom fields alone."""


async def read_fields(api: AmocrmApi, deadline: Deadline) -> list[Row]:
    """Read the custom fields of leads. Raises CrmError, RightsMissing where these alone are refused."""
    fields: list[Row] = []

    async def keep(rows: list[Row]) -> None:
        fields.extend(rows)

    query = ListQuery("leads/custom_fields", "order[id]=asc", deadline, "the fields of leads")
    await ListReader(api).shifting(query, keep, judge=judge_fields)
    return fields


def names_of(fields: Iterable[Row]) -> dict[str, str]:
    """Return the names of fields by id and by code, as settings may write a field; nameless fields are left out."""
    return {
        str(field[key]): clean_name(field["name"])
        for field in fields
        for key in ("id", "code")
        if field.get(key) and field.get("name")
    }


async def read_required_names(session: ReadSession) -> Mapping[str, str]:
    """Read the names of the required fields by id or code, as the settings write the fields.

    A list that cannot be read costs the names alone: the ids of the settings stand in their place.
    """
    wanted = RequiredFields(session.config.required_fields).names if session.wants(DEALS_MISSING_FIELDS) else ()
    names: Mapping[str, str] = {}
    if not BUILT_IN_FIELDS.issuperset(wanted):
        try:
            names = names_of(await read_fields(session.api, session.deadline))
        except CrmError:
            names = {}
    return names_for_people(wanted, names)
