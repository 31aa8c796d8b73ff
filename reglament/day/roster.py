"""Who belongs to which team, from the settings and the CRM's complete list of users (pure; docs/product.md §11)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crm_clients.base import CrmUser
from reglament.config.team import TeamSettings
from scoring.snapshot import Manager


@dataclass(frozen=True, slots=True)
class Roster:
    """One team's members at a reading."""

    members: dict[str, Manager] = field(default_factory=dict)
    """By CRM user, active humans only, by name."""
    unknown: tuple[str, ...] = ()
    """Listed in the settings, not known to the CRM."""


def rosters(teams: Mapping[str, TeamSettings], users: Iterable[CrmUser]) -> dict[str, Roster]:
    """The members of all teams of one connection.

    A listed user belongs to the team that lists him; with `department` and `everyone` the first team in the settings
    has him. Accounts that are credited to another one (`aliases`) are no members themselves.
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
