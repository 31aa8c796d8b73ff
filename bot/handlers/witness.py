"""Answer taps on the digests under messages: whoever kept a message is a witness of its day (docs/product.md §6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from aiogram import Bot, F
from aiogram.filters import CommandObject
from aiogram.types import Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.team_picker import load_group
from bot.screens.witness.digest_proof import DigestProof, load_proofs, proof_view, unknown_view
from bot.telegram import reply
from bot.telegram.asked import Started
from bot.telegram.membership import is_in_group
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from storage.journal.digests import LINK_MARK

router = RouterTemplate("witness", F.chat.type == "private")
_WHOLE = re.compile(LINK_MARK + r"([a-z2-7]{32}|[0-9a-f]{12})$")
"""Parameter of a link with a whole digest, or with the 12 hex digits of a day before the journal."""
MOST_GROUPS = 10
"""Groups that Telegram is asked about for one tap."""


@router.message(Started(deep_link=True, magic=F.args.regexp(_WHOLE)))
async def digest_tapped(
    message: Message, command: CommandObject, ctx: AppContext, bot: Bot, viewer: Viewer, t: Texts
) -> None:
    """Tell whether a digest stands: to members of the team, heads, hr and the team's group; a stranger learns nothing.

    A digest that no day has is named so to readers of any team and to members of any team's group.
    """
    digest = (command.args or "").removeprefix(LINK_MARK)
    async with ctx.db.reading() as session:
        proofs = await load_proofs(session, ctx, digest)
    about = {proof.day.team for proof in proofs} or frozenset(ctx.teams)
    own = {proof.day.team for proof in proofs if _seen_by(viewer, ctx, proof).entries}
    reading = own | (viewer.teams & about) or await _groups_of(ctx, bot, viewer, about)
    if not reading:
        await message.answer(t("not-yours" if viewer.known else "stranger"))
    elif not proofs:
        await reply.send(message, unknown_view(t, digest))
    for proof in proofs:
        if proof.day.team in reading:
            await reply.send(message, proof_view(t, ctx, _seen_by(viewer, ctx, proof)))


async def _groups_of(ctx: AppContext, bot: Bot, viewer: Viewer, keys: Iterable[str]) -> frozenset[str]:
    """Ask Telegram in which of the teams' groups the user is."""
    chats = {}
    async with ctx.db.reading() as session:
        for key in sorted(keys):
            chats[key] = await load_group(session, ctx.teams[key])
    asked = [(key, chat_id) for key, chat_id in chats.items() if chat_id is not None][:MOST_GROUPS]
    return frozenset([key for key, chat_id in asked if await is_in_group(bot, chat_id, viewer.telegram_id)])


def _seen_by(viewer: Viewer, ctx: AppContext, proof: DigestProof) -> DigestProof:
    """Leave the entries that a reader may see: all to heads, to managers those of the own accounts."""
    key = proof.day.team
    if viewer.sees_team(key):
        return proof
    own = {member.crm_user for member in viewer.own if member.connection == ctx.teams[key].connection}
    return replace(proof, entries=tuple(entry for entry in proof.entries if entry.crm_user in own))
