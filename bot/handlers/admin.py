"""Answer `/invite` and `/bind`, for admins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import Bot, F
from aiogram.types import CallbackQuery, Message
from aiogram.utils.deep_linking import create_start_link

from bot.access import Viewer, viewer_of
from bot.context import AppContext
from bot.screens.invite import links_view, unconnected_view
from bot.screens.members import load_unconnected
from bot.screens.team_picker import back_to_picker, only_team, picker_view
from bot.screens.view import Button, View
from bot.telegram import menus, reply
from bot.telegram.asked import Asked
from bot.telegram.callbacks import BindTeam, DisconnectPerson, MakeInvites, PickTeam, RevealAdmin
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts, safe
from storage.people import channels, invites, people, teams

router = RouterTemplate("admin")


# /invite


@router.message(Asked("invite"), F.chat.type == "private")
async def invite(message: Message, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Show the managers of a team who have not joined, or ask which team."""
    if not viewer.admin:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    team = only_team(ctx.teams)
    if team is None:
        await reply.send(message, picker_view(t, ctx, "invite", ctx.teams))
    else:
        await reply.send(message, await _missing(ctx, t, team))


@router.callback_query(Tapped(PickTeam, only=F.command == "invite"))
async def invite_team(query: CallbackQuery, tapped: PickTeam, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Show the managers of the picked team who have not joined."""
    if not viewer.admin or tapped.team not in ctx.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    view = await _missing(ctx, t, tapped.team)
    await reply.replace(query, view.with_rows(back_to_picker(t, viewer, "invite")))


@router.callback_query(Tapped(MakeInvites))
async def invite_links(
    query: CallbackQuery,
    tapped: MakeInvites,
    bot: Bot,
    ctx: AppContext,
    viewer: Viewer,
    t: Texts,
    now: Callable[[], datetime],
) -> None:
    """Make new links on demand only: earlier links stop working."""
    if not viewer.admin or tapped.team not in ctx.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    back = Button(t("summary-back"), PickTeam(command="invite", team=tapped.team).pack())
    await reply.replace(query, (await _links(bot, ctx, viewer, t, tapped.team, now())).with_rows(((back,),)))


async def _missing(ctx: AppContext, t: Texts, key: str) -> View:
    async with ctx.db.reading() as session:
        return unconnected_view(t, key, await load_unconnected(session, key))


async def _links(bot: Bot, ctx: AppContext, viewer: Viewer, t: Texts, key: str, now: datetime) -> View:
    links = []
    async with ctx.db.transaction() as session:
        for member in await load_unconnected(session, key):
            token = await invites.invite_manager(
                session, member.connection, member.crm_user, author=f"telegram:{viewer.telegram_id}", at=now
            )
            links.append((member.name, await create_start_link(bot, token)))
    return links_view(t, links)


# Who joined


@router.callback_query(Tapped(DisconnectPerson))
async def disconnected(
    query: CallbackQuery,
    tapped: DisconnectPerson,
    bot: Bot,
    ctx: AppContext,
    viewer: Viewer,
    t: Texts,
    now: Callable[[], datetime],
) -> None:
    """Disconnect a person from the chat that joined, unless another chat has joined since."""
    if not viewer.admin:
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.transaction() as session:
        person = await people.by_telegram(session, tapped.chat)
        joined = person is not None and person.id == tapped.person
        if joined:
            await people.unlink(session, tapped.person, author=f"telegram:{viewer.telegram_id}", at=now())
    if person is None or not joined:
        await query.answer(t("joined-over"), show_alert=True)
        return
    await reply.replace(query, View(t("joined-disconnected", name=safe(person.name))))
    await menus.show(bot, ctx, viewer_of(ctx, tapped.chat, None), at=now())


# /bind


@router.message(Asked("bind"))
async def bind(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Send the leaderboard to this group or topic from now on."""
    private = message.chat.type == "private"
    if viewer.admin:
        await reply.send(
            message, View(t("bind-private")) if private else await _binding(message, ctx, viewer, t, now())
        )
    elif private:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
    elif _is_anonymous(message):
        await reply.send(message, View(t("bind-who"), ((Button(t("bind-me"), RevealAdmin().pack()),),)))


def _is_anonymous(message: Message) -> bool:
    """Return whether an anonymous administrator wrote the message: Telegram names the group as the sender."""
    return message.sender_chat is not None and message.sender_chat.id == message.chat.id


@router.callback_query(Tapped(RevealAdmin))
async def bind_shown(
    query: CallbackQuery, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Bind the group for the admin who tapped: a tap names the user, an anonymous message does not."""
    message = await _tapped_by_admin(query, viewer, t)
    if message is not None:
        await reply.replace(query, await _binding(message, ctx, viewer, t, now()))


async def _tapped_by_admin(query: CallbackQuery, viewer: Viewer, t: Texts) -> Message | None:
    """Return the message in the group; answer the tap and return None for other users and for old messages."""
    if not viewer.admin:
        await query.answer(t("not-yours"), show_alert=True)
    elif not isinstance(query.message, Message):
        await query.answer(t("stale-button"), show_alert=True)
    else:
        return query.message
    return None


async def _binding(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: datetime) -> View:
    """Bind the only team, or ask which team."""
    team = only_team(ctx.teams)
    if team is not None:
        return View(await _bound(ctx, viewer, t, team, message, now))
    return View(
        t("bind-choose"), tuple((Button(each.title, BindTeam(team=key).pack()),) for key, each in ctx.teams.items())
    )


@router.callback_query(Tapped(BindTeam))
async def bind_team(
    query: CallbackQuery, tapped: BindTeam, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Bind the team that was picked in the group."""
    message = await _tapped_by_admin(query, viewer, t)
    if message is None:
        return
    if tapped.team not in ctx.teams:
        await query.answer(t("stale-button"), show_alert=True)
        return
    await reply.replace(query, View(await _bound(ctx, viewer, t, tapped.team, message, now())))


async def _bound(ctx: AppContext, viewer: Viewer, t: Texts, key: str, message: Message, now: datetime) -> str:
    team, thread_id = ctx.teams[key], _thread(message)
    if team.chat_id is not None:
        return t("bind-settings", title=safe(team.title))
    async with ctx.db.transaction() as session:
        author = f"telegram:{viewer.telegram_id}"
        await teams.bind_chat(session, key, message.chat.id, thread_id, author=author, at=now)
        await channels.turn_on(session, message.chat.id, at=now)
        if thread_id is not None:
            await channels.restore_thread(session, message.chat.id, thread_id, at=now)
    return t("bind-done", title=safe(team.title))


def _thread(message: Message) -> int | None:
    """Return the topic of a message; None for the General topic."""
    return message.message_thread_id if message.is_topic_message else None
