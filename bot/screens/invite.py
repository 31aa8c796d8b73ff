"""Show `/invite`: who has not joined, and new links."""

from __future__ import annotations

from collections.abc import Sequence

from bot.screens.view import Button, View
from bot.telegram.callbacks import MakeInvites
from bot.telegram.sharing import copyable, share_address
from bot.texts import Texts, safe, shortened_name
from storage.values import Member

MOST_BUTTONS = 45
"""Invites with buttons; Telegram takes a hundred buttons under a message."""
LONGEST_NAME = 30
"""Characters of a name on a button."""


def unconnected_view(t: Texts, key: str, members: Sequence[Member]) -> View:
    """Show the managers who have not joined, and the button for links."""
    if not members:
        return View(t("invite-all"))
    names = [f"• {safe(member.name)}" for member in members]
    button = Button(t("invite-make"), MakeInvites(team=key).pack())
    return View("\n".join([f"<b>{t('invite-head', n=len(names))}</b>", *names]), ((button,),))


def links_view(t: Texts, links: Sequence[tuple[str, str]]) -> View:
    """Show (name, link) of each manager who has not joined, with buttons that share or copy a ready text.

    A single invite is the ready text alone, so that the message itself can be forwarded.
    """
    if not links:
        return View(t("invite-all"))
    buttons = tuple(_buttons(t, name, link) for name, link in links[:MOST_BUTTONS])
    if len(links) == 1:
        [(name, link)] = links
        return View(f"{safe(_ready(t, name))}\n{link}", buttons)
    lines = [t("invite-link", name=safe(name), link=link) for name, link in links]
    return View("\n".join([f"<b>{t('invite-head', n=len(lines))}</b>", *lines, "", t("invite-note")]), buttons)


def _ready(t: Texts, name: str) -> str:
    return t("invite-ready", name=name)


def _buttons(t: Texts, name: str, link: str) -> tuple[Button, ...]:
    ready = _ready(t, name)
    share = Button(t("invite-share", name=shortened_name(name, LONGEST_NAME)), url=share_address(link, ready))
    return (share, Button(t("invite-copy"), copy=copyable(ready, link)))
