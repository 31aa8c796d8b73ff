"""Load and check the settings from config.toml and the REGLAMENT_… environment (config.example.toml).

The environment wins over the file. Every secret may come from a file (`token_file`). A bad setting is an error of a
single line with key, value and the allowed values; the value of a secret is never shown.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from crm_clients import CRM_KINDS
from crm_clients.base import CrmConfig
from crm_clients.shared.addresses import keeps_secrets
from reglament.config.environment import NestedEnvironment
from reglament.config.problems import first_problem, one_line, quoted, refuse_strange_tables
from reglament.config.proxy import is_proxy
from reglament.config.secret_strength import webhook_secret_problem
from reglament.config.section import PersonId, Section, Title, read_secret_files
from reglament.config.sources import secret_files
from reglament.config.team import TeamSettings
from reglament.errors import SettingsError
from scoring.rules import Rulebook

KEY = re.compile(r"^[a-z][a-z0-9_]{0,23}$")
HTTPS = "must begin with https:// (http:// only for this machine itself)"


class DatabaseSettings(Section):
    """Read `[database]`: the address of the database, and of the server itself behind a pooler."""

    url: str = "sqlite:///reglament.db"
    direct_url: str = ""
    """Address of the PostgreSQL server itself, for the engine of `run`; empty: no pooler stands before the server."""

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return url

    @model_validator(mode="after")
    def _direct_is_postgresql(self) -> DatabaseSettings:
        if self.direct_url and not (self.direct_url.startswith("postgresql://") and self.url.startswith("postgresql:")):
            raise ValueError("direct_url must begin with postgresql:// and goes with a url of PostgreSQL")
        return self

    @property
    def engine_url(self) -> str:
        """Return the address for what needs a connection of its own."""
        return self.direct_url or self.url


class TelegramSettings(Section):
    """Read `[telegram]`: token, way of receiving updates, admins."""

    token: SecretStr = SecretStr("")
    api_url: str = "https://api.telegram.org"
    mode: Literal["polling", "webhook"] = "polling"
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    listen: str = "127.0.0.1:8080"
    admins: list[PersonId] = []
    name: str = Field(default="", max_length=64)
    """Name of the bot; empty: the name given to @BotFather stays."""
    protect_content: bool = True
    """Lists of deals can be neither forwarded nor saved."""
    proxy: SecretStr = SecretStr("")
    """Address of the proxy before Telegram, perhaps with user and password; empty: none."""

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: SecretStr) -> SecretStr:
        if (address := value.get_secret_value().strip()) and not is_proxy(address):
            raise ValueError('must be an address like "socks5://user:password@host:1080"; also http:// and https://')
        return SecretStr(address)

    @field_validator("api_url")
    @classmethod
    def _http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// (or http:// for a server of your own)")
        return url.rstrip("/")

    @field_validator("webhook_url")
    @classmethod
    def _safe(cls, url: str) -> str:
        if url and not keeps_secrets(url):
            raise ValueError(HTTPS)
        return url

    @field_validator("webhook_secret")
    @classmethod
    def _strong(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and (problem := webhook_secret_problem(value.get_secret_value())):
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _webhook_is_complete(self) -> TelegramSettings:
        if self.mode == "webhook" and not (self.webhook_url and self.webhook_secret.get_secret_value()):
            raise ValueError('mode = "webhook" needs webhook_url and webhook_secret')
        return self


class WatchSettings(Section):
    """Read `[watch]`: a dead-man's switch that is pinged at every cutoff."""

    url: SecretStr = SecretStr("")

    @field_validator("url")
    @classmethod
    def _safe(cls, value: SecretStr) -> SecretStr:
        return _without_eavesdroppers(value)


class AnchorSettings(Section):
    """Read `[anchor]`: a file on another disk and an address that take the digest of each day."""

    file: str = ""
    url: SecretStr = SecretStr("")

    @field_validator("url")
    @classmethod
    def _safe(cls, value: SecretStr) -> SecretStr:
        return _without_eavesdroppers(value)


def _without_eavesdroppers(value: SecretStr) -> SecretStr:
    """Take an address whose requests nobody on the way can read."""
    text = value.get_secret_value().strip()
    if text and not keeps_secrets(text):
        raise ValueError(HTTPS)
    return SecretStr(text)


