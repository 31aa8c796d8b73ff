from __future__ import annotations

import asyncio
import gc
import logging
import traceback
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from crm_clients.base import ReadStats
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, CrmUnavailable, DeadlineExceeded, RightsMissing
from crm_clients.shared.answers import Answer, TryAgain, standard_judge
from crm_clients.shared.http import Http
from crm_clients.shared.pacing import BucketPace, Deadline, EvenPace
from crm_clients.shared.redaction import one_line, redact
from tests.crm_clients.faults import FAULTS
from tests.crm_clients.world import CUTOFF, FakeClock

SECRET = "q1w2e3/r4+t5"
Handler = Callable[[httpx.Request], httpx.Response]


class Line:
    """An Http over a scripted server: one answer per request, the last one forever."""

    def __init__(self, *answers: Any, **options: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.clock = FakeClock()
        self.stats = ReadStats()
        options.setdefault("pace", EvenPace(1000, self.clock))
        self.http = Http(
            f"https://crm.example/rest/{SECRET}/",
            stats=self.stats,
            secrets=[SECRET],
            clock=self.clock,
            transport=httpx.MockTransport(self._answer),
            **options,
        )

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, str):
            return await FAULTS[answer](request, httpx.MockTransport(lambda _: httpx.Response(200, json={"rows": [1]})))
        return httpx.Response(200, json=answer)

    async def read(self, seconds: float = 300, **options: Any) -> Any:
        deadline = Deadline(seconds, self.clock)
        return await self.http.call("POST", "deals", json={"page": 1}, deadline=deadline, what="deals", **options)


