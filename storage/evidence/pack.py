"""Encode the items of evidence that a snapshot is the first to name as a pack: a few compressed bytes an item."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from scoring.records import Money
from scoring.snapshot import Evidence
from storage.db.types import decimal_text

Shape = tuple[str, str, str | None, str, bool, bool, str]
"""Kind, link before and after the id (None: the whole link stands before), currency, again, late, spared."""
Item = tuple[Shape, str, str, int | str | None, str | None, str, str]
"""Shape, id, title, `since` (whole seconds since 1970 in UTC, or ISO text), amount, deal, and what to mend: names of
empty fields, or the reason of a loss."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_NO_OFFSET = timedelta()
_FORM, _FORM_WITH_FIELDS = b"\x01", b"\x02"
"""First byte of a pack: the form of the rest. The second form, with a column of empty fields, is taken where needed."""
_BETWEEN = "\n"
"""Stands between the names of empty fields; a name is one line."""
_REASON = "\t"
"""Begins the reason of a loss in the column of empty fields: no name begins so, and a lost deal has no such names."""
_WORDS = (
    "Позвонить Отправить Договор Компания Сделка Встреча: Входящий: Исходящий: Incoming: Outgoing: Meeting: "
    '"https://null,null,null,"",""],["call","meeting","company","task","deal","RUB",false,false,""],[[['
).encode()
"""Words that many packs hold, known to the compressor from the start. Part of the form: never changed."""
_RAW = -15
"""Deflate without head and checksum: the ledger and the journal cover what a pack says."""


def to_item(evidence: Evidence) -> Item:
    """Take evidence apart into what a pack stores; equal items are equal in every stored letter."""
    money, key = evidence.amount, evidence.id
    before, found, after = evidence.url.rpartition(key) if key else ("", "", "")
    link = (before, after) if found else (evidence.url, None)
    currency = money.currency if money else ""
    shape = (evidence.kind, *link, currency, evidence.again, evidence.late, evidence.spared)
    amount = decimal_text(money.amount) if money else None
    reason = evidence.loss_reason
    fields = _BETWEEN.join(evidence.missing_fields) if reason is None else f"{_REASON}{reason}"
    return shape, key, evidence.title, _instant(evidence.since), amount, evidence.deal, fields


def _instant(since: datetime | None) -> int | str | None:
    if since is None:
        return None
    is_plain = since.utcoffset() == _NO_OFFSET and not since.microsecond
    return (since - _EPOCH) // _SECOND if is_plain else since.isoformat()


def _to_datetime(since: int | str) -> datetime:
    return _EPOCH + since * _SECOND if isinstance(since, int) else datetime.fromisoformat(since)


@dataclass(slots=True)
class Items:
    """Hold decoded items of one or more packs, column by column; an address is a place in the columns."""

    shapes: list[Shape] = field(default_factory=list)
    shape: list[int] = field(default_factory=list)
    """Place of the shape in `shapes`, by item."""
    ids: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    since: list[int | str | None] = field(default_factory=list)
    amounts: list[str | None] = field(default_factory=list)
    deals: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)
    """Names of empty required fields, a line each; or the reason of a loss."""

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Item]:
        shapes = map(self.shapes.__getitem__, self.shape)
        columns = self.ids, self.titles, self.since, self.amounts, self.deals, self.fields
        return iter(zip(shapes, *columns, strict=True))

    def add(self, item: Item, shapes: dict[Shape, int]) -> None:
        """Add an item; `shapes` numbers the shapes met so far."""
        shape, key, title, since, amount, deal, fields = item
        number = shapes.setdefault(shape, len(shapes))
        if number == len(self.shapes):
            self.shapes.append(shape)
        self.shape.append(number)
        self.ids.append(key)
        self.titles.append(title)
        self.since.append(since)
        self.amounts.append(amount)
        self.deals.append(deal)
        self.fields.append(fields)

    def extend(self, other: Items) -> None:
        """Add the items of another pack behind the items here."""
        begin = len(self.shapes)
        self.shapes += other.shapes
        self.shape += [begin + number for number in other.shape]
        self.ids += other.ids
        self.titles += other.titles
        self.since += other.since
        self.amounts += other.amounts
        self.deals += other.deals
        self.fields += other.fields

    def evidence(self, address: int, *, titled: bool = True) -> Evidence:
        """Build the evidence at an address; not `titled`: without title and link."""
        kind, before, after, currency, again, late, spared = self.shapes[self.shape[address]]
        key, amount, since = self.ids[address], self.amounts[address], self.since[address]
        told = self.fields[address] if titled else ""
        is_reason = told.startswith(_REASON)
        return Evidence(
            kind,
            key,
            self.titles[address] if titled else "",
            "" if not titled else before if after is None else f"{before}{key}{after}",
            amount=None if amount is None else Money(Decimal(amount), currency),
            since=None if since is None else _to_datetime(since),
            again=again,
            deal=self.deals[address],
            late=late,
            spared=spared,
            missing_fields=() if is_reason else tuple(filter(None, told.split(_BETWEEN))),
            loss_reason=told.removeprefix(_REASON) if is_reason else None,
        )

    def key(self, address: int) -> str:
        """Return the evidence key at an address."""
        return f"{self.shapes[self.shape[address]][0]}:{self.ids[address]}"

    def is_spared(self, address: int) -> bool:
        """Tell whether the item at an address is shown without being counted."""
        return self.shapes[self.shape[address]][6] != ""


