"""Assign CRM users to teams by the settings and the CRM's complete list of users (pure; docs/product.md §11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crm_clients.base import CrmUser
from reglament.config.team import TeamSettings
from scoring.snapshot import Manager


@dataclass(frozen=True, slots=True)
class Roster:
    """Hold a team's members at a reading."""

    members: dict[str, Manager] = field(default_factory=dict)
    """Active human users by CRM id, ordered by name."""
    unknown: tuple[str, ...] = ()
    """Ids that the settings list and the CRM does not know."""


def rosters(teams: Mapping[str, TeamSettings], users: Iterable[CrmUser]) -> dict[str, Roster]:
    """Assign users to the teams of a connection.

    A listed user belongs to the team with the listing; with `department` and `everyone` the first matching team of
    the settings wins. Accounts that are credited to another account (`aliases`) are no members themselves.
    """
    known = {user.id: user for user in users}
    taken = {user for team in teams.values() for user in team.members.users}
    aliased = {alias for team in teams.values() for alias in team.aliases}
    result = {}
    for key, team in teams.items():
        wanted = team.members.users or [
            user.id for user in known.values() if user.id not in taken | aliased and _chosen(team, user)
        ]
        taken.update(wanted)
        present = [known[user] for user in wanted if user in known and known[user].active and known[user].human]
        present.sort(key=lambda user: (user.name.casefold(), user.id))
        result[key] = Roster(
            {user.id: Manager(user.id, user.name) for user in present},
            tuple(user for user in team.members.users if user not in known),
        )
    return result


def _chosen(team: TeamSettings, user: CrmUser) -> bool:
    if not (user.active and user.human):
        return False
    return team.members.everyone or team.members.department in user.departments
