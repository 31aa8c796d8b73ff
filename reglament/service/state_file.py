"""Read the state that the running service writes every fifteen seconds, for `reglament health`.

A health check runs twice a minute for years, so the answer is read before any library is imported: this module imports
only what each Python has loaded at its start, or C modules that load in a millisecond. The file lies in a folder of
the user in the folder for temporary files; the first lines say for which service, machine and instant the file holds.
"""

import hashlib
import os
import stat
import sys
import time

FRESH_SECONDS = 90
"""Age of a state from which the database is asked instead."""
PRIVATE_FOLDER = 0o700
_FORM = "reglament state 1"
_OTHERS = 0o077
_MOST_BYTES = 1_000_000
_NOT_OF_THE_DATABASE = ("REGLAMENT_CONFIG", "REGLAMENT_OLD_SECRET_KEY", "REGLAMENT_TEST_POSTGRES")


def answer(arguments: list[str]) -> int | None:
    """Print what the service says of itself and return the exit code; None where the database must be asked."""
    config = _config_of(arguments)
    try:
        lines = None if config is None else _read(path_of(config))
        if config is None or lines is None or lines[:2] != heading(config):
            return None
        written, code, text = float(lines[2]), int(lines[3]), "\n".join(lines[4:])
    except (OSError, ValueError, IndexError):
        return None
    if not 0 <= time.time() - written <= FRESH_SECONDS:
        return None
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "backslashreplace") + b"\n")
    return code


def _config_of(arguments: list[str]) -> str | None:
    """Find the settings named by the arguments of `health`; None for arguments that the command line must look at."""
    if not arguments:
        return os.environ.get("REGLAMENT_CONFIG", "config.toml")
    if len(arguments) == 2 and arguments[0] == "--config":
        return arguments[1]
    if len(arguments) == 1 and arguments[0].startswith("--config="):
        return arguments[0].removeprefix("--config=")
    return None


def folder() -> str:
    """Name the folder of this user's states; it may be missing."""
    return f"{os.environ.get('TMPDIR') or '/tmp'}/reglament-{os.geteuid()}"  # noqa: S108  # looked at before any use


def path_of(config: str) -> str:
    """Name the file of the service with these settings."""
    return f"{folder()}/{_digest(os.path.realpath(config))}.state"


def heading(config: str) -> list[str]:
    """Write the first lines: for which machine, settings and database a state holds. Raises OSError.

    Settings changed after the start, another environment or another working folder may lead to another database.
    """
    found = os.stat(config)
    names = sorted(name for name in os.environ if name.startswith("REGLAMENT_") and name not in _NOT_OF_THE_DATABASE)
    environment = "\n".join(f"{name}={os.environ[name]}" for name in names)
    subject = f"{os.getcwd()}\n{found.st_ino} {found.st_size} {found.st_mtime_ns}\n{environment}"
    return [f"{_FORM} {os.uname().nodename}", _digest(subject)]


def is_folder_private() -> bool:
    """Tell whether the folder belongs to this user alone; elsewhere others could put states. Raises OSError."""
    found = os.lstat(folder())
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS


def _read(path: str) -> list[str] | None:
    """Read the lines of a state; None in a folder that others may write to. Raises OSError, ValueError."""
    if not is_folder_private():
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return os.read(descriptor, _MOST_BYTES).decode().split("\n")
    finally:
        os.close(descriptor)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32]
