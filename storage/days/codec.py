"""Encode readings as plain data and back: exact, titles included."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from scoring.records import Money
from scoring.snapshot import Cause, Evidence, NotAvailable, NotRead, Number, Reading, Value
from storage.db.types import decimal_text


def readings_to_json(readings: Mapping[str, Reading]) -> dict[str, Any]:
    """Encode readings as plain data that `readings_from_json` reads back."""
    return {kpi: _reading_to_json(reading) for kpi, reading in readings.items()}


def readings_from_json(data: Mapping[str, Any]) -> dict[str, Reading]:
    """Decode the readings that `readings_to_json` wrote."""
    return {kpi: reading_from_json(item) for kpi, item in data.items()}


def _reading_to_json(reading: Reading) -> dict[str, Any]:
    match reading:
        case Value(number, items):
            return {"value": _number_to_json(number), "items": [_item_to_json(item) for item in items]}
        case NotAvailable():
            return {"not_available": True}
        case NotRead(cause, detail):
            return {"not_read": cause.value, "detail": detail}


def reading_from_json(data: Mapping[str, Any]) -> Reading:
    """Decode one reading."""
    if "value" in data:
        return Value(number_from_json(data["value"]), tuple(_item_from_json(item) for item in data["items"]))
    if "not_read" in data:
        return NotRead(Cause(data["not_read"]), data["detail"])
    return NotAvailable()


def _number_to_json(number: Number) -> int | dict[str, str]:
    if isinstance(number, int):
        return number
    return {currency: decimal_text(amount) for currency, amount in number.items()}


def number_from_json(data: int | dict[str, str]) -> Number:
    """Decode a stored value."""
    if isinstance(data, int):
        return data
    return {currency: Decimal(amount) for currency, amount in data.items()}


def _item_to_json(item: Evidence) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": item.kind, "id": item.id, "title": item.title, "url": item.url}
    if item.amount is not None:
        data["amount"] = [decimal_text(item.amount.amount), item.amount.currency]
    if item.since is not None:
        data["since"] = item.since.isoformat()
    if item.again:
        data["again"] = True
    if item.deal:
        data["deal"] = item.deal
    return data


def _item_from_json(data: Mapping[str, Any]) -> Evidence:
    amount = data.get("amount")
    since = data.get("since")
    return Evidence(
        kind=data["kind"],
        id=data["id"],
        title=data["title"],
        url=data["url"],
        amount=Money(Decimal(amount[0]), amount[1]) if amount else None,
        since=datetime.fromisoformat(since) if since else None,
        again=data.get("again", False),
        deal=data.get("deal", ""),
    )


def evidence_keys(reading: Mapping[str, Any]) -> frozenset[str] | None:
    """List the evidence keys of a stored reading; None if the KPI was not read."""
    if "value" not in reading:
        return None
    return frozenset(f"{item['kind']}:{item['id']}" for item in reading["items"])


def without_titles(readings: Mapping[str, Any]) -> dict[str, Any]:
    """Blank titles and links of stored readings; numbers and keys stay, so that a day can still be recomputed."""
    blanked: dict[str, Any] = {}
    for kpi, reading in readings.items():
        items = [item | {"title": "", "url": ""} for item in reading.get("items", ())]
        blanked[kpi] = dict(reading) | ({"items": items} if "items" in reading else {})
    return blanked
