"""Encode readings as plain data and back: exact, titles included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from scoring.records import Money
from scoring.snapshot import Cause, Evidence, NotAvailable, NotRead, Number, Range, Reading, Value
from storage.db.types import decimal_text


def readings_to_json(readings: Mapping[str, Reading], *, items: bool = True) -> dict[str, Any]:
    """Encode readings as plain data that `readings_from_json` reads back; without `items` evidence is left out."""
    return {kpi: reading_to_json(reading, items=items) for kpi, reading in readings.items()}


def readings_from_json(
    data: Mapping[str, Any], evidence: Mapping[str, Sequence[Evidence]] | None = None
) -> dict[str, Reading]:
    """Decode the readings that `readings_to_json` wrote, with `evidence` by KPI in place of items in `data`."""
    if evidence is None:
        return {kpi: reading_from_json(item) for kpi, item in data.items()}
    return {kpi: reading_from_json(item, evidence.get(kpi, ())) for kpi, item in data.items()}


def reading_to_json(reading: Reading, *, items: bool = True) -> dict[str, Any]:
    """Encode a reading; without `items` the evidence is left out."""
    match reading:
        case Value():
            return _value_to_json(reading, items=items)
        case NotAvailable():
            return {"not_available": True}
        case NotRead():
            return _unread_to_json(reading, items=items)


def _unread_to_json(reading: NotRead, *, items: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"not_read": reading.cause.value, "detail": reading.detail}
    if reading.range is not None:
        high = reading.range.high
        data["range"] = {
            "low": _value_to_json(reading.range.low, items=items),
            "high": None if high is None else _number_to_json(high),
        }
    return data


def _value_to_json(value: Value, *, items: bool) -> dict[str, Any]:
    data: dict[str, Any] = {"value": _number_to_json(value.number)}
    if items:
        data["items"] = [_item_to_json(item) for item in value.items]
    return data | ({"ids": sorted(value.ids)} if value.ids else {}) | ({"spared": value.spared} if value.spared else {})


def _value_from_json(data: Mapping[str, Any], items: Sequence[Evidence] | None) -> Value:
    if items is None:
        items = tuple(_item_from_json(item) for item in data["items"])
    return Value(number_from_json(data["value"]), items, frozenset(data.get("ids", ())), data.get("spared", 0))


def reading_from_json(data: Mapping[str, Any], items: Sequence[Evidence] | None = None) -> Reading:
    """Decode one reading, with `items` in place of items in `data`."""
    if "value" in data:
        return _value_from_json(data, items)
    if "not_read" in data:
        return NotRead(Cause(data["not_read"]), data["detail"], _range_from_json(data.get("range"), items))
    return NotAvailable()


def items_from_json(data: Mapping[str, Any]) -> dict[str, Sequence[Evidence]]:
    """Decode the evidence in plain readings of an earlier release, by KPI."""
    known = {kpi: item.get("range", {}).get("low", item) for kpi, item in data.items()}
    return {kpi: tuple(map(_item_from_json, item["items"])) for kpi, item in known.items() if item.get("items")}


def read_kpis(data: Mapping[str, Any]) -> list[str]:
    """List the KPIs with a value in plain readings; a range is no value."""
    return [kpi for kpi, reading in data.items() if "value" in reading]


def _range_from_json(data: Mapping[str, Any] | None, items: Sequence[Evidence] | None) -> Range | None:
    if data is None:
        return None
    high = data["high"]
    return Range(_value_from_json(data["low"], items), None if high is None else number_from_json(high))


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
    if item.late:
        data["late"] = True
    if item.spared:
        data["spared"] = item.spared
    if item.missing_fields:
        data["missing_fields"] = list(item.missing_fields)
    if item.loss_reason is not None:
        data["loss_reason"] = item.loss_reason
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
        late=data.get("late", False),
        spared=data.get("spared", ""),
        missing_fields=tuple(data.get("missing_fields", ())),
        loss_reason=data.get("loss_reason"),
    )


_TEXTS = frozenset({"missing_fields", "loss_reason"})
"""Texts of an item beside title and link."""


def without_titles(readings: Mapping[str, Any]) -> dict[str, Any]:
    """Blank all texts of the items in stored readings; numbers and keys stay, to recompute the day."""
    return {kpi: _without_titles(reading) for kpi, reading in readings.items()}


def _without_titles(reading: Mapping[str, Any]) -> dict[str, Any]:
    blanked = dict(reading)
    if "items" in reading:
        blanked["items"] = [
            {key: part for key, part in item.items() if key not in _TEXTS} | {"title": "", "url": ""}
            for item in reading["items"]
        ]
    if reading.get("range"):
        blanked["range"] = reading["range"] | {"low": _without_titles(reading["range"]["low"])}
    return blanked
