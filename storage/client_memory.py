"""Keep the state of CRM clients between runs (token pairs, caches): encrypted, with locks across processes."""

from __future__ import annotations

import base64
import hashlib
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.database import Database
from storage.db.locks import shared_lock
from storage.db.models import ConnectionStateRecord
from storage.db.sql import upsert
from storage.errors import StorageError
from storage.private_files import PRIVATE, make_private
from storage.whole_files import create_whole


class StoredMemory:
    """Keep the state of one connection; implements `crm_clients.base.ClientMemory`."""

    def __init__(self, db: Database, connection: str, secret_key: str) -> None:
        self._db = db
        self._connection = connection
        self._box = _box(secret_key)

    def __repr__(self) -> str:
        return f"StoredMemory({self._connection!r})"

    async def get(self, key: str) -> str | None:
        """Read the value last stored under a key, also by another process; None if absent.

        Raises StorageError for a value encrypted with another secret key.
        """
        async with self._db.reading() as session:
            row = await session.get(ConnectionStateRecord, (self._connection, key))
        if row is None:
            return None
        try:
            return self._box.decrypt(row.value.encode()).decode()
        except InvalidToken:
            raise StorageError(
                f"what connection {self._connection!r} remembers was encrypted with another secret key:"
                " bring back the old key file, or connect to the CRM anew"
            ) from None

    async def put(self, key: str, value: str) -> None:
        """Store a value under a key, durable on return."""
        content = {"value": self._box.encrypt(value.encode()).decode(), "updated_at": datetime.now(UTC)}
        async with self._db.transaction() as session:
            insert = upsert(session, ConnectionStateRecord).values(connection=self._connection, key=key, **content)
            await session.execute(insert.on_conflict_do_update(index_elements=["connection", "key"], set_=content))

    def lock(self, key: str) -> AbstractAsyncContextManager[None]:
        """Hold a lock named by the key, one holder at a time across processes."""
        return shared_lock(self._db, f"{self._connection}/{key}")


def _box(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(secret_key.encode()).digest()))


async def is_empty(session: AsyncSession) -> bool:
    """Tell whether no connection remembers anything yet."""
    return await session.scalar(select(ConnectionStateRecord.key).limit(1)) is None


async def unreadable(session: AsyncSession, secret_key: str) -> list[str]:
    """List the connections that remember a value which the key does not open."""
    box, rows = _box(secret_key), await session.scalars(select(ConnectionStateRecord))
    return sorted({row.connection for row in rows if not _opens(box, row.value)})


def _opens(box: Fernet, value: str) -> bool:
    try:
        box.decrypt(value.encode())
    except InvalidToken:
        return False
    return True


async def rotate(session: AsyncSession, old_key: str, new_key: str) -> int:
    """Encrypt the state of all connections with the new key; return the number of values.

    A value that the new key opens already is encrypted anew. Raises StorageError for a value that neither key opens:
    the caller's transaction then changes nothing.
    """
    keys = MultiFernet([_box(new_key), _box(old_key)])
    rows = (await session.scalars(select(ConnectionStateRecord).with_for_update())).all()
    for row in rows:
        try:
            row.value = keys.rotate(row.value).decode()
        except InvalidToken:
            raise StorageError(
                f"what connection {row.connection!r} remembers opens with neither key: nothing was changed;"
                " give the key under which it was stored"
            ) from None
    await session.flush()
    return len(rows)


def secret_key_in(path: Path) -> str:
    """Read the secret key of a file (mode 0600), created at the first call. Without the key no token can be read."""
    if path.exists():
        make_private(path)
        return _read_key(path)
    key = Fernet.generate_key().decode()
    try:
        create_whole(path, key.encode(), mode=PRIVATE)
    except FileExistsError:
        return _read_key(path)
    except OSError as error:
        raise StorageError(f"the key file {path} cannot be made ({error.strerror})") from error
    return key


def _read_key(path: Path) -> str:
    try:
        key = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"the key file {path} cannot be read: check its rights and content") from error
    if not key:
        raise StorageError(f"the key file {path} is empty: bring back its copy, or remove it and connect anew")
    return key
