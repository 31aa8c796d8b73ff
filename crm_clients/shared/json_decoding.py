"""Decode JSON as CRMs send it: money without rounding, two common slips mended, no control characters."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from decimal import Decimal
from typing import Any

import msgspec

from crm_clients.shared.cleaning import clean_json

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_HALF_OF_A_PAIR = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class NotJson(ValueError):
    """Report a body that is not JSON: cut on the way, or a page for people."""


def parse(body: bytes) -> Any:
    """Decode a body; numbers with a fraction become Decimal. Raises NotJson.

    A byte order mark is skipped, a control character becomes a space. Half a surrogate pair, where a CRM has cut an
    emoji, is replaced: no database would take the half.
    """
    body = clean_json(body)
    try:
        try:
            return _DECODER.decode(body)
        except msgspec.DecodeError:
            return _DECODER.decode(_HALF_OF_A_PAIR.sub(_whole, body.removeprefix(BOM_UTF8)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _whole(escape: re.Match[bytes]) -> bytes:
    return escape[1] or rb"\ufffd"
