"""A file is there whole or not at all, whatever stops the writing."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from storage import client_memory
from storage.errors import StorageError
from storage.whole_files import create_whole, write_whole


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch):
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)


def test_a_full_disk_leaves_the_file_before_and_nothing_beside(tmp_path: Path, full_disk):
    file = tmp_path / "month.xlsx"
    file.write_bytes(b"before")
    with pytest.raises(OSError, match="space"):
        write_whole(file, b"after")
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_a_full_disk_leaves_no_empty_key_that_would_block_the_next_start(tmp_path: Path, full_disk, monkeypatch):
    with pytest.raises(StorageError, match="cannot be made"):
        client_memory.secret_key_in(tmp_path / "r.db.key")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    key = client_memory.secret_key_in(tmp_path / "r.db.key")
    assert client_memory.secret_key_in(tmp_path / "r.db.key") == key
    assert stat.S_IMODE((tmp_path / "r.db.key").stat().st_mode) == 0o600


def test_a_file_that_exists_is_replaced_with_its_mode_and_through_its_link(tmp_path: Path):
    file, link = tmp_path / "real.csv", tmp_path / "link.csv"
    file.write_bytes(b"before")
    file.chmod(0o640)
    link.symlink_to(file)
    write_whole(link, b"after")
    assert link.is_symlink()
    assert file.read_bytes() == b"after"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"content")
    assert os.read(reader, 100) == b"content"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("links", [True, False])
def test_a_file_made_by_another_process_meanwhile_stays(tmp_path: Path, monkeypatch, links: bool):
    if not links:

        def refuse(_old: object, _new: object) -> None:
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(os, "link", refuse)
    create_whole(tmp_path / "key", b"first", mode=0o600)
    with pytest.raises(FileExistsError):
        create_whole(tmp_path / "key", b"second", mode=0o600)
    assert (tmp_path / "key").read_bytes() == b"first"
    assert len(list(tmp_path.iterdir())) == 1
