"""Find the chat of a delivery."""

from __future__ import annotations

from dataclasses import dataclass

from bot.context import AppContext
from bot.delivery import reasons
from bot.texts import Language, language_of
from storage.db.database import Session
from storage.people import channels, people, teams
from storage.values import Delivery

GENERAL_TOPIC = 1
"""The number of the General topic in Telegram's own links; messages to the topic go without a number."""


@dataclass(frozen=True, slots=True)
class Target:
    """Describe the chat that a message goes to."""

    chat_id: int
    """The chat as stored; a messenger is told `chat`."""
    language: Language
    thread_id: int | None = None
    silenced: bool = False
    """The last message was refused for want of rights."""

    @property
    def chat(self) -> str:
        """Return the chat as a text, which the messenger understands."""
        return str(self.chat_id)

    @property
    def thread(self) -> str | None:
        """Return the topic as a text."""
        return None if self.thread_id is None else str(self.thread_id)

    def arrived(self, delivery: Delivery) -> tuple[int, ...]:
        """Return the messages that an earlier attempt brought to the chat."""
        return delivery.message_ids if delivery.chat_id == self.chat_id else ()


class Unreachable(Exception):
    """Tell that a recipient has no chat to write to; the text is the end of a `channel-…` key or a reason to log."""


async def load_target(session: Session, ctx: AppContext, delivery: Delivery) -> Target:
    """Read the chat of a delivery's recipient. Raises Unreachable."""
    kind, _, name = delivery.recipient.partition(":")
    if kind == "group":
        return await _group(session, ctx, name)
    which = {"person_id": int(name)} if kind == "person" else {"telegram_id": int(name)}
    telegram_id, chosen = await people.address(session, **which)
    if telegram_id is None:
        raise Unreachable(reasons.NOT_CONNECTED)
    channel = await channels.find(session, telegram_id)
    if not channel.active:
        raise Unreachable(channel.reason or reasons.OFF)
    return Target(telegram_id, language_of(chosen or channel.language, ctx.language))


async def _group(session: Session, ctx: AppContext, key: str) -> Target:
    """Read the group of the settings, else of `/bind`; without a topic that was deleted."""
    team = ctx.teams.get(key)
    stored = await teams.find(session, key)
    chat_id = team.chat_id if team and team.chat_id else stored.chat_id
    thread_id = team.thread_id if team and team.chat_id else stored.thread_id
    if team is None or chat_id is None:
        raise Unreachable(reasons.NO_GROUP)
    channel = await channels.find(session, chat_id)
    silenced = channel.reason == reasons.NO_RIGHTS
    if not channel.active and not silenced:
        raise Unreachable(channel.reason or reasons.OFF)
    without_topic = thread_id == GENERAL_TOPIC or thread_id in channel.lost_threads
    return Target(channel.chat_id, ctx.language, None if without_topic else thread_id, silenced)
