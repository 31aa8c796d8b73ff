"""Compare names of people as people do: find, sort and tell apart (docs/product.md §8, Names).

Upper and lower case, accents and doubled spaces do not count, and ё counts as е.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping

_LETTERS_OF_THEIR_OWN = frozenset("йў")
"""Letters that Unicode describes as a letter with an accent, and the alphabet does not."""
_APOSTROPHES = dict.fromkeys(map(ord, "'’ʼ`´"))


def fold(name: str) -> str:
    """Return a name without case, accents and doubled spaces, with е for ё."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(map(_plain, plain.translate(_APOSTROPHES))).split())


def _plain(char: str) -> str:
    """Return a character without accents; a hyphen or a full stop parts words as a space does."""
    bare = char if char in _LETTERS_OF_THEIR_OWN else unicodedata.normalize("NFKD", char)
    return "".join(each if each.isalnum() else " " for each in bare if not unicodedata.combining(each))


def alphabetical(name: str) -> tuple[str, str]:
    """Return a key that sorts names by the alphabet: ё beside е, accents beside the bare letter."""
    return fold(name), name.casefold()


def is_meant(name: str, written: str) -> bool:
    """Tell whether a person may be meant by what was written: beginnings of words of the name, in any order."""
    words = fold(written).split()
    return bool(words) and _fits(words, fold(name).split())


def is_whole(name: str, written: str) -> bool:
    """Tell whether all words of a name were written in full, in any order."""
    return sorted(fold(name).split()) == sorted(fold(written).split())


def _fits(words: list[str], parts: list[str]) -> bool:
    """Tell whether each word begins another part of the name."""
    if not words:
        return True
    first, *others = sorted(words, key=len, reverse=True)
    return any(
        part.startswith(first) and _fits(others, parts[:place] + parts[place + 1 :]) for place, part in enumerate(parts)
    )


def told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """Return names by CRM user, those that look alike followed by the CRM id: `Анна Петрова #12`."""
    alike = Counter(map(fold, names.values()))
    return {user: f"{name} #{user}" if alike[fold(name)] > 1 else name for user, name in names.items()}
