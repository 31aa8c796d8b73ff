"""A caller who is slow, endless or out of order loses the connection, and nobody else waits."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress

import httpx
import pytest
from aiohttp import web

from reglament.service.http_server import LONGEST_BODY, CannotListen, TimeLimits, read_body, serving
from reglament.service.metrics import Metrics

SHORT = TimeLimits(head=0.05, body=0.05, idle=0.05)


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=await read_body(request, SHORT))


async def answer_to(port: int, sent: bytes) -> bytes:
    """Everything that comes until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    received = b""
    with suppress(ConnectionError):
        async with asyncio.timeout(60):
            received = await reader.read()
    writer.close()
    return received


@pytest.mark.parametrize("sent", [b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_head_that_does_not_come_ends_the_connection(sent: bytes):
    async with serving(echo, "127.0.0.1:0", SHORT) as port:
        assert await answer_to(port, sent) == b""


async def test_a_second_head_that_does_not_come_ends_the_connection_too():
    async with serving(echo, "127.0.0.1:0", SHORT) as port:
        received = await answer_to(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nokPOST / HT")
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.endswith(b"ok")
    assert received.count(b"HTTP/1.1") == 1


async def test_a_body_that_does_not_come_is_answered_408():
    async with serving(echo, "127.0.0.1:0", SHORT) as port:
        received = await answer_to(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    assert received.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"hello", {}, 200),
        (gzip.compress(b"hello"), {"Content-Encoding": "gzip"}, 200),
        (b"no gzip at all", {"Content-Encoding": "gzip"}, 400),
        (b"x" * (LONGEST_BODY + 1), {}, 413),
        (gzip.compress(b"x" * (LONGEST_BODY + 1)), {"Content-Encoding": "gzip"}, 413),
    ],
    ids=["plain", "packed", "not packed at all", "too long", "too long when unpacked"],
)
async def test_a_body_that_does_not_decode_or_does_not_end_is_refused(body: bytes, headers: dict, status: int):
    async with (
        serving(echo_patiently, "127.0.0.1:0") as port,
        httpx.AsyncClient(trust_env=False, timeout=60) as caller,
    ):
        answer = await caller.post(f"http://127.0.0.1:{port}/", content=body, headers=headers)
    assert answer.status_code == status
    assert status != 200 or answer.content == b"hello"


async def echo_patiently(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=await read_body(request))


async def test_metrics_are_read_and_nothing_else():
    metrics = Metrics()
    metrics.days.inc(3)
    async with metrics.serve("127.0.0.1:0") as port, httpx.AsyncClient(trust_env=False, timeout=60) as caller:
        read = await caller.get(f"http://127.0.0.1:{port}/metrics")
        posted = await caller.post(f"http://127.0.0.1:{port}/metrics")
    assert "reglament_days_finished_total 3.0" in read.text
    assert read.headers["content-type"].startswith("text/plain")
    assert posted.status_code == 405


@pytest.mark.parametrize("listen", ["127.0.0.1:port", "127.0.0.1:99999", "no.such.host.example:80"])
async def test_an_address_that_cannot_be_listened_on_is_told(listen: str):
    with pytest.raises(CannotListen):
        async with Metrics().serve(listen):
            raise AssertionError("nothing can listen there")
