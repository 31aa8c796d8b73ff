"""Say what to do about a problem with Telegram, without aiogram's classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aiogram.exceptions import TelegramAPIError, TelegramNotFound, TelegramUnauthorizedError

from bot.telegram.session import trouble


class TelegramTrouble(Exception):
    """Tell what to do about a problem with Telegram; the text never holds the token."""


class TokenRefused(TelegramTrouble):
    """Tell that Telegram, or the look of it, says that the token is none."""


@contextmanager
def in_plain_words() -> Iterator[None]:
    """Translate errors of Telegram. Raises TelegramTrouble."""
    try:
        yield
    except (TelegramUnauthorizedError, TelegramNotFound) as error:
        raise TokenRefused(trouble(error)) from None
    except TelegramAPIError as error:
        raise TelegramTrouble(trouble(error)) from None
