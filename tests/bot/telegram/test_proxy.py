"""The way to Telegram through a proxy, tried through proxies on loopback (docs/product.md §8)."""

from __future__ import annotations

import datetime
import logging
import ssl

import certifi
import pytest
from aiogram.exceptions import TelegramNetworkError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bot.telegram.probe import bot_name
from bot.telegram.session import make_bot, refused, trouble
from bot.telegram.trouble import TelegramTrouble
from reglament.config import logs, settings
from reglament.errors import SettingsError
from tests.bot.botapi import TOKEN, BotApi
from tests.bot.telegram.proxies import PASSWORD, USER, Proxy, http, running, socks5

TELEGRAM = "http://api.telegram.invalid"
"""An address that only the proxy can look up."""
QUOTED = "a%40secret%20word"
GREETINGS = {"socks5": socks5, "http": http}


@pytest.mark.parametrize("scheme", GREETINGS)
async def test_messages_go_through_the_proxy_and_names_are_looked_up_there(scheme):
    async with BotApi() as api, running(Proxy(api.port), GREETINGS[scheme]) as proxy:
        api.user(1, started=True)
        bot = make_bot(TOKEN, TELEGRAM, f"{scheme}://{USER}:{QUOTED}@127.0.0.1:{proxy.port}")
        async with bot:
            await bot.send_message(1, "text")
    assert api.chat(1).texts == ["text"]
    assert proxy.asked == ["api.telegram.invalid:80"]


@pytest.mark.parametrize("scheme", GREETINGS)
async def test_a_proxy_without_a_password_needs_none(scheme):
    async with BotApi() as api, running(Proxy(api.port, is_guarded=False), GREETINGS[scheme]) as proxy:
        assert await bot_name(TOKEN, TELEGRAM, f"{scheme}://127.0.0.1:{proxy.port}") == "reglament_bot"


@pytest.mark.parametrize("scheme", GREETINGS)
async def test_a_proxy_that_refuses_is_named_without_its_password_and_nothing_went_out(scheme, caplog):
    async with BotApi() as api, running(Proxy(api.port), GREETINGS[scheme]) as proxy:
        address = f"{scheme}://{USER}:wrong-secret@127.0.0.1:{proxy.port}"
        async with make_bot(TOKEN, TELEGRAM, address) as bot:
            with pytest.raises(TelegramNetworkError) as failure:
                await bot.get_me()
        with pytest.raises(TelegramTrouble, match=r"telegram\.proxy") as told:
            await bot_name(TOKEN, TELEGRAM, address)
    assert proxy.refused == 2
    assert refused(failure.value)
    assert not api.calls
    for text in (str(failure.value), repr(failure.value.__cause__), trouble(failure.value), str(told.value)):
        assert "secret" not in text
    assert "secret" not in caplog.text


async def test_a_proxy_that_is_not_there_is_a_certain_failure():
    async with running(Proxy(0), http) as gone:
        port = gone.port
    async with make_bot(TOKEN, TELEGRAM, f"socks5://127.0.0.1:{port}") as bot:
        with pytest.raises(TelegramNetworkError) as failure:
            await bot.get_me()
    assert refused(failure.value)


async def test_the_way_to_an_https_proxy_is_encrypted_and_verified(tmp_path, monkeypatch):
    context = _certified(tmp_path)
    async with BotApi() as api, running(Proxy(api.port), http, context) as proxy:
        address = f"https://{USER}:{QUOTED}@localhost:{proxy.port}"
        async with make_bot(TOKEN, TELEGRAM, address) as bot:
            with pytest.raises(TelegramNetworkError):
                await bot.get_me()
        monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "authority.pem"))
        async with make_bot(TOKEN, TELEGRAM, address) as bot:
            assert (await bot.get_me()).username == "reglament_bot"
    assert proxy.asked == ["api.telegram.invalid:80"]


def _certified(folder) -> ssl.SSLContext:
    """A context of a server `localhost` with a certificate of its own."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(certificate)
    (folder / "both.pem").write_bytes(private + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


# The setting


@pytest.mark.parametrize(
    "address",
    [
        "socks5://127.0.0.1:1080",
        "http://clerk:a%40secret@proxy.example:3128",
        "https://clerk:word@proxy.example:443/",
        "socks5://[::1]:1080",
        "",
    ],
)
def test_an_address_of_a_proxy_is_taken(address):
    assert settings.build({"telegram": {"proxy": address}}).telegram.proxy.get_secret_value() == address


@pytest.mark.parametrize(
    "address",
    [
        "socks4://clerk:hush@127.0.0.1:1080",
        "clerk:hush@127.0.0.1:1080",
        "socks5://clerk:hush@127.0.0.1",
        "http://clerk:hush@proxy.example:3128/path",
        "http://clerk:hush@proxy.example:port",
        "http://clerk:hush@:3128",
        "http://clerk:hush@proxy.example:99999",
        "http://hush proxy:1",
        "http://clerk:hush@proxy.example:3128?a=b",
        "tg://proxy?server=hush&port=443",
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused_without_showing_it(address):
    with pytest.raises(SettingsError, match=r"telegram\.proxy: must be an address like \"socks5://") as error:
        settings.build({"telegram": {"proxy": address}})
    assert "hush" not in str(error.value)


def test_the_password_of_a_proxy_may_come_from_a_file_and_never_reaches_a_log(tmp_path):
    address = f"socks5://{USER}:{QUOTED}@127.0.0.1:1080"
    (tmp_path / "proxy").write_text(address + "\n")
    loaded = settings.build({"telegram": {"proxy_file": str(tmp_path / "proxy")}})
    assert loaded.telegram.proxy.get_secret_value() == address
    assert {address, QUOTED, PASSWORD} <= logs.secrets_of(loaded)
    logs.configure(logs.secrets_of(loaded))
    try:
        assert logs.redacted(f"via {address} with {PASSWORD}") == "via *** with ***"
    finally:
        logging.getLogger().handlers.clear()
    assert QUOTED not in repr(loaded)
