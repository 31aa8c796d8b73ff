"""The parameters of Bot API methods, and the refusals of what the real one refuses."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.bot.telegram_html import BadHtml, plain
from tests.bot.telegram_world import Chat

_STRUCTURES = {"reply_markup", "commands", "scope", "link_preview_options", "allowed_updates", "reply_parameters"}


class Refused(Exception):
    """An answer that is not ok."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def too_many(seconds: int) -> Refused:
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


async def parameters_of(request: web.Request) -> dict[str, Any]:
    """Query, form, multipart or JSON, with files as bytes."""
    values: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        return values | await request.json()
    files: dict[str, web.FileField] = {}
    for key, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[key] = value
        else:
            values[key] = json.loads(value) if key in _STRUCTURES and isinstance(value, str) else value
    for key in ("photo", "document"):
        reference = values.get(key)
        name = reference.removeprefix("attach://") if isinstance(reference, str) else key
        if name in files:
            values[key], values["_file_name"] = files[name].file.read(), files[name].filename
    return values


def text_of(p: dict[str, Any], key: str, limit: int, too_long: str) -> tuple[str, str]:
    html = str(p.get(key) or "")
    try:
        text = plain(html) if p.get("parse_mode", "").upper() == "HTML" else html
    except BadHtml as error:
        raise Refused(400, f"Bad Request: can't parse entities: {error}") from error
    if utf16(text) > limit:
        raise Refused(400, f"Bad Request: {too_long}")
    return html, text


def utf16(text: str) -> int:
    """Characters as the real one counts them."""
    return len(text.encode("utf-16-le")) // 2


def keyboard_of(p: dict[str, Any]) -> list[list[dict[str, Any]]]:
    rows = (p.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if len(buttons) > 100:
        raise Refused(400, "Bad Request: reply markup is too long")
    if any(len(row) > 8 for row in rows):
        raise Refused(400, "Bad Request: too many buttons in a row")
    for button in buttons:
        if not button.get("text"):
            raise Refused(400, "Bad Request: can't parse inline keyboard button: Text must be non-empty")
        if not any(button.get(kind) for kind in ("url", "callback_data", "copy_text")):
            what = "Text buttons are unallowed in the inline keyboard"
            raise Refused(400, f"Bad Request: can't parse inline keyboard button: {what}")
        if button.get("copy_text") and not 1 <= utf16(button["copy_text"]["text"]) <= 256:
            raise Refused(400, "Bad Request: BUTTON_COPY_TEXT_INVALID")
        if len(button.get("callback_data", "").encode()) > 64:
            raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
        if button.get("url") and not button["url"].startswith(("http://", "https://", "tg://")):
            raise Refused(400, "Bad Request: BUTTON_URL_INVALID")
    return [row for row in rows if row]


def replied_to(chat: Chat, p: dict[str, Any]) -> int | None:
    reply = p.get("reply_parameters")
    if not reply:
        return None
    if chat.find(int(reply["message_id"])) is None:
        if not reply.get("allow_sending_without_reply"):
            raise Refused(400, "Bad Request: message to be replied not found")
        return None
    return int(reply["message_id"])
