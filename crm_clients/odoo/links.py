"""Make addresses of the pages that show records in Odoo."""

from __future__ import annotations

from typing import Any

from crm_clients.odoo.api import OdooApi
from scoring.records import Company, Deal, Meeting, Record, Task

_PATHS_SINCE = 18
"""The first version that names a page by path; before, a page is named behind a #."""


def document(model: Any, number: Any) -> str:
    """Name the document of a record, for `place`: `model/id`; empty without a document."""
    return f"{model}/{number}" if model and number else ""


def record_url(record: Record, api: OdooApi, base: str) -> str:
    """Make the address of a record's page; for a task or a meeting, of the document; empty without a page.

    `base` is the server's address from the settings; `api` tells the server's version.
    """
    match record:
        case Deal():
            place = document("crm.lead", record.id)
        case Company():
            place = document("res.partner", record.id)
        case Task() | Meeting():
            place = record.place
        case _:
            place = ""
    if not place:
        return ""
    if _has_paths(api):
        return f"{base}/odoo/{place}"
    model, _, number = place.partition("/")
    return f"{base}/web#id={number}&model={model}&view_type=form"


def _has_paths(api: OdooApi) -> bool:
    """Tell whether the server names pages by path; an unknown version counts as new."""
    major = api.version.partition(".")[0]
    return api.protocol == "json2" or not major.isdecimal() or int(major) >= _PATHS_SINCE
