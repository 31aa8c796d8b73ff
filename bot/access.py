"""Grant rights to users. Rights are looked up on every message and every tap: a menu is not a lock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.context import AppContext
from bot.texts import Language, Texts, language_of, texts
from storage.db.database import Session
from storage.people import people
from storage.values import Member, Person, PointsAuthor, Role


@dataclass(frozen=True, slots=True)
class Viewer:
    """Describe a user of the bot, with the rights as of now."""

    telegram_id: int
    language: Language
    person: Person | None = None
    own: tuple[Member, ...] = ()
    """Manager records of the user that belong to a team now."""
    head_of: frozenset[str] = frozenset()
    hr_of: frozenset[str] = frozenset()
    admin: bool = False

    @property
    def t(self) -> Texts:
        """Return the texts in the user's language."""
        return texts(self.language)

    @property
    def known(self) -> bool:
        """Return whether the user has any role."""
        return bool(self.own or self.head_of or self.hr_of or self.admin)

    @property
    def roles(self) -> frozenset[str]:
        """Return the names of the user's roles, for menus and `/help`."""
        marks = {"manager": self.own, "head": self.head_of, "hr": self.hr_of, "admin": self.admin}
        return frozenset(name for name, has in marks.items() if has)

    @property
    def teams(self) -> frozenset[str]:
        """Return the teams whose board and rules the user may see."""
        return self.head_of | self.hr_of | {member.team for member in self.own if member.team}

    def member_of(self, team: str) -> Member | None:
        """Return the user's manager record in a team."""
        return next((member for member in self.own if member.team == team), None)

    def sees_team(self, team: str) -> bool:
        """Return whether the user may see all managers of a team: the head may."""
        return team in self.head_of

    def decides(self, team: str) -> bool:
        """Return whether the user may change points of a team by hand: the head may."""
        return team in self.head_of

    @property
    def author(self) -> PointsAuthor:
        """Return the user as the author of points by hand."""
        name = self.person.name if self.person else f"telegram:{self.telegram_id}"
        return PointsAuthor(name, is_owner=self.admin, person_id=self.person.id if self.person else None)

    def sees_person(self, team: str, crm_user: str) -> bool:
        """Return whether the user may see a manager's evidence: the manager and the head may."""
        own = self.member_of(team)
        return self.sees_team(team) or (own is not None and own.crm_user == crm_user)

    def teams_for(self, command: str) -> frozenset[str]:
        """Return the teams among which the user may pick for a command."""
        if command in ("team", "week", "month", "pardon"):
            return self.head_of
        if command == "export":
            return self.hr_of
        if command == "invite":
            return self.head_of if self.admin else frozenset()
        return self.teams if command in ("rules", "leaderboard") else frozenset()

    def exports(self, team: str) -> bool:
        """Return whether the user may have the workbook: hr may."""
        return team in self.hr_of


async def viewer(session: Session, ctx: AppContext, telegram_id: int, language_code: str | None = None) -> Viewer:
    """Load the rights of a Telegram user from settings and database; an admin has all rights of all teams."""
    return viewer_of(ctx, telegram_id, await people.by_telegram(session, telegram_id), language_code)


def viewer_of(ctx: AppContext, telegram_id: int, person: Person | None, language_code: str | None = None) -> Viewer:
    """Combine the rights of a person that was loaded before."""
    grants = person.roles if person else frozenset()
    every = frozenset(ctx.teams)
    admin = telegram_id in ctx.admins or any(grant.role is Role.ADMIN for grant in grants)

    def teams_of(role: Role, listed: Iterable[str]) -> frozenset[str]:
        granted = [every if grant.team is None else {grant.team} for grant in grants if grant.role is role]
        return every if admin else (frozenset(listed).union(*granted) & every)

    chosen = person.language if person else None
    return Viewer(
        telegram_id=telegram_id,
        language=language_of(chosen or language_code, ctx.language),
        person=person,
        own=tuple(member for member in person.active if member.team in every) if person else (),
        head_of=teams_of(Role.HEAD, (key for key, team in ctx.teams.items() if telegram_id in team.heads)),
        hr_of=teams_of(Role.HR, (key for key, team in ctx.teams.items() if telegram_id in team.hr)),
        admin=admin,
    )
