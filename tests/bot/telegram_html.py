"""Telegram's HTML subset, read as strictly as its documentation words it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

TAGS = frozenset(
    {
        "b",
        "strong",
        "i",
        "em",
        "u",
        "ins",
        "s",
        "strike",
        "del",
        "span",
        "tg-spoiler",
        "a",
        "code",
        "pre",
        "blockquote",
        "tg-emoji",
    }
)
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*)((?:\s+[a-z-]+(?:=\"[^\"<>]*\")?)*)\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d{1,7}));")


class BadHtml(ValueError):
    """What Telegram would refuse, in its words."""


@dataclass
class _Reader:
    source: str
    at: int = 0
    text: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def offset(self) -> int:
        return len(self.source[: self.at].encode())

    def step(self) -> None:
        char = self.source[self.at]
        if char == "<":
            self._tag()
        elif char == "&":
            self._entity()
        elif char == ">":
            raise BadHtml(f"Unescaped character '>' at byte offset {self.offset()}")
        else:
            self.text.append(char)
            self.at += 1

    def _tag(self) -> None:
        match = _TAG.match(self.source, self.at)
        if match is None:
            raise BadHtml(f"Unclosed start tag at byte offset {self.offset()}")
        closing, name, attributes = match[1], match[2].lower(), match[3]
        if closing:
            if not self.open:
                raise BadHtml(f"Unexpected end tag at byte offset {self.offset()}")
            if (expected := self.open.pop()) != name:
                found = f'expected "</{expected}>", found "</{name}>"'
                raise BadHtml(f"Unmatched end tag at byte offset {self.offset()}, {found}")
        else:
            if name not in TAGS:
                raise BadHtml(f'Unsupported start tag "{name}" at byte offset {self.offset()}')
            if name == "a" and "href=" not in attributes:
                raise BadHtml(f'Tag "a" must have attribute "href" at byte offset {self.offset()}')
            self.open.append(name)
        self.at = match.end()

    def _entity(self) -> None:
        match = _ENTITY.match(self.source, self.at)
        if match is None:
            raise BadHtml(f"Unescaped character '&' at byte offset {self.offset()}")
        self.text.append(_ENTITIES[match[1]] if match[1] else chr(int(match[2])))
        self.at = match.end()


def plain(source: str) -> str:
    """The text a reader sees. Raises BadHtml as Telegram refuses."""
    reader = _Reader(source)
    while reader.at < len(source):
        reader.step()
    if reader.open:
        raise BadHtml(f'Can\'t find end tag corresponding to start tag "{reader.open[-1]}"')
    return "".join(reader.text)


def links(source: str) -> list[str]:
    """Every address a text links to."""
    return re.findall(r'<a\s+href="([^"]*)"', source)
