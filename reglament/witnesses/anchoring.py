"""Take the digests of days and of the last events to `[anchor]`: a file on another disk, an address that keeps them.

Nothing waits for an anchor. A failed anchor is tried again at the next look; `health` names the trouble.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import structlog

from reglament.errors import WorkFailed
from reglament.process import Process
from reglament.witnesses.anchors import Anchor, AnchorFile, append_anchors, read_anchors, to_line
from reglament.witnesses.differences import Differences, find_lost, find_unwitnessed
from storage.days import heartbeats
from storage.errors import StorageError
from storage.journal import anchored
from storage.journal.digests import JournalDay, journal_days
from storage.journal.heads import ChainHead, journal_heads

log = structlog.get_logger()

SECONDS = 20.0
"""Longest time that an anchor may take at an address."""
PAUSE = 60.0
"""Seconds until the next look, also after a failure; a finished day is looked at at once."""
SENT_AGAIN = timedelta(days=31)
"""Age of the anchors that a start posts to the address: what was posted before is not stored."""
FRESH = timedelta(minutes=10)
"""Age of the anchors that a command posts."""


@dataclass(slots=True)
class Anchoring:
    """Anchor days and last events of all chains in the file and at the address of the settings."""

    process: Process
    transport: httpx.AsyncBaseTransport | None = None
    sent_again: timedelta = SENT_AGAIN
    """Age of the anchors that are posted although an earlier process may have done so."""
    _is_file_whole: bool = False
    """Whether the file was seen with all days of the journal."""
    _posted: set[str] = field(default_factory=set)
    _finished: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_wanted(self) -> bool:
        """Tell whether the settings name a file or an address."""
        return bool(self._file or self._url)

    def wake(self) -> None:
        """Look for new days at once."""
        self._finished.set()

    async def run(self, stop: asyncio.Event, beat: Callable[[str], Awaitable[None]]) -> None:
        """Anchor new days until `stop`; beats while everything is anchored."""
        if not self.is_wanted:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_again(stop, beat))
            await stop.wait()
            self.wake()

    async def _look_again(self, stop: asyncio.Event, beat: Callable[[str], Awaitable[None]]) -> None:
        await beat(heartbeats.ANCHORS)
        while not stop.is_set():
            self._finished.clear()
            try:
                await self.anchor()
                await beat(heartbeats.ANCHORS)
            except WorkFailed as error:
                log.error("not_anchored", problem=str(error))
            except StorageError as error:
                log.error("database_trouble", what="anchors", problem=str(error))
            except Exception:  # without a beat `health` tells of the anchors
                log.exception("not_anchored")
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._finished.wait()

    async def anchor(self) -> None:
        """Anchor the days and last events not anchored yet, everywhere.

        Raises WorkFailed if an anchor failed, after all were tried.
        """
        if not self.is_wanted:
            return
        since = self.process.now() - SENT_AGAIN if self._is_file_whole or not self._file else None
        async with self.process.db.reading() as session:
            days = await journal_days(session, since=since)
            heads = await journal_heads(session)
        problems = []
        for work in (self._to_file, self._to_address):
            try:
                await work(days, heads)
            except WorkFailed as error:
                problems.append(str(error))
        if problems:
            raise WorkFailed("; ".join(problems))

    @property
    def _file(self) -> str:
        return self.process.settings.anchor.file

    @property
    def _url(self) -> str:
        return self.process.settings.anchor.url.get_secret_value()

    async def _to_file(self, days: Sequence[JournalDay], heads: Sequence[ChainHead]) -> None:
        if not self._file:
            return
        path, self._is_file_whole = Path(self._file), False
        read = await self._open(path)
        await self._refuse_another(read, days)
        new = _without(read.digests, days, heads)
        if new:
            try:
                await asyncio.to_thread(append_anchors, path, new)
            except OSError as error:
                raise WorkFailed(f"the file of anchors {path} cannot be written: {error.strerror}") from None
            log.info("anchored", anchors=len(new), file=str(path))
        self._is_file_whole = True

    async def _refuse_another(self, read: AnchorFile, days: Sequence[JournalDay]) -> None:
        """Anchor nothing of a journal that was exchanged, or given days later, under the service. Raises WorkFailed."""
        async with self.process.db.reading() as session:
            accepted = await anchored.accepted_digests(session)
            lost = await find_lost(session, read.newest(accepted))
        found = Differences((), tuple(find_unwitnessed(read.days, days, accepted)), tuple(lost))
        if found:
            raise WorkFailed(f"the journal contradicts the anchors in {self._file}: {found.all[0].text}")

    async def _open(self, path: Path) -> AnchorFile:
        """Read the file; a file written to before must not be missing. Raises WorkFailed."""
        with suppress(FileNotFoundError):
            return await asyncio.to_thread(read_anchors, path)
        async with self.process.db.reading() as session:
            begun = await anchored.is_begun(session, self._file)
        if begun:
            what = f"the file of anchors {path} is missing"
            raise WorkFailed(f"{what}: bring the disk back, or start with --accept-anchors")
        async with self.process.db.transaction() as session:
            anchored.note_begun(session, self._file, author="reglament", at=self.process.now())
        return AnchorFile(())

    async def _to_address(self, days: Sequence[JournalDay], heads: Sequence[ChainHead]) -> None:
        if not self._url:
            return
        recent = self.process.now() - self.sent_again
        new = [anchor for anchor in _without(self._posted, days, heads) if anchor.at >= recent]
        if not new:
            return
        async with httpx.AsyncClient(timeout=SECONDS, transport=self.transport) as client:
            for anchor in new:
                await self._post(client, anchor)
                self._posted.add(anchor.digest)

    async def _post(self, client: httpx.AsyncClient, anchor: Anchor) -> None:
        """Post an anchor; the address is a secret and stays out of errors. Raises WorkFailed."""
        problem = ""
        try:
            async with asyncio.timeout(SECONDS):
                answer = await client.post(
                    self._url, content=to_line(anchor).encode(), headers={"Content-Type": "application/json"}
                )
        except (TimeoutError, httpx.HTTPError) as error:
            problem = type(error).__name__
        else:
            if not answer.is_success:
                problem = f"HTTP {answer.status_code}"
        if problem:
            what = anchor.day if isinstance(anchor, JournalDay) else f"event {anchor.seq}"
            raise WorkFailed(f"{anchor.team} {what} was not anchored at [anchor] url: {problem}")


def _without(known: Collection[str], days: Sequence[JournalDay], heads: Sequence[ChainHead]) -> list[Anchor]:
    """List the days that are not known, and the last events that are neither known nor such a day."""
    new: list[Anchor] = [day for day in days if day.digest not in known]
    told = {anchor.digest for anchor in new}.union(known)
    return new + [head for head in heads if head.digest not in told]


async def anchor_once(process: Process) -> None:
    """Anchor what a command wrote; a failure is logged and left to the service."""
    try:
        await Anchoring(process, sent_again=FRESH).anchor()
    except WorkFailed as error:
        log.warning("not_anchored", problem=str(error))
