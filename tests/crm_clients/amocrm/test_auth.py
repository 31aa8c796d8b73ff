"""Token pairs whose refresh token works once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from crm_clients.amocrm.client import AmocrmClient
from crm_clients.amocrm.tokens import claims, expiry
from crm_clients.base import DictMemory
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, CrmUnavailable
from tests.crm_clients.amocrm.account_rows import User
from tests.crm_clients.amocrm.fake import FakeAmocrm, Fault, jwt
from tests.crm_clients.amocrm.team import CUTOFF, client_of, config, instant, oauth
from tests.crm_clients.amocrm.world import World
from tests.crm_clients.world import FakeClock

pytestmark = pytest.mark.usefixtures("no_backoff")


@pytest.fixture
def fake() -> FakeAmocrm:
    world = World()
    world.add_user(User(1, "Администратор", admin=True))
    return FakeAmocrm(world, token="", host="example.amocrm.ru")


class Recorder(DictMemory):
    """Remembers the order of what is kept, and may fail to keep it."""

    def __init__(self, values: dict[str, str] | None = None) -> None:
        super().__init__(dict(values or {}))
        self.kept: list[dict[str, Any]] = []
        self.broken = 0

    async def put(self, key: str, value: str) -> None:
        if self.broken:
            self.broken -= 1
            raise OSError("disk full")
        await asyncio.sleep(0)
        self.kept.append(json.loads(value))
        await super().put(key, value)


def stored(memory: DictMemory) -> dict[str, Any]:
    pair: dict[str, Any] = json.loads(memory.values["oauth"])
    return pair


async def test_the_settings_token_seeds_the_memory_and_is_used_once(fake: FakeAmocrm) -> None:
    memory = Recorder()
    client = client_of(fake, memory=memory, **oauth())
    assert len(await client.users()) == 1
    assert await client.users()
    assert fake.issued == 1
    assert stored(memory)["refresh"] == fake.refresh_token == "refresh-1"


async def test_a_restarted_process_goes_on_with_the_kept_pair(fake: FakeAmocrm) -> None:
    memory = Recorder()
    await client_of(fake, memory=memory, **oauth()).users()
    await client_of(fake, memory=memory, **oauth()).users()
    assert fake.issued == 1


async def test_a_pair_is_kept_before_it_is_used(fake: FakeAmocrm) -> None:
    memory = Recorder()
    used: list[str] = []

    async def watched(request: httpx.Request) -> httpx.Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token:
            assert memory.kept, "used before it was kept"
            assert memory.kept[-1]["access"] == token
            used.append(token)
        return await fake.handle(request)

    clock = FakeClock(instant(CUTOFF))
    fake.clock = lambda: clock.now().timestamp()
    client = AmocrmClient(config(**oauth()), memory, transport=httpx.MockTransport(watched), clock=clock)
    await client.users()
    assert len(set(used)) == 1


async def test_a_pair_that_could_not_be_kept_is_kept_before_anything_else(fake: FakeAmocrm) -> None:
    memory = Recorder()
    memory.broken = 1
    client = client_of(fake, memory=memory, **oauth())
    with pytest.raises(OSError, match="disk full"):
        await client.users()
    assert "oauth" not in memory.values
    assert await client.users()
    assert fake.issued == 1, "the lost attempt's pair is the one that is kept"


async def test_many_requests_at_once_renew_once(fake: FakeAmocrm) -> None:
    client = client_of(fake, memory=Recorder(), **oauth())
    await asyncio.gather(*(client.users() for _ in range(10)))
    fake.expire_access()
    await asyncio.gather(*(client.users() for _ in range(10)))
    assert fake.issued == 2


async def test_many_processes_renew_once(fake: FakeAmocrm) -> None:
    memory = Recorder()
    clients = [client_of(fake, memory=memory, **oauth()) for _ in range(5)]
    await asyncio.gather(*(client.users() for client in clients))
    assert fake.issued == 1
    fake.expire_access()
    await asyncio.gather(*(client.users() for client in clients))
    assert fake.issued == 2


async def test_a_pair_is_renewed_shortly_before_it_expires(fake: FakeAmocrm) -> None:
    memory = Recorder()
    await client_of(fake, memory=memory, **oauth()).users()
    await client_of(fake, CUTOFF + fake.access_seconds - 60, memory, **oauth()).users()
    assert fake.issued == 1
    await client_of(fake, CUTOFF + fake.access_seconds - 20, memory, **oauth()).users()
    assert fake.issued == 2


async def test_keys_are_renewed_ahead_of_the_cutoff_only_if_they_end_before_it_is_read(fake: FakeAmocrm) -> None:
    client = client_of(fake, memory=Recorder(), **oauth())
    await client.renew_keys(instant(CUTOFF + fake.access_seconds - 60))
    assert fake.issued == 1
    await client.renew_keys(instant(CUTOFF + fake.access_seconds + 60))
    assert fake.issued == 2
    assert await client.users()


async def test_a_token_that_is_still_valid_is_used_on_after_an_answer_lost_hours_before(fake: FakeAmocrm) -> None:
    fake.old_tokens_live = True
    memory = Recorder()
    client = client_of(fake, memory=memory, **oauth())
    await client.users()
    fake.lost_answer = True
    with pytest.raises(CrmRefused, match="connect again"):
        await client.renew_keys(instant(CUTOFF + fake.access_seconds + 60))
    assert await client.users()
    assert await client_of(fake, CUTOFF + 6 * 3600, memory, **oauth()).users()


async def test_a_long_lived_token_has_nothing_to_renew(fake: FakeAmocrm) -> None:
    fake.token = "long-lived"
    await client_of(fake).renew_keys(instant(CUTOFF + 90000))
    assert fake.issued == 0


async def test_a_token_that_is_refused_early_is_renewed_once_and_the_request_repeated(fake: FakeAmocrm) -> None:
    client = client_of(fake, memory=Recorder(), **oauth())
    await client.users()
    fake.expire_access()
    assert await client.users()
    assert fake.issued == 2


async def test_a_token_refused_again_right_after_renewal_is_given_up(fake: FakeAmocrm) -> None:
    fake.faults = [Fault("/api/v4/users", "401", frozenset())]
    with pytest.raises(CrmRefused, match="just renewed"):
        await client_of(fake, memory=Recorder(), **oauth()).users()
    assert fake.issued == 2


async def test_an_answer_lost_on_the_way_ends_in_words_that_say_what_to_do(fake: FakeAmocrm) -> None:
    """The server has issued a pair that nobody got: the old token is dead, and nothing can bring the new one back."""
    memory = Recorder()
    await client_of(fake, memory=memory, **oauth()).users()
    fake.expire_access()
    fake.lost_answer = True
    with pytest.raises(CrmRefused, match="connect again"):
        await client_of(fake, CUTOFF + 2, memory, **oauth()).users()


async def test_the_previous_token_is_tried_when_the_last_one_was_never_really_issued(fake: FakeAmocrm) -> None:
    memory = Recorder()
    await client_of(fake, memory=memory, **oauth()).users()
    pair = stored(memory)
    fake.refresh_token = pair["refresh"]
    broken = {**pair, "refresh": "never-issued", "previous": pair["refresh"], "expires_at": 0}
    await memory.put("oauth", json.dumps(broken))
    assert await client_of(fake, memory=memory, **oauth()).users()
    assert stored(memory)["refresh"] == fake.refresh_token


async def test_a_cancelled_read_does_not_lose_the_pair_that_is_on_its_way(fake: FakeAmocrm) -> None:
    memory = Recorder()
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        response = await fake.handle(request)
        if request.url.path == "/oauth2/access_token":
            arrived.set()
            await go_on.wait()
        return response

    clock = FakeClock(instant(CUTOFF))
    fake.clock = lambda: clock.now().timestamp()
    client = AmocrmClient(config(**oauth()), memory, transport=httpx.MockTransport(slow), clock=clock)
    reading = asyncio.create_task(client.users())
    await arrived.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    go_on.set()
    await client.aclose()
    assert stored(memory)["refresh"] == fake.refresh_token


async def test_a_new_refresh_token_in_the_settings_takes_over(fake: FakeAmocrm) -> None:
    memory = Recorder()
    await client_of(fake, memory=memory, **oauth()).users()
    fake.refresh_token = "after-connecting-again"
    fake.expire_access()
    assert await client_of(fake, memory=memory, **oauth(refresh_token="after-connecting-again")).users()
    assert stored(memory)["refresh"] == fake.refresh_token


async def test_a_dead_seed_falls_back_to_the_pair_that_still_lives(fake: FakeAmocrm) -> None:
    memory = Recorder()
    await client_of(fake, memory=memory, **oauth()).users()
    assert await client_of(fake, memory=memory, **oauth(refresh_token="mistyped")).users()


async def test_a_used_up_seed_without_memory_says_connect_again(fake: FakeAmocrm) -> None:
    with pytest.raises(CrmRefused, match="connect again"):
        await client_of(fake, memory=Recorder(), **oauth(refresh_token="used-up")).users()


async def test_a_wrong_secret_of_the_integration_is_named(fake: FakeAmocrm) -> None:
    with pytest.raises(CrmRefused, match="client_secret"):
        await client_of(fake, memory=Recorder(), **oauth(client_secret="mistyped")).users()


async def test_renewal_survives_faults_that_pass(fake: FakeAmocrm) -> None:
    fake.faults = [Fault("/oauth2/access_token", "503", frozenset({1, 2}))]
    assert await client_of(fake, memory=Recorder(), **oauth()).users()


async def test_renewal_that_cannot_be_reached_is_worth_another_attempt(fake: FakeAmocrm) -> None:
    memory = Recorder()
    fake.faults = [Fault("/oauth2/access_token", "503", frozenset())]
    with pytest.raises(CrmUnavailable):
        await client_of(fake, memory=memory, **oauth()).users()
    fake.faults.clear()
    assert await client_of(fake, memory=memory, **oauth()).users()


async def test_an_account_that_moved_is_found_by_its_refresh_token(fake: FakeAmocrm) -> None:
    memory = Recorder()
    await client_of(fake, memory=memory, **oauth()).users()
    fake.moved_to = "renamed.amocrm.ru"
    fake.expire_access()
    assert (
        await client_of(fake, memory=memory, **oauth()).users()
        == await client_of(fake, memory=memory, **oauth()).users()
    )
    assert stored(memory)["home"] == "https://renamed.amocrm.ru"


async def test_an_account_that_moved_while_the_token_lives_is_found_too(fake: FakeAmocrm) -> None:
    memory = Recorder()
    client = client_of(fake, memory=memory, **oauth())
    await client.users()
    fake.moved_to = "renamed.kommo.com"
    findings = await client.check({})
    assert any("amoCRM account" in finding.text for finding in findings)


async def test_a_token_is_never_sent_to_a_foreign_host(fake: FakeAmocrm) -> None:
    asked: set[str] = set()

    async def watched(request: httpx.Request) -> httpx.Response:
        asked.add(request.url.host)
        return await fake.handle(request)

    for domain in ("evil.example", "amocrm.ru.evil.example", "evil.example/amocrm.ru", "amocrm.ru@evil.example"):
        pair = {
            "access": jwt(api_domain=domain), "refresh": "refresh-0", "expires_at": 0.0, "previous": "",
            "seed": "0" * 16, "configured": "https://example.amocrm.ru", "home": "https://example.amocrm.ru",
        }  # fmt: skip
        memory = Recorder({"oauth": json.dumps(pair)})
        fake.faults = [Fault("/oauth2/access_token", "404", frozenset())]
        clock = FakeClock(instant(CUTOFF))
        client = AmocrmClient(config(**oauth()), memory, transport=httpx.MockTransport(watched), clock=clock)
        with pytest.raises(CrmError):
            await client.users()
    assert asked == {"example.amocrm.ru"}


async def test_kept_tokens_that_cannot_be_read_are_no_traceback(fake: FakeAmocrm) -> None:
    for spoilt in ("{", "[]", '{"access": 1}'):
        with pytest.raises(CrmNonsense, match="connect again"):
            await client_of(fake, memory=Recorder({"oauth": spoilt}), **oauth()).users()


async def test_a_long_lived_token_that_is_refused_says_make_a_new_one(fake: FakeAmocrm) -> None:
    with pytest.raises(CrmRefused, match="make a new one"):
        await client_of(fake, token="revoked").users()
    assert fake.issued == 0


async def test_no_token_is_ever_told(fake: FakeAmocrm) -> None:
    memory = Recorder()
    client = client_of(fake, memory=memory, **oauth())
    await client.users()
    secrets = [stored(memory)["access"], stored(memory)["refresh"], "client-secret", "seed-refresh"]
    honest = fake.handle

    async def chatty(request: httpx.Request) -> httpx.Response:
        await honest(request)
        told = f"{request.url} {request.headers} {(await request.aread()).decode()}"
        return httpx.Response(400, json={"hint": told, "detail": told})

    clock = FakeClock(instant(CUTOFF + 90000))
    talkative = AmocrmClient(config(**oauth()), memory, transport=httpx.MockTransport(chatty), clock=clock)
    with pytest.raises(CrmError) as caught:
        await talkative.users()
    told = f"{caught.value} {caught.value!r} {talkative!r} {config(**oauth())!r}"
    assert not [secret for secret in secrets if secret in told]


def test_claims_of_something_that_is_no_token_are_none() -> None:
    for text in ("", "a.b", "a.b.c", "a.e30.c", "a.W10.c", jwt(exp="soon")):
        assert claims(text) == {} or expiry(text) is None
    assert expiry(jwt(exp=CUTOFF)) == instant(CUTOFF)
