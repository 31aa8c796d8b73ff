"""Name to the heads the open deals of managers who left the CRM (docs/product.md §11).

The notice is written with the news of the departure and held back until the day's reading has counted the deals left
behind. The digest of that day takes the notice in; without a digest in time the notice goes out by itself, and without
deals if these could not be read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reglament.day.read import ConnectionReading
from reglament.process import Process
from scoring.kpis import CATALOGUE, DEALS_OPEN, KpiKind
from scoring.snapshot import Manager, Snapshot, Value
from scoring.tally_sheet import TallySheet
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, DepartedNotice, to_telegram

HeldNotices = Mapping[int, DepartedNotice]
"""Notices that are held back for a reading, by the id of the delivery."""


async def load_departed(process: Process, sheets: Mapping[str, TallySheet]) -> dict[str, HeldNotices]:
    """Load by team the notices that wait for this reading."""
    if not sheets:
        return {}
    async with process.db.reading() as session:
        held = await deliveries.waiting(session, DeliveryKind.DEPARTED, at=process.now())
    notices = {item.id: item.notice for item in held if isinstance(item.notice, DepartedNotice)}
    by_team = {key: {number: item for number, item in notices.items() if item.team == key} for key in sheets}
    return {key: found for key, found in by_team.items() if found}


def add_departed(sheets: Mapping[str, TallySheet], departed: Mapping[str, HeldNotices]) -> dict[str, TallySheet]:
    """Add the departed managers to the sheets of the teams."""
    return {key: add_departed_to_sheet(sheet, departed.get(key, {})) for key, sheet in sheets.items()}


def add_departed_to_sheet(sheet: TallySheet, notices: HeldNotices) -> TallySheet:
    """Add the departed managers and the KPI of open deals to a sheet."""
    gone = {
        item.crm_user: Manager(item.crm_user, item.name)
        for item in notices.values()
        if item.crm_user not in sheet.members
    }
    if not gone:
        return sheet
    kpis = sheet.kpis if DEALS_OPEN in sheet.kpis else (*sheet.kpis, DEALS_OPEN)
    return replace(sheet, members={**sheet.members, **gone}, kpis=kpis, named=frozenset(gone))


async def complete_departed(
    process: Process,
    reading: ConnectionReading,
    sheets: Mapping[str, TallySheet],
    departed: Mapping[str, HeldNotices],
) -> ConnectionReading:
    """Add deals that were read to the notices; return the reading without the departed managers."""
    members = {}
    for key, sheet in sheets.items():
        members[key], gone = split_departed(reading.snapshots[key], sheet)
        if key in departed:
            async with process.db.transaction() as session:
                await complete_notices(session, departed[key], gone)
    return replace(reading, snapshots=members)


def split_departed(
    snapshots: Sequence[Snapshot], sheet: TallySheet
) -> tuple[tuple[Snapshot, ...], dict[str, Snapshot]]:
    """Split snapshots into members, cut down to the KPIs of `sheet`, and departed managers by CRM user."""
    own = tuple(
        Snapshot(snapshot.manager, {key: reading for key, reading in snapshot.readings.items() if key in sheet.kpis})
        for snapshot in snapshots
        if snapshot.manager.crm_user in sheet.members
    )
    return own, {item.manager.crm_user: item for item in snapshots if item.manager.crm_user not in sheet.members}


async def complete_notices(session: Session, notices: HeldNotices, departed: Mapping[str, Snapshot]) -> None:
    """Add the state KPIs to the notices with deals that were read."""
    for number, notice in notices.items():
        snapshot = departed.get(notice.crm_user)
        readings = snapshot.readings if snapshot is not None else {}
        if isinstance(readings.get(DEALS_OPEN), Value):
            states = {key: reading for key, reading in readings.items() if CATALOGUE[key].kind is KpiKind.STATE}
            await deliveries.complete(session, number, replace(notice, readings=states))


async def take_into_digest(session: Session, team: str, heads: Collection[int], at: datetime) -> tuple[int, ...]:
    """Cancel the notices that are complete and still held back, for the heads' digest; return an id for each manager.

    A notice for a head who gets no digest stays.
    """
    recipients = {to_telegram(head) for head in heads}
    found: dict[str, int] = {}
    for held in await deliveries.waiting(session, DeliveryKind.DEPARTED, at=at):
        notice = held.notice
        is_complete = isinstance(notice, DepartedNotice) and notice.team == team and notice.readings is not None
        if isinstance(notice, DepartedNotice) and is_complete and held.recipient in recipients:
            found.setdefault(notice.crm_user, held.id)
            await deliveries.cancel(session, event=held.event, kind=DeliveryKind.DEPARTED, at=at)
    return tuple(found.values())
