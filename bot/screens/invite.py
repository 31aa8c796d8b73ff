"""Show `/invite`: who has not joined, and new links."""

from __future__ import annotations

from collections.abc import Sequence

from bot.screens.view import Button, View
from bot.telegram.callbacks import MakeInvites
from bot.texts import Texts, safe
from storage.values import Member


def unconnected_view(t: Texts, key: str, members: Sequence[Member]) -> View:
    """Show the managers who have not joined, and the button for links."""
    if not members:
        return View(t("invite-all"))
    names = [f"• {safe(member.name)}" for member in members]
    button = Button(t("invite-make"), MakeInvites(team=key).pack())
    return View("\n".join([f"<b>{t('invite-head', n=len(names))}</b>", *names]), ((button,),))


def links_view(t: Texts, links: Sequence[tuple[str, str]]) -> View:
    """Show (name, link) of each manager who has not joined."""
    if not links:
        return View(t("invite-all"))
    lines = [t("invite-link", name=safe(name), link=link) for name, link in links]
    return View("\n".join([f"<b>{t('invite-head', n=len(lines))}</b>", *lines, "", t("invite-note")]))
