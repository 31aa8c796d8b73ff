"""Read the accounts of a CRM, each with a name that can be seen."""

from __future__ import annotations

from dataclasses import replace

from crm_clients.base import CrmUser
from reglament.day.time_limit import ended_in_time
from reglament.process import Process
from reports.labels import labels

_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters by Unicode that fill the place of a letter and show nothing."""


async def read_users(process: Process, connection: str) -> list[CrmUser]:
    """Read all accounts of a connection within the time limit of a read. Raises CrmError alone.

    An account without a name, as deleted accounts are, gets a word for a name in the language of the settings.
    """
    connections, label = process.connections, labels(process.settings.language)

    async def work() -> list[CrmUser]:
        return list(await connections.client(connection).users())

    users = await ended_in_time(work, connections.timeout(connection), f"users of {connection}")
    return [user if _has_name(user) else replace(user, name=label("nameless", id=user.id)) for user in users]


def _has_name(user: CrmUser) -> bool:
    """Tell whether an account has a name that can be seen; clients write `#ID` for none."""
    return user.name != f"#{user.id}" and any(char.isalnum() and char not in _INVISIBLE for char in user.name)
