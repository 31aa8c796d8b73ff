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
from storage.days.codec import readings_to_json
from storage.db.database import Database, Session
from storage.messages import deliveries
from storage.messages.kinds import DeliveryKind
from storage.values import Delivery

OPEN = "deals_open"


async def waiting(db: Database, teams: Iterable[str], *, at: datetime) -> dict[str, list[Delivery]]:
    """By team, the notices that wait for a reading."""
    async with db.reading() as session:
        held = await deliveries.held_back(session, DeliveryKind.DEPARTED, at=at)
    return {key: mine for key in teams if (mine := [item for item in held if item.reference["team"] == key])}


def named(sheet: TallySheet, notices: Iterable[Delivery]) -> TallySheet:
    """The sheet with who left, for his open deals."""
    gone = {
        str(item.reference["crm_user"]): Manager(str(item.reference["crm_user"]), str(item.reference["name"]))
        for item in notices
        if item.reference["crm_user"] not in sheet.members
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


async def tell(session: Session, notices: Iterable[Delivery], left: Mapping[str, Snapshot]) -> list[int]:
    """Let the notices go whose deals were read, with how things stand; their numbers."""
    gone = []
    for item in notices:
        snapshot = left.get(str(item.reference["crm_user"]))
        readings = snapshot.readings if snapshot is not None else {}
        if isinstance(readings.get(OPEN), Value):
            states = {key: reading for key, reading in readings.items() if CATALOGUE[key].kind is KpiKind.STATE}
            await deliveries.let_go(session, item.id, {**item.reference, "readings": readings_to_json(states)})
            gone.append(item.id)
    return gone
