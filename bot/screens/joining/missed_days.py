"""Tell who comes back after blocking the bot the days that could not be told, a line each (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.access import Viewer
from bot.context import AppContext
from bot.delivery.reasons import OF_THE_CHAT
from bot.screens.digest import earlier_discipline
from bot.screens.evening import earlier_points, points_of
from bot.screens.finished_days import load_disciplines
from bot.screens.view import View
from bot.texts import Texts, safe
from storage.days import queries
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import DigestNotice, EveningNotice, to_person, to_telegram

MOST = 31
"""Days told; earlier days are counted."""
BEFORE = timedelta(minutes=1)
"""Time between a message that could not be delivered and the note that its chat is off."""


@dataclass(frozen=True, slots=True)
class MissedDay:
    """Hold a day of one team that a chat was not told."""

    team: str
    day: date
    crm_user: str | None
    """The manager whose score was to be told; None: the digest, for a head."""


async def load_welcome_back(
    session: Session, ctx: AppContext, t: Texts, viewer: Viewer, name: str, since: datetime | None
) -> View:
    """Welcome a user back, with the days that were not told since the chat was off, oldest first."""
    text = [t("welcome-back", name=safe(viewer.person.name if viewer.person else name))]
    missed = await _load_missed(session, ctx, viewer, since) if since is not None else []
    if missed:
        text += ["", f"{t('missed-head')}:"]
        if len(missed) > MOST:
            text.append(f"   {t('and-more', n=len(missed) - MOST)}")
        several = len({each.team for each in missed}) > 1
        for each, line in (await _load_lines(session, t, missed[-MOST:])).items():
            text.append(f"   • {line} · {safe(ctx.teams[each.team].title)}" if several else f"   • {line}")
    return View("\n".join(text))


async def _load_missed(session: Session, ctx: AppContext, viewer: Viewer, since: datetime) -> list[MissedDay]:
    recipients = [to_telegram(viewer.telegram_id), *([to_person(viewer.person.id)] if viewer.person else [])]
    found: set[MissedDay] = set()
    for sent in await deliveries.undelivered(session, recipients, OF_THE_CHAT, since=since - BEFORE):
        notice = sent.notice
        if isinstance(notice, EveningNotice | DigestNotice) and _may_read(ctx, viewer, notice):
            user = notice.crm_user if isinstance(notice, EveningNotice) else None
            found |= {MissedDay(notice.team, day, user) for day in (*notice.earlier, notice.day)}
    return sorted(found, key=lambda each: (each.day, each.team, each.crm_user or ""))


def _may_read(ctx: AppContext, viewer: Viewer, notice: EveningNotice | DigestNotice) -> bool:
    """Tell whether the rights of now allow what the message told."""
    if notice.team not in ctx.teams:
        return False
    if isinstance(notice, EveningNotice):
        return viewer.sees_person(notice.team, notice.crm_user)
    return viewer.sees_team(notice.team)


async def _load_lines(session: Session, t: Texts, missed: Sequence[MissedDay]) -> dict[MissedDay, str]:
    """Load what each day came to, in the order given; the ledger is read once for each manager and each team."""
    lines = dict.fromkeys(missed, "")
    for team, user in dict.fromkeys((each.team, each.crm_user) for each in missed):
        own = [each for each in missed if (each.team, each.crm_user) == (team, user)]
        days = [each.day for each in own]
        if user is None:
            of_days = await load_disciplines(session, team, days)
            lines |= {each: earlier_discipline(t, each.day, of_days[each.day]) for each in own}
        else:
            entries = await queries.history(session, team, user, min(days), max(days), evidence=False)
            lines |= {each: earlier_points(t, each.day, points_of(entries, each.day)) for each in own}
    return lines
