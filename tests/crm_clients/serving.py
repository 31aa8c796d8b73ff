"""A loopback server that answers by a handler of `httpx` requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

Handler = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


@asynccontextmanager
async def serve(handle: Handler, port: int = 0) -> AsyncIterator[str]:
    """Serve on a loopback port, HTTP/1.1 with keep-alive; yields the base URL."""
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(_talk(handle, reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", port)
    async with server:
        number = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{number}"
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


async def _talk(handle: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readline():
            method, target, _ = head.decode().split(" ", 2)
            headers = {}
            while (line := (await reader.readline()).decode().strip()) != "":
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            url = f"http://{headers.get('host', '127.0.0.1')}{urlsplit(target).path}"
            query = urlsplit(target).query
            response = await handle(
                httpx.Request(method, f"{url}?{query}" if query else url, headers=headers, content=body)
            )
            lines = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}"]
            lines += [f"{name}: {value}" for name, value in response.headers.items() if name != "content-length"]
            if response.status_code != 204:
                lines.append(f"content-length: {len(response.content)}")
            writer.write("\r\n".join([*lines, "", ""]).encode() + response.content)
            await writer.drain()
    except (httpx.TransportError, ConnectionError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()
