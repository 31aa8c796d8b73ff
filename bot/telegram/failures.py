"""Translate errors of Telegram into the failures of a messenger."""

from __future__ import annotations

from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramRetryAfter,
)

from bot.delivery.reasons import NO_RIGHTS
from bot.messenger import AskedToWait, ChatOff, GroupMoved, NoAnswer, NotSent, Rejected, SendFailure, TopicGone
from bot.telegram.session import refused, trouble

_SILENCED = ("not enough rights", "no rights", "write_forbidden", "chat_restricted", "topic_closed", "_forbidden")


def failure_of(error: TelegramAPIError, chat_id: int, thread_id: int | None) -> SendFailure:
    """Translate an error of a request that puts a message into a chat."""
    match error:
        case TelegramRetryAfter():
            return AskedToWait(error.retry_after)
        case TelegramMigrateToChat():
            return GroupMoved(str(error.migrate_to_chat_id))
        case TelegramForbiddenError():
            return ChatOff(_why_forbidden(chat_id, error.message))
        case TelegramNetworkError() if not refused(error):
            return NoAnswer("no answer from Telegram")
        case TelegramBadRequest():
            return _bad_request(error.message, thread_id)
        case _:
            return NotSent(trouble(error))


def _bad_request(message: str, thread_id: int | None) -> SendFailure:
    text = message.lower()
    if "chat not found" in text or "peer_id_invalid" in text:
        return ChatOff("not_found")
    if thread_id is not None and ("thread not found" in text or "topic" in text):
        return TopicGone("the topic is gone")
    if any(words in text for words in _SILENCED):
        return ChatOff(NO_RIGHTS)
    return Rejected(message)


def _why_forbidden(chat_id: int, message: str) -> str:
    text = message.lower()
    if "chat was deleted" in text:
        return "not_found"
    if chat_id < 0:
        return "kicked"
    if "deactivated" in text:
        return "deactivated"
    if "initiate" in text:
        return "never_started"
    return "blocked"
