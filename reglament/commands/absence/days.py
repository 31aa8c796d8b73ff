"""Parse days and kinds of absences as people write them."""

from __future__ import annotations

from datetime import date, datetime

from bot.texts import LANGUAGES, texts
from reglament.commands.options import of_our_time
from reglament.errors import SettingsError
from scoring.names import fold
from scoring.terms.circumstances import Half
from storage.values import AbsenceKind


def parse_days(text: str) -> tuple[date, date]:
    """Parse `2026-12-01` or `2026-12-01..2026-12-05`. Raises SettingsError."""
    first, dots, last = text.partition("..")
    start = parse_day(first)
    return start, parse_day(last) if dots else start


def parse_day(text: str) -> date:
    """Parse `2026-12-01` or `01.12.2026`. Raises SettingsError."""
    text = text.strip()
    try:
        day = datetime.strptime(text, "%d.%m.%Y").date() if text[2:3] == "." else date.fromisoformat(text)  # noqa: DTZ007
        return of_our_time(day)
    except ValueError:
        raise SettingsError(f"{text!r} is no day; write it like 2026-12-01 or 01.12.2026") from None


def parse_half(text: str) -> Half | None:
    """Parse `am` or `pm`; empty: the whole day. Raises SettingsError."""
    try:
        return Half(fold(text)) if text.strip() else None
    except ValueError:
        raise SettingsError(f"{text!r} is no half of a day; write am or pm, or nothing for whole days") from None


def parse_kind(text: str) -> AbsenceKind:
    """Parse a kind by key (`sick`) or by name in any language (`больничный`). Raises SettingsError."""
    names = {fold(kind.value): kind for kind in AbsenceKind}
    for language in LANGUAGES:
        names |= {fold(texts(language)(f"absence-kind-{kind.value}")): kind for kind in AbsenceKind}
    kind = names.get(fold(text))
    if kind is None:
        raise SettingsError(f"{text!r} is no kind of absence; allowed are {', '.join(AbsenceKind)}")
    return kind
