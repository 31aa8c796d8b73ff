"""Keep files of the program from other users of the machine: mode 0600, also where the umask is loose."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o600
"""Mode of every file that the program writes: its user reads and writes, nobody else."""
_OTHERS = 0o077


def create_private(path: Path) -> None:
    """Create an empty file with mode 0600 unless the file exists; a folder that refuses is left to the next opening."""
    with suppress(OSError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE))


def make_private(path: Path) -> None:
    """Take the rights of group and others from an ordinary file of this user; other files stay as they are."""
    with suppress(OSError):
        found = path.stat()
        if stat.S_ISREG(found.st_mode) and found.st_mode & _OTHERS and found.st_uid == os.geteuid():
            path.chmod(found.st_mode & ~_OTHERS & 0o7777)


def is_open_to_others(path: Path) -> bool:
    """Tell whether group or others may read a file; False for a missing file."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))
