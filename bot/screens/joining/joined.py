"""Show admins who joined, with a button for the case that a stranger did (docs/product.md §8)."""

from __future__ import annotations

from bot.screens.view import Button, View
from bot.telegram.callbacks import DisconnectPerson
from bot.texts import Texts, safe
from storage.messages.notices import JoinedNotice


def joined_view(t: Texts, notice: JoinedNotice) -> View:
    """Show who joined under which name in Telegram, and the button that parts the chat from the person."""
    account = f"{safe(notice.account)} (@{safe(notice.username)})" if notice.username else safe(notice.account)
    button = Button(t("joined-disconnect"), DisconnectPerson(person=notice.person, chat=notice.chat).pack())
    return View(t("joined", name=safe(notice.name), account=account), ((button,),))
