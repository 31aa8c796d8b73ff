"""Build the stable JSON documents that commands print (docs/json.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from reglament.day.missing import missing
from reports.currency import to_minor_unit
from scoring.scorecard import ScoreLine, is_money
from scoring.snapshot import Evidence, Reading, Snapshot, Value
from scoring.standings import Leaderboard, Standing
from scoring.workdays import Window
from storage.journal.chain import short_digest
from storage.values import Day

Json = dict[str, Any]


def number(value: Decimal) -> int | str:
    """Convert a count to a number and money to exact text."""
    return int(value) if value == value.to_integral_value() else str(value)


@dataclass(frozen=True, slots=True)
class SnapshotDocument:
    """Hold the document of `snapshot --json`; managers become JSON one by one, for all evidence is large."""

    head: Json
    snapshots: Sequence[Snapshot]

    def managers(self, *, items: bool = True) -> Iterator[Json]:
        """Yield the managers of the document; without `items` the evidence is left out."""
        return (_manager(snapshot, items=items) for snapshot in self.snapshots)


def snapshot_document(
    team: str, day: date, window: Window, snapshots: Sequence[Snapshot], *, requests: int, seconds: float
) -> SnapshotDocument:
    """Build the document of `snapshot --json`."""
    head = {
        "team": team,
        "day": day.isoformat(),
        "window": [window.start.isoformat(), window.cutoff.isoformat()],
        "requests": requests,
        "seconds": round(seconds, 3),
        "missing": missing(snapshots),
    }
    return SnapshotDocument(head, snapshots)


def score_json(day: Day) -> Json:
    """Build the document of `score --json` for a finished day."""
    run = day.run
    seconds = float(run.seconds or 0)
    snapshots = [card.snapshot for card in day.cards]
    document = snapshot_document(run.team, run.day, run.window, snapshots, requests=run.requests, seconds=seconds)
    managers = [
        manager | {"lines": [_line(line) for line in card.lines], "points": card.points}
        for manager, card in zip(document.managers(), day.cards, strict=True)
    ]
    return document.head | {
        "managers": managers,
        "scored": True,
        "digest": run.digest,
        "digest_short": short_digest(run.digest),
        "rehearsed": run.manual_instant,
    }


def board_json(team: str, period: str, first: date, last: date, board: Leaderboard) -> Json:
    """Build the document of `board --json`; managers with too few scored days come last, without a place."""
    return {
        "team": team,
        "period": period,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "discipline": _percent(board.discipline),
        "rows": [_standing(row) for row in (*board.rows, *board.apart)],
    }


def _manager(snapshot: Snapshot, *, items: bool) -> Json:
    return {
        "crm_user": snapshot.manager.crm_user,
        "name": snapshot.manager.name,
        "kpis": {key: _kpi(reading, items=items) for key, reading in snapshot.readings.items()},
    }


def _kpi(reading: Reading, *, items: bool) -> Json | None:
    if not isinstance(reading, Value):
        return None
    if isinstance(reading.number, Mapping):
        result: Json = {"value": {currency: _money(amount, currency) for currency, amount in reading.number.items()}}
    else:
        result = {"value": reading.number}
    if items and reading.items:
        result["items"] = [_item(item) for item in reading.items]
    return result


def _money(amount: Decimal, currency: str) -> str:
    """Write an amount with all decimals of the currency, and with those beyond that the CRM states."""
    exact = to_minor_unit(amount, currency)
    return f"{exact if exact == amount else amount:f}"


def _item(item: Evidence) -> Json:
    result: Json = {"id": item.key, "title": item.title, "url": item.url}
    if item.amount is not None:
        result |= {"amount": _money(item.amount.amount, item.amount.currency), "currency": item.amount.currency}
    if item.since is not None:
        result["since"] = item.since.isoformat()
    if item.late:
        result["late"] = True
    if item.spared:
        result["spared"] = str(item.spared)
    if item.again:
        result["again"] = True
    if item.missing_fields:
        result["missing_fields"] = list(item.missing_fields)
    if item.loss_reason is not None:
        result["loss_reason"] = item.loss_reason
    return result


def _line(line: ScoreLine) -> Json:
    def shown(value: Decimal | None) -> int | str | None:
        if value is None:
            return None
        return _money(value, line.rule.currency or "") if is_money(line.rule) else number(value)

    return {
        "rule": line.rule.id,
        "kpi": line.rule.kpi,
        "outcome": line.outcome.value,
        "value": shown(line.value),
        "bound": shown(line.bound),
        "points": line.points,
    }


def _standing(row: Standing) -> Json:
    return {
        "place": row.place,
        "crm_user": row.totals.crm_user,
        "name": row.totals.name,
        "points": row.totals.points,
        "per_day": f"{float(row.totals.per_day):.2f}",
        "today": row.today,
        "discipline": _percent(row.totals.discipline),
        "scored_days": row.totals.scored_days,
    }


def _percent(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
