"""People who write to the bot and tap: once, twice, on old buttons, on buttons that they never had."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from tests.bot.telegram_world import BOT
from tests.simulation.clock import TrueClock
from tests.simulation.messenger import Arrived, Telegram, as_json
from tests.simulation.story import Story

HEAD, HR, ADMIN, STRANGER, GROUP = 222, 333, 999, 555, -1001
COMMANDS = {
    HEAD: ("/team", "/week", "/month", "/who", "/leaderboard", "/rules", "/help"),
    HR: ("/export", "/leaderboard", "/rules", "/language"),
    ADMIN: ("/health", "/invite", "/bind", "/rules", "/team", "/export"),
    STRANGER: ("/start", "/me", "/health", "привет", "/start nonsense"),
}
OF_MANAGERS = ("/me", "/today", "/rules", "/leaderboard", "/help", "/language", "/start", "спасибо", "/week")
FORGED = ("", "1:ev:sales:2026-11-19:7", "ev:sales:2026-13-40:zzz:0", "me", "tm:who:other", "3:zz", "ё" * 30)
BROKEN = (
    '{{"update_id": {id}, "message": {{"message_id": "no number"}}}}',
    '{{"update_id": {id}, "callback_query": {{"id": 7}}}}',
    '{{"update_id": {id}, "message": []}}',
    '{{"update_id": {id}, "brand_new_kind": {{"a": 1}}}}',
)


@dataclass(frozen=True)
class Asked:
    """What somebody did, and what must come of it."""

    who: int
    what: str
    tap: str = ""
    """Id of the tap; empty for a written word."""
    seen: int = 0
    """How many messages his chat had before."""


@dataclass
class Staff:
    """Hold the people around the bot."""

    story: Story
    clock: TrueClock
    telegram: Telegram
    managers: dict[str, int] = field(default_factory=dict)
    """Chats by CRM user."""
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def acts(self) -> list[Asked]:
        """Somebody does something: mostly sensible, sometimes not."""
        dice = self.story.dice
        managers = [chat for chat in self.managers.values() if not self.telegram.blocked(chat)]
        who = dice.choice([*managers, *COMMANDS])
        messages = self.telegram.chats.get(who, [])
        tappable = [message for message in messages if message.buttons]
        if dice.random() < 0.15:
            self._broken()
        if tappable and dice.random() < 0.55:
            message = tappable[-1] if dice.random() < 0.7 else dice.choice(tappable)
            data = dice.choice(message.buttons) if dice.random() < 0.9 else self._foreign()
            times = 2 if dice.random() < 0.2 else 1
            return [self.taps(who, message, data) for _ in range(times)]
        return [self.writes(who, dice.choice(COMMANDS.get(who, OF_MANAGERS)), again=dice.random() < 0.1)]

    def writes(self, who: int, text: str, *, again: bool = False) -> Asked:
        """Write in private; `again`: Telegram sends the update twice."""
        chat = {"id": who, "type": "private", "first_name": f"Имя {who}"}
        body = {"message_id": 10**6 + next(self._ids), "date": self._date, "chat": chat, "from": self._user(who)}
        body["text"] = text
        if text.startswith("/"):
            body["entities"] = [{"type": "bot_command", "offset": 0, "length": len(text.split(maxsplit=1)[0])}]
        update = as_json({"update_id": next(self._ids), "message": body})
        self.telegram.queue += [update] * (2 if again else 1)
        return Asked(who, text, seen=len(self.telegram.chats.get(who, ())))

    def taps(self, who: int, message: Arrived, data: str) -> Asked:
        """Tap a button of a message of his own chat."""
        number = next(self._ids)
        chat = {"id": who, "type": "private", "first_name": f"Имя {who}"}
        shown = {"message_id": message.id, "date": int(message.at.timestamp()), "chat": chat, "from": BOT}
        shown["text"] = message.text
        query = {"id": str(number), "from": self._user(who), "chat_instance": str(who), "data": data, "message": shown}
        self.telegram.queue.append(as_json({"update_id": number, "callback_query": query}))
        return Asked(who, f"tap {data}", str(number))

    def blocks(self, who: int, *, back: bool = False) -> None:
        """Block the bot, or let it write again."""
        old, new = ("kicked", "member") if back else ("member", "kicked")
        body: dict[str, Any] = {"chat": {"id": who, "type": "private", "first_name": f"Имя {who}"}, "date": self._date}
        body |= {"from": self._user(who), "old_chat_member": _member(old), "new_chat_member": _member(new)}
        self.telegram.queue.append(as_json({"update_id": next(self._ids), "my_chat_member": body}))

    def _broken(self) -> None:
        self.story.troubles.felt["undecodable_update"] += 1
        self.telegram.queue.append(self.story.dice.choice(BROKEN).format(id=next(self._ids)))

    def _foreign(self) -> str:
        """A button of somebody else, of another version, or none at all."""
        everybody = [data for chat in self.telegram.chats.values() for message in chat for data in message.buttons]
        return self.story.dice.choice([*FORGED[1:], *everybody[-40:]])

    def _user(self, who: int) -> dict[str, Any]:
        return {"id": who, "is_bot": False, "first_name": f"Имя {who}", "language_code": "en" if who % 3 else "ru"}

    @property
    def _date(self) -> int:
        return int(self.clock().timestamp())


def _member(status: str) -> dict[str, Any]:
    return {"user": BOT, "status": status} | ({"until_date": 0} if status == "kicked" else {})
