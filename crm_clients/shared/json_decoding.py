"""Decode JSON as CRMs send it: money without rounding, two common slips mended, rows typed at the door."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from crm_clients.errors import CrmNonsense

T = TypeVar("T")

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_HALF_OF_A_PAIR = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class NotJson(ValueError):
    """Report a body that is not JSON: cut on the way, or a page for people."""


def parse(body: bytes) -> Any:
    """Decode a body; numbers with a fraction become Decimal. Raises NotJson.

    A byte order mark is skipped. Half a surrogate pair, where a CRM has cut an emoji, is replaced: no database would
    take the half.
    """
    try:
        try:
            return _DECODER.decode(body)
        except msgspec.DecodeError:
            return _DECODER.decode(_HALF_OF_A_PAIR.sub(_whole, body.removeprefix(BOM_UTF8)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from None


def typed_rows(rows: Any, row_type: type[T], what: str) -> list[T]:
    """Convert decoded rows to `row_type`; `what` names the list in errors.

    Raises CrmNonsense with the id of the first row that lacks a field or has a field of another type.
    """
    if not isinstance(rows, list):
        raise CrmNonsense(f"{what}: the answer is not a list")
    return [_typed(row, row_type, what) for row in rows]


def _typed(row: Any, row_type: type[T], what: str) -> T:
    try:
        return msgspec.convert(row, row_type)
    except msgspec.ValidationError as error:
        number = row.get("id") if isinstance(row, dict) else None
        raise CrmNonsense(f"{what}: row {number}: {error}") from None


def _whole(escape: re.Match[bytes]) -> bytes:
    return escape[1] or rb"\ufffd"
