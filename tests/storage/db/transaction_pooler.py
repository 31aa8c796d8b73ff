"""A pooler on loopback that gives each transaction another connection of the PostgreSQL server, as PgBouncer may."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg.conninfo
import pytest
from sqlalchemy.engine import make_url

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_ANSWERED = (b"Q", b"S")
"""Requests after which the server says that it is ready."""
CONNECTIONS = 4


class Server:
    """One connection of the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.greeting = b""

    @classmethod
    async def connect(cls, url: str) -> Server:
        given = psycopg.conninfo.conninfo_to_dict(url)
        host, port = str(given.get("host", "localhost")), int(str(given.get("port", 5432)))
        if host.startswith("/"):
            self = cls(*await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}"))
        else:
            self = cls(*await asyncio.open_connection(host, port))
        names = {"user": given.get("user", "postgres"), "database": given["dbname"]}
        body = b"".join(f"{key}\0{value}\0".encode() for key, value in names.items()) + b"\0"
        self.writer.write(struct.pack("!II", len(body) + 8, 196608) + body)
        while True:
            kind, message = await read(self.reader)
            if kind == b"R" and message[5:9] != b"\0\0\0\0":
                pytest.skip("the server wants a password, which the pooler of the tests does not know")
            self.greeting += message
            if kind == b"Z":
                return self


async def read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One message of the protocol with its kind."""
    head = await reader.readexactly(5)
    return head[:1], head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


class Pooler:
    def __init__(self, servers: list[Server]) -> None:
        self.servers = servers
        self._turns = itertools.cycle(servers)
        self._busy: set[Server] = set()
        self._freed = asyncio.Condition()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # cancelled: the test is over
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            if await self._greet(reader, writer):
                await self._transactions(reader, writer)
        writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        while True:
            length, code = struct.unpack("!II", await reader.readexactly(8))
            await reader.readexactly(length - 8)
            if code == _CANCEL:
                return False
            if code not in (_SSL, _GSS):
                break
            writer.write(b"N")
        writer.write(self.servers[0].greeting)
        return True

    async def _transactions(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server: Server | None = None
        try:
            while True:
                kind, message = await read(reader)
                if kind == b"X":
                    return
                server = server or await self._take()
                server.writer.write(message)
                if kind in _ANSWERED and await self._answer(server, writer):
                    await self._release(server)
                    server = None
        finally:
            if server is not None:  # gone in the middle of a transaction
                server.writer.write(b"Q" + struct.pack("!I", 13) + b"ROLLBACK\0")
                await self._answer(server, None)
                await self._release(server)

    @staticmethod
    async def _answer(server: Server, writer: asyncio.StreamWriter | None) -> bool:
        """Hand an answer on; True at the end of a transaction."""
        while True:
            kind, message = await read(server.reader)
            if writer is not None:
                writer.write(message)
            if kind == b"Z":
                return message[5:6] == b"I"

    async def _take(self) -> Server:
        async with self._freed:
            await self._freed.wait_for(lambda: len(self._busy) < len(self.servers))
            server = next(server for server in self._turns if server not in self._busy)
            self._busy.add(server)
            return server

    async def _release(self, server: Server) -> None:
        async with self._freed:
            self._busy.discard(server)
            self._freed.notify()


@asynccontextmanager
async def transaction_pooler(url: str, connections: int = CONNECTIONS) -> AsyncIterator[str]:
    """The address of a pooler before the server of `url`."""
    pooler = Pooler([await Server.connect(url) for _ in range(connections)])
    listener = await asyncio.start_server(pooler.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    where = make_url(url)
    user = where.username or "postgres"
    try:
        yield f"postgresql://{user}@127.0.0.1:{port}/{where.database}?sslmode=disable"
    finally:
        listener.close()
        for server in pooler.servers:
            server.writer.close()
