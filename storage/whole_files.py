"""Write files whole: a full disk or a kill leaves the file before, or none, but never half of a file."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.private_files import PRIVATE


def write_whole(path: Path, content: bytes, *, mode: int = PRIVATE) -> None:
    """Write a file beside and rename the file into place; the mode of an existing file stays. Raises OSError.

    What is no ordinary file, such as a pipe or /dev/stdout, is written to directly.
    """
    target = path.resolve()
    existing = target.stat() if target.exists() else None
    if existing is not None and not stat.S_ISREG(existing.st_mode):
        target.write_bytes(content)
        return
    beside = _written_beside(target, content, mode)
    try:
        if existing is not None:
            beside.chmod(stat.S_IMODE(existing.st_mode))
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    flush_folder(target.parent)


@contextmanager
def writing_whole(path: Path) -> Iterator[Path]:
    """Yield the name of an empty file beside (mode 0600) and move the file into place when the block ends well.

    Raises OSError. A file that existed is replaced; after an error it stays as it was.
    """
    target = path.resolve()
    beside = _written_beside(target, b"", PRIVATE)
    try:
        yield beside
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(target.parent)


def create_whole(path: Path, content: bytes, *, mode: int) -> None:
    """Create a file that does not exist yet. Raises FileExistsError, also if another process was faster; OSError."""
    beside = _written_beside(path, content, mode)
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    flush_folder(path.parent)


def _written_beside(path: Path, content: bytes, mode: int) -> Path:
    beside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return beside


def flush_folder(folder: Path) -> None:
    """Make a rename outlast a loss of power, where the system lets folders be flushed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)
