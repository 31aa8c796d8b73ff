"""Which of Bitrix24's activities are meetings: types, providers, and presets for universal to-dos."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from crm_clients.base import Severity
from crm_clients.bitrix24.config import Bitrix24Config
from scoring.records import Change, Failed, Meeting, RecordKind, Unreadable
from tests.crm_clients.bitrix24.portal import SECRET, Portal, when
from tests.crm_clients.bitrix24.team import ANNA, HOUR, SECOND, Reader, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START

pytestmark = pytest.mark.usefixtures("no_backoff")

AT = START + HOUR


def todos() -> Portal:
    """To-dos with a deadline alone, and to-dos that the calendar shows."""
    where = portal()
    span = {"END_TIME": when(AT + HOUR)}
    rows: list[tuple[int, str, dict[str, Any]]] = [
        (1, "Позвонить", {}),
        (2, "Показ", span),
        (3, "Встреча в офисе", {"SETTINGS": {"LOCATION": "calendar_1_2"}}),
        (4, "Встреча с Ромашкой", {"SETTINGS": {"COLOR": "3"}}),
        (5, "Написать", {"SETTINGS": {"COLOR": "2", "USERS": []}}),
        (6, "Переговоры", {"SETTINGS": {"USERS": ["7", "12"]}}),
    ]
    for key, subject, own in rows:
        where.add_activity(key, subject, ANNA, started=AT, created=LONG_AGO, done=True, **{"SETTINGS": [], **own})
    return where


async def held(where: Portal, *types: str) -> set[str]:
    facts = await Reader(where, meeting_types=list(types)).facts("meetings_held")
    return {fact.id for fact in facts if isinstance(fact, Meeting)}


async def test_a_meeting_changed_after_the_cutoff_may_have_been_completed_since() -> None:
    where = portal()
    for key, updated in ((1, CUTOFF + SECOND), (2, CUTOFF - SECOND)):
        where.add_activity(
            key,
            "Встреча",
            ANNA,
            kind=1,
            provider="CRM_MEETING",
            started=AT,
            created=LONG_AGO,
            updated=updated,
            done=True,
        )

    facts = await Reader(where).facts("meetings_held")

    assert {fact.id: fact.changed for fact in facts if isinstance(fact, Meeting)} == {
        "1": {Change.COMPLETION},
        "2": frozenset(),
    }


async def test_a_preset_knows_to_dos_in_the_calendar_from_other_to_dos() -> None:
    assert await held(todos(), "todo:meeting") == {"2", "3", "6"}


async def test_a_preset_knows_meetings_by_a_word_of_the_title_or_by_the_colour() -> None:
    assert await held(todos(), "todo:title:встреча") == {"3", "4"}
    assert await held(todos(), "todo:color:3") == {"4"}


async def test_presets_add_up_with_types_and_providers() -> None:
    where = todos()
    where.add_activity(7, "Встреча", ANNA, kind=1, provider="CRM_MEETING", started=AT, created=LONG_AGO, done=True)

    assert await held(where, "1", "todo:meeting", "todo:color:3") == {"2", "3", "4", "6", "7"}
    assert await held(where, "CRM_TODO") == {"1", "2", "3", "4", "5", "6"}
    assert await held(where) == {"7"}


@pytest.mark.parametrize("preset", ["todo:", "todo:call", "todo:title:", "todo:color:"])
def test_an_unknown_preset_is_refused_in_words(preset: str) -> None:
    table = {"webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}", "meeting_types": [preset]}

    with pytest.raises(ValidationError, match="there are todo:meeting, todo:title:WORD, todo:color:NUMBER"):
        Bitrix24Config.model_validate(table)


@pytest.mark.parametrize("change", [{"SETTINGS": "x"}, {"SETTINGS": 5}, {"END_TIME": "вчера"}, {"END_TIME": None}])
async def test_a_to_do_of_an_undocumented_form_is_never_guessed_at(change: dict[str, Any]) -> None:
    where = todos()
    where.activities.rows[1].update(change)

    facts = await Reader(where, meeting_types=["todo:meeting"]).facts("meetings_held")

    is_told = [fact for fact in facts if isinstance(fact, Unreadable | Failed) and fact.kind is RecordKind.MEETINGS]
    assert bool(is_told) is (change != {"END_TIME": None})


async def test_check_proposes_the_preset_where_the_portal_keeps_nothing_but_to_dos() -> None:
    where = todos()

    findings = await Reader(where).check({str(ANNA): "Анна"})

    (told,) = [finding for finding in findings if finding.subject == "meetings_held"]
    assert told.severity is Severity.WARNING
    assert "of the last 6 done 3 stand in the calendar" in told.text
    assert 'meeting_types = ["todo:meeting"]' in told.text


async def test_check_proposes_nothing_where_there_are_meetings_or_the_settings_name_types() -> None:
    where = todos()
    named = await Reader(where, meeting_types=["todo:meeting"]).check({str(ANNA): "Анна"})
    where.add_activity(7, "Встреча", ANNA, kind=1, provider="CRM_MEETING", started=AT, created=LONG_AGO)
    kept = await Reader(where).check({str(ANNA): "Анна"})

    assert not [finding for finding in [*named, *kept] if finding.subject == "meetings_held"]
