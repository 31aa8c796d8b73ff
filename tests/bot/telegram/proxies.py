"""Loopback proxies that lead everywhere to the one server of a test: SOCKS5, and HTTP with CONNECT."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Greeting = Callable[["Proxy", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[str]]
"""Ask for user and password, and return the destination as `host:port`; empty: refused."""
USER, PASSWORD = "clerk", "a@secret word"
KEY = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass
class Proxy:
    """A proxy, and the destinations it was asked for."""

    target: int
    """Port of the server that every tunnel leads to."""
    is_guarded: bool = True
    asked: list[str] = field(default_factory=list)
    refused: int = 0
    port: int = 0


@contextlib.asynccontextmanager
async def running(proxy: Proxy, greet: Greeting, context: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """Serve a proxy on loopback; with a context the way to the proxy is encrypted."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            destination = await greet(proxy, reader, writer)
            if destination:
                proxy.asked.append(destination)
                await _tunnel(proxy.target, reader, writer)
            else:
                proxy.refused += 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy


async def _tunnel(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    there, back = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_pour(reader, back), _pour(there, writer))


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


async def socks5(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """RFC 1928 with the user and password of RFC 1929."""
    _, count = await reader.readexactly(2)
    methods = await reader.readexactly(count)
    wanted = 2 if proxy.is_guarded else 0
    if wanted not in methods:
        writer.write(b"\x05\xff")
        return ""
    writer.write(bytes([5, wanted]))
    if proxy.is_guarded:
        await reader.readexactly(1)
        user = await reader.readexactly((await reader.readexactly(1))[0])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        right = (user.decode(), password.decode()) == (USER, PASSWORD)
        writer.write(b"\x01\x00" if right else b"\x01\x01")
        if not right:
            return ""
    _, _, _, kind = await reader.readexactly(4)
    assert kind == 3, "the name goes to the proxy, and is not looked up here"
    host = await reader.readexactly((await reader.readexactly(1))[0])
    port = int.from_bytes(await reader.readexactly(2), "big")
    writer.write(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
    return f"{host.decode()}:{port}"


async def http(proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """CONNECT with basic credentials."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    if proxy.is_guarded and f"basic {KEY}".lower() not in head.lower():
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return ""
    method, destination, _ = head.split(maxsplit=2)
    assert method == "CONNECT"
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    return destination