class Settings(BaseSettings):
    """Hold all settings of an installation."""

    model_config = SettingsConfigDict(
        env_prefix="REGLAMENT_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    language: Literal["ru", "en"] = "ru"
    company: Title = ""
    evidence_retention_days: int = Field(default=365, ge=31, le=36_500)
    catch_up_days: int = Field(default=10, ge=0, le=60)
    secret_key: SecretStr = SecretStr("")
    """Key that encrypts the memory of CRM clients; empty: a key file beside the SQLite database."""
    metrics_listen: str = ""
    """Address host:port for Prometheus; empty: no metrics."""
    database: DatabaseSettings = DatabaseSettings()
    telegram: TelegramSettings = TelegramSettings()
    watch: WatchSettings = WatchSettings()
    anchor: AnchorSettings = AnchorSettings()
    crm: dict[str, CrmConfig] = {}
    teams: dict[str, TeamSettings] = {}
    _sources: tuple[Path, ...] = PrivateAttr(default=())

    @property
    def sources(self) -> tuple[Path, ...]:
        """Return the files that the settings were read from: config.toml and the files of secrets."""
        return self._sources

    def teams_of(self, connection: str) -> dict[str, TeamSettings]:
        """Return the teams that are read from a connection, in the settings' order."""
        return {key: team for key, team in self.teams.items() if team.crm == connection}

    def rulebook(self, team: str) -> Rulebook:
        """Convert the settings of a team and of its connection to the team's rulebook."""
        table = self.teams[team]
        return table.rulebook(self.crm[table.crm].counting)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the tables of the file, which come as arguments."""
        return (NestedEnvironment(settings_cls), init_settings)

    @model_validator(mode="before")
    @classmethod
    def _secret_files(cls, data: Any) -> Any:
        return read_secret_files(cls, data) if isinstance(data, dict) else data

    @field_validator("crm", mode="before")
    @classmethod
    def _connections(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: _check_connection(key, table) for key, table in value.items()}

    @field_validator("crm", "teams")
    @classmethod
    def _keys_are_identities(cls, tables: dict[str, Any]) -> dict[str, Any]:
        for key in tables:
            if not KEY.fullmatch(key) or "__" in key:
                raise ValueError(
                    f"{quoted(key)}: a key is at most 24 of a-z, 0-9 and single _, and begins with a letter"
                )
        return tables

    @model_validator(mode="after")
    def _teams_fit_together(self) -> Settings:
        listed: dict[tuple[str, str], str] = {}
        for key, team in self.teams.items():
            if team.crm not in self.crm:
                known = ", ".join(sorted(self.crm)) or "none yet"
                raise ValueError(f"teams.{key}.crm = {quoted(team.crm)}: no such connection; known: {known}")
            for user in team.members.users:
                other = listed.setdefault((team.crm, user), key)
                if other != key:
                    raise ValueError(f"teams.{key}.members: user {user} is already listed in teams.{other}")
        return self


def _check_connection(key: str, table: Any) -> Any:
    """Check a `[crm.KEY]` table with the model of the CRM's kind."""
    if isinstance(table, CrmConfig):
        return table
    if not isinstance(table, dict):
        raise ValueError(f"crm.{key} must be a table")  # pydantic wants ValueError
    kind = table.get("kind", "")
    if not isinstance(kind, str) or kind not in CRM_KINDS:
        raise ValueError(f"crm.{key}.kind = {quoted(kind)}: unknown CRM kind; allowed: {', '.join(CRM_KINDS)}")
    model = CRM_KINDS[kind].config_model()
    try:
        return model.model_validate(read_secret_files(model, table))
    except ValidationError as error:
        raise ValueError(first_problem(error, table, ("crm", key))) from None


def config_path(option: Path | None = None) -> Path:
    """Return the file to read: the option, REGLAMENT_CONFIG, or ./config.toml."""
    return option or Path(os.environ.get("REGLAMENT_CONFIG", "config.toml"))


def load(path: Path) -> Settings:
    """Read and check the settings of a file. Raises SettingsError."""
    tables = _read(path)
    settings = build(tables, source=path.name)
    settings._sources = (path, *secret_files(tables), *secret_files(NestedEnvironment(Settings)()))
    return settings


def build(tables: Mapping[str, Any], *, source: str = "settings") -> Settings:
    """Check settings that are already tables. Raises SettingsError."""
    refuse_strange_tables(tables, source)
    private = next((key for key in tables if key.startswith("_")), None)  # pydantic-settings takes these for options
    if private is not None:
        raise SettingsError(one_line(f"{source}: {private}: no such setting"))
    try:
        return Settings(**tables)
    except ValidationError as error:
        raise SettingsError(f"{source}: {first_problem(error, tables)}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; copy config.example.toml there or name one with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"{path}: cannot be read: {reason}") from None
    except RecursionError:
        raise SettingsError(f"{path}: not valid TOML: brackets nested without end") from None
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise SettingsError(f"{path}: not valid TOML: {one_line(str(error))}") from None
