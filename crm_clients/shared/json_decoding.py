"""JSON as CRMs send it: money without rounding, and two of their slips."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from decimal import Decimal
from typing import Any

import msgspec

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_HALF_OF_A_PAIR = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class NotJson(ValueError):
    """It may have been cut, or be a page for people."""


def parse(body: bytes) -> Any:
    """What it says; numbers with a fraction as Decimal. Raises NotJson.

    A mark before it is skipped. Half an emoji, where a CRM has cut a text, is replaced: no database would take it.
    """
    try:
        try:
            return _DECODER.decode(body)
        except msgspec.DecodeError:
            return _DECODER.decode(_HALF_OF_A_PAIR.sub(_whole, body.removeprefix(BOM_UTF8)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJson(str(error)) from None


def _whole(escape: re.Match[bytes]) -> bytes:
    return escape[1] or rb"\ufffd"