def encode(items: Iterable[Item]) -> bytes:
    """Encode items as a pack; no bytes for no items."""
    columns, shapes = Items(), dict[Shape, int]()
    for item in items:
        columns.add(item, shapes)
    return _to_bytes(columns) if len(columns) else b""


def decode(pack: bytes) -> Items:
    """Decode a pack. Raises ValueError for bytes that are no pack."""
    if not pack:
        return Items()
    if pack[:1] not in (_FORM, _FORM_WITH_FIELDS):
        raise ValueError("the bytes are no pack of evidence of this version")
    try:
        shapes, *columns = json.loads(zlib.decompressobj(_RAW, zdict=_WORDS).decompress(pack[1:]))
        if pack[:1] == _FORM:
            columns.append([""] * len(columns[0]))
        found = Items([_to_shape(shape) for shape in shapes], *columns)
        found.since = _summed(found.since)
    except (zlib.error, LookupError, TypeError, ValueError) as error:
        raise ValueError("the bytes are no pack of evidence") from error
    if {len(found.ids)} != {len(column) for column in columns} or max(found.shape, default=-1) >= len(shapes):
        raise ValueError("the columns of a pack of evidence do not fit together")
    return found


def _to_shape(parts: list[Any]) -> Shape:
    kind, before, after, currency, again, late, spared = parts
    return kind, before, after, currency, again, late, spared


def _to_bytes(items: Items) -> bytes:
    since = _steps(items.since)
    columns = [items.shapes, items.shape, items.ids, items.titles, since, items.amounts, items.deals]
    form = _FORM_WITH_FIELDS if any(items.fields) else _FORM
    if form == _FORM_WITH_FIELDS:
        columns.append(items.fields)
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode()
    compressor = zlib.compressobj(wbits=_RAW, zdict=_WORDS)
    return form + compressor.compress(text) + compressor.flush()


def _steps(since: Iterable[int | str | None]) -> list[int | str | None]:
    """Write each number as the step from the number before: items come in the order of time."""
    steps, before = list[int | str | None](), 0
    for each in since:
        steps.append(each - before if isinstance(each, int) else each)
        before = each if isinstance(each, int) else before
    return steps


def _summed(steps: Iterable[int | str | None]) -> list[int | str | None]:
    since, before = list[int | str | None](), 0
    for step in steps:
        before += step if isinstance(step, int) else 0
        since.append(before if isinstance(step, int) else step)
    return since


def without_titles(pack: bytes, keep: frozenset[int] = frozenset()) -> bytes:
    """Blank titles, links and names of fields of a pack but for the places in `keep`; the places of the items stay."""
    return encode(item if place in keep else _blank(item) for place, item in enumerate(decode(pack)))


def _blank(item: Item) -> Item:
    (kind, _, _, currency, again, late, spared), key, _, since, amount, deal, _ = item
    return (kind, "", None, currency, again, late, spared), key, "", since, amount, deal, ""
