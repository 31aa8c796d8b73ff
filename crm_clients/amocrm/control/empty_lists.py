"""Ask control questions: a list that shows nothing, although rows are known to exist, is a failed read."""

from __future__ import annotations

from collections.abc import Mapping

from crm_clients.amocrm.api import EVENTS_PAGE, ListQuery
from crm_clients.amocrm.rows import as_id
from crm_clients.amocrm.session import ReadSession
from crm_clients.errors import CrmUnavailable
from scoring.records import RecordKind

SHOWN = "lists_with_rows"
"""Key of the memory for the lists that have ever shown a row."""
NOTES = ("leads/notes", "contacts/notes", "companies/notes")
LISTS: Mapping[RecordKind, tuple[str, ...]] = {
    RecordKind.DEALS: ("leads", "events"),
    RecordKind.TASKS: ("tasks",),
    RecordKind.MEETINGS: ("events", "tasks"),
    RecordKind.CALLS: NOTES,
    RecordKind.COMPANIES: ("companies",),
    RecordKind.COMMENTS: ("leads/notes",),
}
"""Lists that a kind of record is read from."""
ANY_LIST = ("leads", "tasks", "companies", "events")
"""Lists of which no living account has none filled."""
SETTINGS = frozenset({"leads/custom_fields"})
"""Lists that are filled also in an account without a record."""
TELLING: Mapping[str, str] = {"leads": "filter[entity][]=lead", "tasks": "filter[entity][]=task"}
"""Events that tell of a row of a list, whenever that was."""
ENTITIES = {"leads": ("lead", "leads"), "tasks": ("task", "tasks"), "companies": ("company", "companies")}
"""How events name the entities of a list."""


class ControlQuestions:
    """Ask for a row of a list that showed no row in this read although the list is known to hold rows."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def ensure(self, kind: RecordKind) -> None:
        """Prove the lists of a kind. Raises CrmUnavailable if a list known to hold rows shows none."""
        session, shown = self._session, self._session.api.shown - SETTINGS
        known = session.known | await self._load()
        for path in LISTS[kind]:
            if path in shown:
                continue
            if (path in known or await self._is_told_of(path)) and not await self._shows(path):
                raise CrmUnavailable(f"{path}: amoCRM shows not a single row of a list that is known to hold rows")
        if not shown and not await self._shows_anything():
            raise CrmUnavailable("amoCRM shows nothing at all of this account: no lead, task, company or event")
        if not shown <= known:
            await session.memory.put(SHOWN, " ".join(sorted(known | shown)))

    async def _load(self) -> set[str]:
        return set((await self._session.memory.get(SHOWN) or "").split())

    async def _shows_anything(self) -> bool:
        for path in ANY_LIST:
            if await self._shows(path):
                return True
        return False

    async def _shows(self, path: str) -> bool:
        """Tell whether a list has shown a row in this read, or shows a row when asked without filters."""
        api = self._session.api
        if path not in api.shown:
            await api.page(ListQuery(path, "", self._session.deadline, f"a row of {path}"), limit=1)
        return path in api.shown

    async def _is_told_of(self, path: str) -> bool:
        """Tell whether another list proves that a list which shows nothing must hold rows; needs no memory."""
        session = self._session
        if path == "events":
            return not session.api.shown.isdisjoint(("leads", "tasks"))  # nobody makes a lead without an event
        if path == "companies":
            span = f"filter[created_at][from]={session.start}&filter[created_at][to]={session.cutoff - 1}"
            filters = f"filter[type][]=company_added&{span}"
        elif path in TELLING:
            filters = TELLING[path]
        else:
            return False
        page = await session.api.page(session.query("events", filters, f"events about {path}"), limit=EVENTS_PAGE)
        events = [row for row in page.rows if row.get("entity_type") in ENTITIES[path]]
        deleted = {as_id(row.get("entity_id")) for row in events if str(row.get("type")).endswith("_deleted")}
        return any(as_id(row.get("entity_id")) not in deleted for row in events)
