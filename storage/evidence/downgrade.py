"""Write stored evidence back into the readings, where releases before the packs look for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Connection, Integer, LargeBinary, Select, Text, column, select, table

from storage.days.codec import read_kpis, readings_from_json, readings_to_json
from storage.db.types import CanonicalJson
from storage.evidence import lists
from storage.evidence.load import EvidenceLists, RowKey, SnapshotRow, last_keys_of, lists_of_row

_SNAPSHOTS = table(
    "snapshots",
    column("run_id", Integer),
    column("manager_id", Integer),
    column("name", Text),
    column("readings", CanonicalJson),
    column("evidence_lists", LargeBinary),
    column("evidence_pack", LargeBinary),
    column("absent", Boolean),
    column("last_keys", CanonicalJson),
    column("blanked", Boolean),
)
"""The table as this migration finds it, whatever later releases add to the model."""


def write_items_into_readings(connection: Connection) -> None:
    """Rewrite every snapshot that names packs as plain readings and keys; the packs are dropped afterwards.

    Keys are resolved before any row loses what other rows refer to: lists and packs stay until the columns go.
    """
    this = _SNAPSHOTS.c
    keys = connection.execute(
        select(this.run_id, this.manager_id).where(this.evidence_lists.is_not(None)).order_by(this.run_id.desc())
    )
    # The newest first: what a row is compared with stands in older rows, which still name their packs.
    for run_id, manager_id in keys.all():
        row = _row(connection, (run_id, manager_id))
        readings = readings_to_json(readings_from_json(row.readings, _evidence(connection, row)))
        last = {kpi: sorted(found) for kpi, found in _last_keys(connection, row).items()}
        connection.execute(
            _SNAPSHOTS.update()
            .where(this.run_id == run_id, this.manager_id == manager_id)
            .values(readings=readings, last_keys=last)
        )


def _row(connection: Connection, key: RowKey) -> SnapshotRow:
    return SnapshotRow(*connection.execute(_rows().where(*_is(key))).one())


def _rows() -> Select[Any]:
    this = _SNAPSHOTS.c
    return select(
        this.run_id, this.manager_id, this.manager_id, this.name, this.readings, this.evidence_lists,
        this.absent, this.last_keys, this.blanked,
    )  # fmt: skip


def _is(key: RowKey) -> tuple[Any, Any]:
    return _SNAPSHOTS.c.run_id == key[0], _SNAPSHOTS.c.manager_id == key[1]


def _evidence(connection: Connection, row: SnapshotRow) -> EvidenceLists:
    packs: dict[RowKey, bytes] = {}
    for run_id, _ in lists.decode(row.lists).sources if row.lists is not None else ():
        key = run_id, row.manager_id
        packs[key] = connection.scalar(select(_SNAPSHOTS.c.evidence_pack).where(*_is(key))) or b""
    return lists_of_row(row, packs)


def _last_keys(connection: Connection, row: SnapshotRow) -> Mapping[str, frozenset[str]]:
    keys = {(run_id, row.manager_id) for run_id in row.last_keys.values() if isinstance(run_id, int)}
    earlier = [_row(connection, key) for key in keys]
    read = {each.key: frozenset(read_kpis(each.readings)) for each in earlier}
    return last_keys_of(row, read, {each.key: _evidence(connection, each) for each in earlier})
