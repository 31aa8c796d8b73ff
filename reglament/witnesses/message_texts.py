"""Find the digests in the text of a message: in links, whole, and short after the words that stand before a digest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from bot.texts import LANGUAGES, texts

_LINK = re.compile(r"[?&]start=d_([A-Za-z0-9_-]*)")
"""A link of ours; what stands in it counts as a digest even if no digest looks so."""
_WHOLE = re.compile(r"(?<![A-Za-z0-9_=/.-])[a-z2-7]{32}(?![A-Za-z0-9_-])")


@cache
def _labelled() -> re.Pattern[str]:
    """Match the line with the digest under a message, in any language."""
    labels = {texts(language)("day-digest", digest="").strip() for language in LANGUAGES}
    return re.compile(rf"^\W*(?:{'|'.join(map(re.escape, sorted(labels)))})\s*([a-z0-9]{{8}}|[0-9a-f]{{12}})\W*$", re.M)


def digests_in(text: str, links: Iterable[str] = ()) -> list[str]:
    """List the digests in a text and behind its links, each once; a short form beside its whole digest is left out."""
    found = [match[1] for link in (text, *links) for match in _LINK.finditer(link)]
    found += [match[0] for match in _WHOLE.finditer(text)]
    short = [match[1] for match in _labelled().finditer(text)]
    found += [each for each in short if not any(digest.startswith(each) for digest in found)]
    return list(dict.fromkeys(found))
