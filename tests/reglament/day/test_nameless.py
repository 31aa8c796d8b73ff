"""An account without a name that can be seen has a word for a name."""

from __future__ import annotations

import pytest

from crm_clients.base import CrmUser
from reglament.crm_users import read_users
from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from tests.reglament.day.thursday import ready_process
from tests.reglament.scripted import settings


def speaking(language: str):
    return settings().model_copy(update={"language": language})


@pytest.mark.parametrize("name", ["", "  ", "#45", "\u3164", "…", "- -"])
async def test_a_deleted_account_has_a_word_for_a_name(database, crm, clock, name):
    crm.people = [CrmUser("45", name)]
    process = await ready_process(database, crm, clock)
    [ru] = await read_users(process, "main")
    [en] = await read_users(await ready_process(database, crm, clock, speaking("en")), "main")
    assert (ru.id, ru.name, en.name) == ("45", "Без имени, № 45", "No name, no. 45")


@pytest.mark.parametrize("name", ["Анна", "李", "#46", "Э"])
async def test_a_name_that_can_be_seen_is_kept(database, crm, clock, name):
    crm.people = [CrmUser("45", name)]
    [user] = await read_users(await ready_process(database, crm, clock), "main")
    assert user.name == name


async def test_the_running_day_speaks_of_a_deleted_account_in_the_language_of_the_settings(database, crm, clock):
    """The service made readings that spoke Russian, whatever the settings said."""
    crm.people = [CrmUser("45", "")]
    clock.pass_(hours=-2)
    process = await ready_process(database, crm, clock, speaking("en"))
    reading = await LiveReadings(process, await load_clocks(process)).read("sales", clock())
    assert [snapshot.manager.name for snapshot in reading.snapshots] == ["No name, no. 45"]
