"""What somebody left behind who is no longer in the CRM: his deals are named to the head (docs/product.md §11).

The notice is written with the news that he left and held back until that day's reading has told of his deals; if it
does not tell, the notice goes out without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from scoring.kpis import CATALOGUE, KpiKind
from scoring.snapshot import Manager, Snapshot, Value
from scoring.tally import TallySheet
from storage.db.database import Database, Session
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, DepartedNotice

OPEN = "deals_open"


Waiting = Mapping[int, DepartedNotice]
"""Notices that wait for a reading, by the id of the delivery."""


async def waiting(db: Database, teams: Iterable[str], *, at: datetime) -> dict[str, Waiting]:
    """Load the notices that wait for a reading, by team."""
    async with db.reading() as session:
        held = await deliveries.held_back(session, DeliveryKind.DEPARTED, at=at)
    notices = {item.id: item.notice for item in held if isinstance(item.notice, DepartedNotice)}
    by_team = {key: {number: item for number, item in notices.items() if item.team == key} for key in teams}
    return {key: found for key, found in by_team.items() if found}


def named(sheet: TallySheet, notices: Waiting) -> TallySheet:
    """Add the departed managers to a sheet, for their open deals."""
    gone = {
        item.crm_user: Manager(item.crm_user, item.name)
        for item in notices.values()
        if item.crm_user not in sheet.members
    }
    if not gone:
        return sheet
    kpis = sheet.kpis if OPEN in sheet.kpis else (*sheet.kpis, OPEN)
    return replace(sheet, members={**sheet.members, **gone}, kpis=kpis, named=frozenset(gone))


def apart(snapshots: Sequence[Snapshot], sheet: TallySheet) -> tuple[tuple[Snapshot, ...], dict[str, Snapshot]]:
    """Those of the members, with nothing that the sheet does not ask for, and by CRM user those of who left."""
    own = tuple(
        Snapshot(snapshot.manager, {key: reading for key, reading in snapshot.readings.items() if key in sheet.kpis})
        for snapshot in snapshots
        if snapshot.manager.crm_user in sheet.members
    )
    return own, {item.manager.crm_user: item for item in snapshots if item.manager.crm_user not in sheet.members}


async def tell(session: Session, notices: Waiting, left: Mapping[str, Snapshot]) -> list[int]:
    """Release the notices whose deals were read, with the readings; return the delivery ids."""
    gone = []
    for number, notice in notices.items():
        snapshot = left.get(notice.crm_user)
        readings = snapshot.readings if snapshot is not None else {}
        if isinstance(readings.get(OPEN), Value):
            states = {key: reading for key, reading in readings.items() if CATALOGUE[key].kind is KpiKind.STATE}
            await deliveries.let_go(session, number, replace(notice, readings=states))
            gone.append(number)
    return gone
