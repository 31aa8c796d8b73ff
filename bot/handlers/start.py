"""Answer invite links, `/start`, `/help` and `/language`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import Bot, F
from aiogram.filters import CommandObject
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.access import viewer as load_viewer
from bot.context import AppContext
from bot.delivery.joined import tell_joined
from bot.screens.joining.welcome import load_welcome, welcome_view
from bot.screens.members import load_shown_name
from bot.screens.view import Button, View, rows
from bot.telegram import menus, reply
from bot.telegram.asked import Asked, Started
from bot.telegram.callbacks import AcceptInvite, ChooseLanguage, DeclineInvite
from bot.telegram.commands import commands_for
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts, language_of, safe, texts
from storage.errors import InviteRefused
from storage.people import channels, invites, people

router = RouterTemplate("start", F.chat.type == "private")


@router.message(Started(deep_link=True))
async def invited(
    message: Message, command: CommandObject, ctx: AppContext, t: Texts, now: Callable[[], datetime]
) -> None:
    """Ask whether the opened link is for this user."""
    token = command.args or ""
    try:
        async with ctx.db.reading() as session:
            invite = await invites.look_up(session, token, message.chat.id, at=now())
            name = await load_shown_name(session, invite.manager) if invite.manager else invite.name
    except InviteRefused as refused:
        await message.answer(t(f"invite-{refused.problem.value}"))
        return
    buttons = (
        Button(t("invite-yes"), AcceptInvite(token=token).pack()),
        Button(t("invite-no"), DeclineInvite().pack()),
    )
    await reply.send(message, View(t("invite-question", name=safe(name)), rows(buttons)))


@router.callback_query(Tapped(AcceptInvite))
async def accepted(
    query: CallbackQuery, tapped: AcceptInvite, ctx: AppContext, bot: Bot, t: Texts, now: Callable[[], datetime]
) -> None:
    """Connect the user to the invited manager, once."""
    try:
        async with ctx.db.transaction() as session:
            person = await invites.accept(session, tapped.token, query.from_user.id, at=now())
            await channels.turn_on(session, query.from_user.id, at=now())
            spoken = language_of(query.from_user.language_code, ctx.language)
            await channels.set_language(session, query.from_user.id, spoken, at=now())
            user = query.from_user
            await tell_joined(session, ctx, person, user.full_name, user.username or "", at=now())
    except InviteRefused as refused:
        await reply.replace(query, View(t(f"invite-{refused.problem.value}")))
        return
    async with ctx.db.reading() as session:
        who = await load_viewer(session, ctx, query.from_user.id, query.from_user.language_code)
        welcome = await load_welcome(session, ctx, who, person.name)
    await reply.replace(query, welcome_view(t, welcome))
    await _set_menu(bot, ctx, query.from_user.id, now())


@router.callback_query(Tapped(DeclineInvite))
async def declined(query: CallbackQuery, t: Texts) -> None:
    """Leave the invite unused."""
    await reply.replace(query, View(t("invite-declined")))


@router.message(Asked("start"))
async def start(
    message: Message,
    ctx: AppContext,
    bot: Bot,
    viewer: Viewer,
    t: Texts,
    now: Callable[[], datetime],
    returned: bool,
) -> None:
    """Welcome a known user and set the menu; tell a stranger one polite line."""
    if not viewer.known:
        await message.answer(t("stranger"))
        return
    if message.from_user is not None and viewer.person is None:
        async with ctx.db.transaction() as session:
            await people.find_or_add(session, viewer.telegram_id, message.from_user.full_name, at=now())
    if not (returned and viewer.person):  # already welcomed back
        async with ctx.db.reading() as session:
            name = message.from_user.full_name if message.from_user else ""
            welcome = await load_welcome(session, ctx, viewer, name)
        await reply.send(message, welcome_view(t, welcome))
    await _set_menu(bot, ctx, viewer.telegram_id, now())


async def _set_menu(bot: Bot, ctx: AppContext, telegram_id: int, at: datetime) -> None:
    async with ctx.db.reading() as session:
        who = await load_viewer(session, ctx, telegram_id)
    await menus.show(bot, ctx, who, at=at)


@router.message(Asked("help"))
async def help_(message: Message, viewer: Viewer, t: Texts) -> None:
    """List the commands of the user's roles."""
    if not viewer.known:
        await message.answer(t("stranger"))
        return
    lines = [t("help-line", name=command.name, what=t(command.text)) for command in commands_for(viewer.roles)]
    await message.answer("\n".join([f"<b>{t('help-head')}</b>", *lines, "", t("help-outro")]))


@router.message(Asked("language"))
async def language(message: Message, viewer: Viewer, t: Texts) -> None:
    """Ask for the language."""
    if not viewer.known:
        await message.answer(t("stranger"))
        return
    buttons = tuple(Button(t(f"language-{code}"), ChooseLanguage(language=code).pack()) for code in ("ru", "en"))
    await reply.send(message, View(t("language-question"), rows(buttons)))


@router.callback_query(Tapped(ChooseLanguage))
async def language_chosen(
    query: CallbackQuery,
    tapped: ChooseLanguage,
    ctx: AppContext,
    bot: Bot,
    viewer: Viewer,
    t: Texts,
    now: Callable[[], datetime],
) -> None:
    """Store the language, and rename the menu."""
    if not viewer.known:
        await query.answer(t("not-yours"))
        return
    chosen = language_of(tapped.language, ctx.language)
    async with ctx.db.transaction() as session:
        person = viewer.person or await people.find_or_add(
            session, viewer.telegram_id, query.from_user.full_name, at=now()
        )
        await people.set_language(session, person.id, chosen)
    await reply.replace(query, View(texts(chosen)("language-done")))
    await _set_menu(bot, ctx, viewer.telegram_id, now())
