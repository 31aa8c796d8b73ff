"""The bot as the process needs it; aiogram is imported only when there is something to say to Telegram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglament.errors import SettingsError
from reglament.settings import Settings

if TYPE_CHECKING:
    pass


def is_set(settings: Settings) -> bool:
    """Whether there is a token."""
    return bool(settings.telegram.token.get_secret_value())


def require_token(settings: Settings) -> str:
    """The token. Raises SettingsError without one."""
    if not is_set(settings):
        raise SettingsError(
            "telegram.token is empty: put the token from @BotFather there, or into REGLAMENT_TELEGRAM__TOKEN"
        )
    return settings.telegram.token.get_secret_value()


def invite_link(bot: str, token: str) -> str:
    """The deep link that opens the bot with an invite."""
    return f"https://t.me/{bot}?start={token}"


async def learn_members(process: Process, team: str) -> None:
    """Know the CRM's users, so that they can be invited before the first evening."""
    connection = process.settings.teams[team].crm
    try:
        users = await process.connections.client(connection).users()
    except CrmError as error:
        raise WorkFailed(f"crm.{connection}: {error}") from None
    today = process.settings.teams[team].calendar().local_date(process.now())
    await synchronise(process, connection, users, today)


async def bot_name(settings: Settings) -> str:
    """The bot's user name, as Telegram knows it."""
    from bot.dispatcher import make_bot
    from bot.errors_text import telegram_trouble

    bot = make_bot(require_token(settings), settings.telegram.api_url)
    try:
        return (await bot.me()).username or ""
    except Exception as error:
        raise WorkFailed(telegram_trouble(error)) from None
    finally:
        await bot.session.close()
