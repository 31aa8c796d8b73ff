"""Digests in the texts of messages: by links, whole, and short after our words."""

from __future__ import annotations

import re

import pytest

from bot.screens.witness.digest_link import DigestLink, digest_line
from bot.texts import LANGUAGES, texts
from reglament.witnesses.message_texts import digests_in
from storage.journal.chain import short_digest

WHOLE = "pwqox3ee52pnv6kylaze56vpxltq5mpw"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("digest", [WHOLE, "0123456789ab"])
def test_the_line_of_every_message_is_understood(language, digest):
    linked = digest_line(texts(language), DigestLink(digest, "made_up_bot"))
    assert digests_in(f"Итог дня\n{linked}") == [digest]
    shown = re.sub("<[^>]*>", "", digest_line(texts(language), DigestLink(digest)))
    assert digests_in(f"first line\n{shown}\nlast line") == [short_digest(digest)]


def test_a_digest_stands_once_whichever_way_it_is_written():
    link = f"https://t.me/made_up_bot?start=d_{WHOLE}"
    assert digests_in(f"{link} {WHOLE}\nЖурнал: {WHOLE[:8]}", [link]) == [WHOLE]


@pytest.mark.parametrize(
    "text", ["", "Журнал", "Ledger: of all that moves money", "the ledger: finances", "A consider b"]
)
def test_ordinary_words_are_no_digests(text):
    assert digests_in(text) == []


def test_a_link_that_was_changed_is_a_digest_that_cannot_stand():
    assert digests_in("https://t.me/made_up_bot?start=d_PWQOX3EE") == ["PWQOX3EE"]
    assert digests_in("https://t.me/made_up_bot?start=invite_token") == []
