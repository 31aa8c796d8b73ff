"""Serve the loopback Bot API and print what the bot says: `python -m tests.bot.serve_botapi --port 8081`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from tests.bot.botapi import TOKEN, BotApi
from tests.bot.telegram_world import Message


def _shown(message: Message) -> None:
    what = "edited" if message.history else "sent"
    extra = " [photo]" if message.photo else f" [{message.file_name}]" if message.document else ""
    keys = f"\n    {' | '.join(message.buttons)}" if message.rows else ""
    sys.stdout.write(f"--- {what} to {message.chat_id}, message {message.id}{extra}\n{message.text}{keys}\n")
    sys.stdout.flush()


async def _main(port: int, token: str, people: list[int], groups: list[int], *, limits: bool) -> None:
    async with BotApi(token=token, port=port, limits=limits, on_message=_shown) as api:
        for telegram_id in people:
            api.user(telegram_id, f"user {telegram_id}", started=True)
        for chat_id in groups:
            api.group(chat_id, f"group {chat_id}")
        sys.stdout.write(f"Bot API on {api.url}, token {api.token}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted, printing what the bot says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--user", type=int, action="append", default=[], help="a person who has pressed Start")
    parser.add_argument("--group", type=int, action="append", default=[], help="a group the bot is in")
    parser.add_argument("--no-limits", action="store_true")
    given = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(given.port, given.token, given.user, given.group, limits=not given.no_limits))


if __name__ == "__main__":
    main()
