"""Write the digest of a day under a message: short for the eye, whole in a link that the bot answers."""

from __future__ import annotations

from dataclasses import dataclass

from bot.texts import Texts
from storage.journal.chain import short_digest
from storage.journal.digests import LINK_MARK


@dataclass(frozen=True, slots=True)
class DigestLink:
    """Hold the digest of a day, and the user name of the bot that a tap on the link opens."""

    digest: str = ""
    """Empty: the day has no digest."""
    bot: str = ""
    """Empty: the digest is shown without a link."""


def digest_line(t: Texts, link: DigestLink) -> str:
    """Write `Ledger: abcdefgh`, the digits linked; empty without a digest."""
    if not link.digest:
        return ""
    short = short_digest(link.digest)
    if not link.bot:
        return t("day-digest", digest=f"<code>{short}</code>")
    address = f"https://t.me/{link.bot}?start={LINK_MARK}{link.digest}"
    return t("day-digest", digest=f'<a href="{address}">{short}</a>')
