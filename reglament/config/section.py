"""Define the base of all tables of the settings: strict keys, secrets from files, times, dates and amounts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

LONGEST_SECRET = 65_536
"""Characters that are read of a secret's file: the path may name a device without end."""
_TIME_OF_DAY = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
_HOURS = re.compile(r"^\s*((?:[01]?\d|2[0-3]):[0-5]\d)\s*[-–]\s*((?:[01]?\d|2[0-4]):[0-5]\d)\s*$")


def _time_of_day(value: Any) -> Any:
    if isinstance(value, time):
        return value
    match = _TIME_OF_DAY.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a time of day like "18:00"')
    return time(int(match[1]), int(match[2]))


def _date(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError('must be a date like "2026-04-30"') from None


def _texts(value: Any) -> Any:
    """Turn ids written as numbers into text."""
    if not isinstance(value, list):
        return value
    return [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in value]


def _person(value: int) -> int:
    """Refuse the id of a group: whoever writes there would have the rights of the role."""
    if value <= 0:
        raise ValueError("is the id of a group or channel; a role belongs to a person, whose id is positive")
    return value


def _hours(value: Any) -> Any:
    match = _HOURS.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be hours like "09:00-18:00", at most until "24:00"')
    first, last = (f"{hour:0>2}:{minute}" for hour, minute in (match[1].split(":"), match[2].split(":")))
    if not first < last <= "24:00":
        raise ValueError('must end after they begin, like "09:00-18:00"')
    return f"{first}-{last}"


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
Hours = Annotated[str, BeforeValidator(_hours)]
"""Hours of a day, written with two digits each: `09:00-18:00`."""
Date = Annotated[date, BeforeValidator(_date)]
Amount = Annotated[Decimal, Field(max_digits=14, decimal_places=2, allow_inf_nan=False)]
CrmIds = Annotated[list[Annotated[str, Field(max_length=64)]], BeforeValidator(_texts)]
TelegramId = Annotated[int, Field(gt=-(2**52), lt=2**52)]
"""Id of a user or a chat; Telegram promises at most 52 significant bits."""
PersonId = Annotated[TelegramId, AfterValidator(_person)]
"""Id of a user, never of a group."""
Title = Annotated[str, Field(max_length=120)]


def read_secret_files(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace `NAME_file = path` by `NAME = content` for every setting NAME of `model`."""
    result = dict(data)
    for key in list(result):
        name = key.removesuffix("_file")
        if name == key or key in model.model_fields or name not in model.model_fields:
            continue
        path = Path(str(result.pop(key)))
        try:
            with path.open(encoding="utf-8") as file:
                result[name] = file.read(LONGEST_SECRET).strip()
        except (OSError, ValueError) as error:  # also not UTF-8, or a NUL in the name
            reason = getattr(error, "strerror", None) or "not a text file"
            # Without the path: a secret may stand there by mistake.
            raise ValueError(f"{key}: the file cannot be read ({reason})") from None
    return result


class Section(BaseModel):
    """Read a table of the settings: unknown keys are errors, secrets may come from files."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _secret_files(cls, data: Any) -> Any:
        return read_secret_files(cls, data) if isinstance(data, dict) else data
