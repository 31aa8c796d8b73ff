"""An account without a name that can be seen has a word for a name."""

from __future__ import annotations

import pytest

from crm_clients.base import CrmUser
from reglament.day.time_limit import read_users


class Accounts:
    """A connection with one account."""

    def __init__(self, name: str) -> None:
        self._name = name

    def client(self, _connection: str) -> Accounts:
        return self

    def timeout(self, _connection: str) -> float:
        return 5.0

    async def users(self) -> list[CrmUser]:
        return [CrmUser("45", self._name)]


@pytest.mark.parametrize("name", ["", "  ", "#45", "\u3164", "…", "- -"])
async def test_a_deleted_account_has_a_word_for_a_name(name: str) -> None:
    [ru] = await read_users(Accounts(name), "main")  # type: ignore[arg-type]
    [en] = await read_users(Accounts(name), "main", "en")  # type: ignore[arg-type]
    assert (ru.id, ru.name, en.name) == ("45", "Без имени, № 45", "No name, no. 45")


@pytest.mark.parametrize("name", ["Анна", "李", "#46", "Э"])
async def test_a_name_that_can_be_seen_is_kept(name: str) -> None:
    [user] = await read_users(Accounts(name), "main")  # type: ignore[arg-type]
    assert user.name == name
