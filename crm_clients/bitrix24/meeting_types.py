"""Tell which of Bitrix24's activities are meetings, by the setting `meeting_types` (docs/crm/bitrix24.md).

A universal activity (`CRM_TODO`) has one type and one provider for meetings, calls and reminders. A meeting in the
calendar takes a span of time, or names attendees, a room or a calendar; another to-do has a deadline alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_clients.bitrix24.rows import MeetingRow, TodoRow

MEETING = 1
"""TYPE_ID of an activity of the type "meeting"."""
TODO = "CRM_TODO"
"""PROVIDER_ID of universal activities."""
PRESET = "todo:"
CALENDAR, TITLE, COLOR = f"{PRESET}meeting", f"{PRESET}title:", f"{PRESET}color:"
"""Presets: to-dos in the calendar, to-dos whose title holds a word, to-dos of a colour."""
PRESETS = f"{CALENDAR}, {TITLE}WORD, {COLOR}NUMBER"
_IN_CALENDAR = ("USERS", "LOCATION", "CALENDAR_SECTION_ID")
"""Settings of a to-do that are made in the calendar."""


@dataclass(frozen=True, slots=True)
class MeetingType:
    """Describe activities that are meetings."""

    condition: Mapping[str, Any]
    """Filter of the list."""
    includes: Callable[[Any], bool]
    """Tells whether a row is a meeting of this type."""
    row: type[MeetingRow] = MeetingRow


def meeting_types(wanted: Sequence[str]) -> list[MeetingType]:
    """Read the setting: numbers of types, names of providers, presets; without any the type "meeting"."""
    return [_meeting_type(name) for name in wanted or [str(MEETING)]]


def unknown_presets(wanted: Sequence[str]) -> list[str]:
    """List what looks like a preset and is none."""
    return [name for name in wanted if name.startswith(PRESET) and not _is_preset(name)]


def is_in_calendar(row: TodoRow) -> bool:
    """Tell whether a to-do is a meeting in the calendar."""
    settings = row.settings
    takes_time = row.END_TIME is not None and row.END_TIME > row.START_TIME
    return takes_time or any(settings.get(name) for name in _IN_CALENDAR)


def _is_preset(name: str) -> bool:
    return name == CALENDAR or any(name.startswith(preset) and name != preset for preset in (TITLE, COLOR))


def _meeting_type(name: str) -> MeetingType:
    todo = {"PROVIDER_ID": TODO}
    if name == CALENDAR:
        return MeetingType(todo, is_in_calendar, TodoRow)
    if name.startswith(TITLE):
        word = name.removeprefix(TITLE).casefold()
        return MeetingType(todo, lambda row: word in (row.SUBJECT or "").casefold(), TodoRow)
    if name.startswith(COLOR):
        color = name.removeprefix(COLOR)
        return MeetingType(todo, lambda row: str(row.settings.get("COLOR") or "") == color, TodoRow)
    if name.isdigit():
        return MeetingType({"TYPE_ID": int(name)}, lambda row: int(name) == row.TYPE_ID)
    return MeetingType({"PROVIDER_ID": name}, lambda row: name == row.PROVIDER_ID)