class Body(httpx.AsyncByteStream):
    """A megabyte of JSON that comes in pieces, as from a real line."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"[" + b" " * 500_000
        yield b" " * 500_000 + b"]"


class EndlessBody(httpx.AsyncByteStream):
    """Packed spaces without end: a few bytes on the line, a megabyte each in memory."""

    def __init__(self) -> None:
        self.pieces = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        while True:
            self.pieces += 1
            yield packer.compress(b" " * 2**20) + packer.flush(zlib.Z_SYNC_FLUSH)


async def test_an_answer_without_end_does_not_fill_the_memory() -> None:
    body = EndlessBody()
    line = Line(httpx.Response(200, headers={"content-encoding": "gzip"}, stream=body))
    with pytest.raises(CrmNonsense, match=r"deals: crm\.example sends an answer of more than 64 MB"):
        await line.read()
    assert body.pieces == 65
    assert len(line.requests) == 1


async def test_a_body_is_let_go_once_it_was_read_and_waits_for_no_collection() -> None:
    line = Line([])
    assert await line.read() == []
    line.answers = [httpx.Response(200, stream=Body()) for _ in range(9)]
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(8):
            assert await line.read() == []
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
        gc.enable()


# Retry


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_tried_again(fault: str, no_backoff: None) -> None:
    line = Line(fault, fault, {"rows": [1]})
    assert await line.read() == {"rows": [1]}
    assert (line.stats.requests, line.stats.retries) == (3, 2)
    assert {request.content for request in line.requests} == {b'{"page":1}'}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_that_stays_is_unavailable(fault: str, no_backoff: None) -> None:
    line = Line(fault, attempts=4)
    with pytest.raises(CrmUnavailable, match="deals"):
        await line.read()
    assert line.stats.requests == 4
    assert line.stats.retries == 3


async def test_retry_after_holds_back_everybody(no_backoff: None) -> None:
    line = Line(httpx.Response(429, headers={"retry-after": "40"}), {"rows": []})
    await line.read()
    assert line.clock.seconds == pytest.approx(40)
    assert line.stats.waited_seconds == pytest.approx(40)


async def test_retry_after_may_be_a_date(no_backoff: None) -> None:
    then = format_datetime(CUTOFF + timedelta(seconds=25), usegmt=True)
    line = Line(httpx.Response(503, headers={"retry-after": then}), {"rows": []})
    await line.read()
    assert line.clock.seconds == pytest.approx(25)


async def test_a_wait_that_ends_after_the_deadline_is_not_begun(no_backoff: None) -> None:
    line = Line(httpx.Response(429, headers={"retry-after": "300"}), {"rows": []})
    with pytest.raises(CrmUnavailable, match="429"):
        await line.read(seconds=100)
    assert line.clock.seconds == 0
    assert line.stats.requests == 1


async def test_backoff_grows_and_is_jittered(monkeypatch: pytest.MonkeyPatch) -> None:
    ceilings = []
    monkeypatch.setattr(
        "crm_clients.shared.backoff.random.uniform",
        lambda low, high: ceilings.append((low, high)) or 0.0,  # type: ignore[func-returns-value]
    )
    line = Line("503", attempts=9)
    with pytest.raises(CrmUnavailable):
        await line.read()
    assert {low for low, _ in ceilings} == {0}
    assert [high for _, high in ceilings[:8]] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("error", [CrmRefused("no"), RightsMissing("no"), CrmNonsense("no")])
async def test_what_the_judge_refuses_is_not_repeated(error: CrmError) -> None:
    def judge(_answer: Answer) -> None:
        raise error

    line = Line({"rows": []}, judge=judge)
    with pytest.raises(type(error), match="no"):
        await line.read()
    assert line.stats.requests == 1


async def test_the_judge_may_ask_for_another_attempt(no_backoff: None) -> None:
    def judge(answer: Answer) -> None:
        if answer.data.get("error"):
            raise TryAgain("busy", after=7)

    line = Line({"error": "QUERY_LIMIT"}, {"rows": []}, judge=judge)
    assert await line.read() == {"rows": []}
    assert line.clock.seconds == pytest.approx(7)


@pytest.mark.parametrize(("status", "kind"), [(400, CrmRefused), (401, CrmRefused), (404, CrmRefused)])
async def test_a_refusal_is_final(status: int, kind: type[CrmError]) -> None:
    line = Line(httpx.Response(status, json={}))
    with pytest.raises(kind, match=str(status)):
        await line.read()
    assert line.stats.requests == 1


async def test_no_content_is_none() -> None:
    assert await Line(httpx.Response(204)).read() is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed_but_named(status: int) -> None:
    line = Line(httpx.Response(status, headers={"location": f"https://new.example/rest/{SECRET}/deals"}))
    with pytest.raises(CrmRefused, match=r"https://new.example: put its present address") as caught:
        await line.read()
    assert SECRET not in str(caught.value)
    assert line.stats.requests == 1


async def test_cookies_are_not_kept() -> None:
    line = Line(httpx.Response(200, json=[], headers={"set-cookie": "session=1; Path=/"}), [])
    await line.read()
    await line.read()
    assert "cookie" not in line.requests[1].headers


# Deadline


async def test_the_deadline_names_what_was_read() -> None:
    line = Line({"rows": []})
    deadline = Deadline(10, line.clock)
    line.clock.advance(11)
    with pytest.raises(DeadlineExceeded, match=r"reading deals did not end within 10 s; .* read_timeout_seconds"):
        await line.http.call("GET", "deals", deadline=deadline, what="deals")
    assert line.stats.requests == 0


async def test_an_answer_that_comes_after_the_deadline_is_not_taken() -> None:
    line = Line({"rows": []}, judge=lambda _: None)
    deadline = Deadline(10, line.clock)
    answer = line._answer

    async def slowly(request: httpx.Request) -> httpx.Response:
        line.clock.advance(11)
        return await answer(request)

    line.http._client._transport = httpx.MockTransport(slowly)
    with pytest.raises(DeadlineExceeded):
        await line.http.call("GET", "deals", deadline=deadline, what="deals")


async def test_a_body_that_drips_forever_is_cut_off() -> None:
    async def drip(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    line = Line({}, request_seconds=0.01, attempts=1)
    line.http._client._transport = httpx.MockTransport(drip)
    with pytest.raises(CrmUnavailable, match="did not answer within"):
        await line.read()


# JSON


async def test_money_never_becomes_a_float() -> None:
    line = Line(httpx.Response(200, content=b'{"amount": 90071992547409.93, "n": 3}'))
    assert await line.read() == {"amount": Decimal("90071992547409.93"), "n": 3}


@pytest.mark.parametrize("body", [b'{"amount": NaN}', b"[" * 100_000, b"\xff\xfe\xfa", b'{"a": 1} {"b": 2}'])
async def test_what_is_not_json_is_tried_again(body: bytes, no_backoff: None) -> None:
    line = Line(httpx.Response(200, content=body), {"rows": []})
    assert await line.read() == {"rows": []}


# Secrets


@pytest.mark.parametrize("fault", [*FAULTS, "echo"])
async def test_nothing_tells_the_secret(fault: str, caplog: pytest.LogCaptureFixture, no_backoff: None) -> None:
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "stamina"):
        caplog.set_level(logging.DEBUG, name)
    echo = httpx.Response(500, json={"message": f"https://crm.example/rest/{SECRET}/deals"})

    def judge(answer: Answer) -> None:
        raise TryAgain(answer.data["message"]) if fault == "echo" else TryAgain("again")

    line = Line(echo if fault == "echo" else fault, attempts=2, judge=judge)
    with pytest.raises(CrmError) as caught:
        await line.read()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text + repr(line.http)
    assert SECRET not in shown
    error: BaseException | None = caught.value
    while error is not None:
        assert not hasattr(error, "request")
        error = error.__cause__ or error.__context__


def test_redacting_knows_percent_encoding_and_longest_first() -> None:
    text = "at https://x/abcd/abcd%2Fef and abcd/ef"
    assert redact(text, ["abcd", "abcd/ef", ""]) == "at https://x/•••/••• and •••"


def test_foreign_text_becomes_one_short_line() -> None:
    assert one_line("a\n\tb\x00\u202e  c") == "a b c"
    assert len(one_line("я" * 1000)) == 300


# Pace


def _spread(instants: list[float], span: float) -> int:
    """The most instants within any half-open span of this length."""
    return max(sum(1 for other in instants if at <= other < at + span - 1e-9) for at in instants)


async def _run(pace: EvenPace | BucketPace, clock: FakeClock, count: int) -> list[float]:
    instants = []

    async def one() -> None:
        await pace.turn(Deadline(10_000, clock), "rows")
        instants.append(clock.monotonic())

    await asyncio.gather(*(one() for _ in range(count)))
    return instants


async def test_even_pace_spaces_requests_evenly_however_many_wait() -> None:
    clock = FakeClock()
    instants = await _run(EvenPace(7, clock), clock, 50)
    assert _spread(instants, 1) == 7
    assert instants[-1] - instants[0] == pytest.approx(49 / 7)


async def test_even_pace_keeps_its_distance_after_a_pause() -> None:
    clock = FakeClock()
    pace = EvenPace(7, clock)
    await _run(pace, clock, 3)
    clock.advance(60)
    assert _spread(await _run(pace, clock, 20), 1) == 7


async def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    clock = FakeClock()
    instants = await _run(BucketPace(2, 50, clock), clock, 90)
    assert instants[49] == instants[0]
    assert instants[50] - instants[0] == pytest.approx(0.5)
    assert instants[-1] - instants[0] == pytest.approx(20)


async def test_a_bucket_never_exceeds_capacity_and_refill() -> None:
    clock = FakeClock()
    pace = BucketPace(2, 10, clock)
    instants = []
    for pause in (0, 1, 3, 0.3, 100, 2):
        clock.advance(pause)
        instants += await _run(pace, clock, 12)
    for span in (1, 2, 5, 20):
        assert _spread(instants, span) <= 10 + 2 * span


@pytest.mark.parametrize("make", [lambda clock: EvenPace(10, clock), lambda clock: BucketPace(10, 3, clock)])
async def test_pushing_back_also_holds_those_who_wait_already(make: Callable[[FakeClock], Any]) -> None:
    clock = FakeClock()
    pace = make(clock)
    instants: list[float] = []

    async def one(number: int) -> None:
        await pace.turn(Deadline(10_000, clock), "rows")
        instants.append(clock.monotonic() - 1000)
        if number == 4:
            pace.push_back(60)

    await asyncio.gather(*(one(number) for number in range(20)))
    late = instants[5:]
    pushed_at = instants[4]
    assert min(late) >= pushed_at + 60
    assert _spread(late, 1) <= 10, "no burst after the pause"


async def test_a_turn_that_comes_too_late_is_refused_at_once() -> None:
    clock = FakeClock()
    pace = EvenPace(0.1, clock)
    deadline = Deadline(5, clock)
    await pace.turn(deadline, "calls")
    with pytest.raises(DeadlineExceeded, match="calls"):
        await pace.turn(deadline, "calls")
    assert clock.seconds == 0


@pytest.mark.parametrize("make", [lambda: EvenPace(0), lambda: BucketPace(2, 0)])
def test_a_pace_without_room_is_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="request"):
        make()


# Clock and statuses


async def test_the_crms_clock_is_compared_with_ours() -> None:
    told = format_datetime(CUTOFF + timedelta(minutes=7), usegmt=True)
    line = Line(httpx.Response(200, json=[], headers={"date": told}))
    await line.read()
    assert line.http.skew == timedelta(minutes=7)


async def test_a_nonsense_date_is_no_clock() -> None:
    line = Line(httpx.Response(200, json=[], headers={"date": "yesterday"}))
    await line.read()
    assert line.http.skew is None


@pytest.mark.parametrize("status", [200, 201, 204])
def test_the_standard_judge_accepts_success(status: int) -> None:
    standard_judge(Answer(status, {}))


async def test_an_address_without_a_scheme_says_what_to_write() -> None:
    http = Http("crm.example", stats=ReadStats(), pace=EvenPace(10))
    with pytest.raises(CrmRefused, match="must begin with https"):
        await http.call("GET", "x", deadline=Deadline(5), what="users")
    await http.aclose()


def test_instants_of_the_fake_clock_are_aware() -> None:
    assert FakeClock(datetime(2026, 1, 1, tzinfo=UTC)).now().utcoffset() == timedelta(0)
