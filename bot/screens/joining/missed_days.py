"""Tell who comes back after blocking the bot the days that could not be told, a line each (docs/product.md §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.access import Viewer
from bot.context import AppContext
from bot.delivery.reasons import OF_THE_CHAT
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.standings import pooled, totals
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
        for each in missed[-MOST:]:
            line = await _line(session, t, each)
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


async def _line(session: Session, t: Texts, missed: MissedDay) -> str:
    if missed.crm_user is None:
        of_day = pooled(totals(await queries.entries(session, missed.team, missed.day, missed.day)).values())
        if of_day is None:
            return t("earlier-unscored", day=t.day(missed.day))
        return t("digest-earlier", day=t.day(missed.day), percent=t.percent(of_day))
    entries = await queries.history(session, missed.team, missed.crm_user, missed.day, missed.day, evidence=False)
    own = next(iter(totals(entries).values()), None)
    if own is None or not own.scored_days:
        return t("earlier-unscored", day=t.day(missed.day))
    return t("earlier-line", day=t.day(missed.day), points=t.points(own.points, signed=True))
