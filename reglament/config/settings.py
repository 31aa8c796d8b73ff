"""config.toml and REGLAMENT_* environment → checked settings (docs/configuration.md).

The environment wins over the file. Every secret may come from a file (`token_file`). A bad setting is one line that
names key, value and what is allowed; the value of a secret is never shown.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from crm_clients import CRM_KINDS
from crm_clients.base import CrmConfig
from reglament.config.team import Section, TeamSettings, read_secret_files
from reglament.errors import SettingsError

KEY = re.compile(r"^[a-z][a-z0-9_]{0,23}$")
SECRETS = frozenset(
    {"token", "webhook_url", "webhook_secret", "api_key", "client_secret", "refresh_token", "secret_key", "url"}
)
"""Settings whose value no error text shows (`url` may hold a password)."""


class DatabaseSettings(Section):
    """Where everything is kept."""

    url: str = "sqlite:///reglament.db"

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return url


class TelegramSettings(Section):
    """The bot."""

    token: SecretStr = SecretStr("")
    api_url: str = "https://api.telegram.org"
    mode: Literal["polling", "webhook"] = "polling"
    webhook_url: str = ""
    webhook_secret: SecretStr = SecretStr("")
    listen: str = "127.0.0.1:8080"
    admins: list[int] = []

    @field_validator("api_url")
    @classmethod
    def _http(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with https:// (or http:// for a server of your own)")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _webhook_is_complete(self) -> TelegramSettings:
        if self.mode == "webhook" and not (self.webhook_url and self.webhook_secret.get_secret_value()):
            raise ValueError('mode = "webhook" needs webhook_url and webhook_secret')
        return self


class Settings(BaseSettings):
    """All settings of one installation."""

    model_config = SettingsConfigDict(
        env_prefix="REGLAMENT_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    language: Literal["ru", "en"] = "ru"
    company: str = ""
    evidence_retention_days: int = Field(default=365, ge=31)
    catch_up_days: int = Field(default=10, ge=0, le=60)
    secret_key: SecretStr = SecretStr("")
    """Encrypts what clients must remember; empty: a key file beside the SQLite database."""
    metrics_listen: str = ""
    """host:port for Prometheus; empty: none."""
    database: DatabaseSettings = DatabaseSettings()
    telegram: TelegramSettings = TelegramSettings()
    crm: dict[str, CrmConfig] = {}
    teams: dict[str, TeamSettings] = {}

    def teams_of(self, connection: str) -> dict[str, TeamSettings]:
        """The teams that are read from a connection, in the settings' order."""
        return {key: team for key, team in self.teams.items() if team.crm == connection}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file (handed in as arguments); nothing else."""
        return (_Environment(settings_cls), init_settings)

    @field_validator("crm", mode="before")
    @classmethod
    def _connections(cls, value: Any) -> Any:
        return {key: _connection(key, table) for key, table in value.items()} if isinstance(value, dict) else value

    @field_validator("crm", "teams")
    @classmethod
    def _keys_are_identities(cls, tables: dict[str, Any]) -> dict[str, Any]:
        for key in tables:
            if not KEY.match(key) or "__" in key:
                raise ValueError(f"{key!r}: a key is at most 24 of a-z, 0-9 and single _, and begins with a letter")
        return tables

    @model_validator(mode="after")
    def _teams_fit_together(self) -> Settings:
        listed: dict[tuple[str, str], str] = {}
        for key, team in self.teams.items():
            if team.crm not in self.crm:
                known = ", ".join(sorted(self.crm)) or "none yet"
                raise ValueError(f"teams.{key}.crm = {team.crm!r}: no such connection; known: {known}")
            for user in team.members.users:
                other = listed.setdefault((team.crm, user), key)
                if other != key:
                    raise ValueError(f"teams.{key}.members: user {user} is already listed in teams.{other}")
        return self


class _Environment(EnvSettingsSource):
    """REGLAMENT_TEAMS__SALES__CUTOFF=…; lists and tables as JSON."""

    def __call__(self) -> dict[str, Any]:
        """The environment as nested tables; REGLAMENT_CONFIG names the file and is no setting."""
        tables: dict[str, Any] = {}
        for name, text in os.environ.items():
            if not name.startswith("REGLAMENT_") or name in ("REGLAMENT_CONFIG", "REGLAMENT_TEST_POSTGRES"):
                continue
            *path, last = name.removeprefix("REGLAMENT_").lower().split("__")
            table = tables
            for key in path:
                table = table.setdefault(key, {})
            table[last] = _plain(text)
        return tables


def _plain(text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text


def _connection(key: str, table: Any) -> Any:
    """Check a `[crm.KEY]` table with the model of its kind."""
    if isinstance(table, CrmConfig):
        return table
    if not isinstance(table, dict):
        raise ValueError(f"crm.{key} must be a table")  # pydantic wants ValueError
    kind = table.get("kind", "")
    if kind not in CRM_KINDS:
        raise ValueError(f"crm.{key}.kind = {kind!r}: unknown CRM kind; allowed: {', '.join(CRM_KINDS)}")
    model = CRM_KINDS[kind].config_model()
    try:
        return model.model_validate(read_secret_files(model, table))
    except ValidationError as error:
        raise ValueError(_first_problem(error, table, ("crm", key))) from None


def config_path(option: Path | None = None) -> Path:
    """The file to read: the option, REGLAMENT_CONFIG, or ./config.toml."""
    return option or Path(os.environ.get("REGLAMENT_CONFIG", "config.toml"))


def load(path: Path) -> Settings:
    """Read and check the settings. Raises SettingsError with one line."""
    return build(_read(path), source=path.name)


def build(tables: Mapping[str, Any], *, source: str = "settings") -> Settings:
    """Check settings that are already tables."""
    try:
        return Settings(**tables)
    except ValidationError as error:
        raise SettingsError(f"{source}: {_first_problem(error, tables)}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; copy config.example.toml there or name one with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"{path}: cannot be read: {reason}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _first_problem(error: ValidationError, tables: Mapping[str, Any], prefix: tuple[str, ...] = ()) -> str:
    """`teams.sales.cutoff = "25:00": must be …`: the first problem, the value unless it is secret."""
    problem = error.errors(include_url=False, include_context=False)[0]
    names = [str(part) for part in (*prefix, *problem["loc"]) if part != "[key]"]
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        text = "no such setting"
    elif problem["type"] == "missing":
        text = "is required"
    where = ".".join(names)
    if text.startswith(("crm.", "teams.")) or not where:
        return text
    shown = _shown(names, problem, tables, len(prefix))
    return f"{where}{shown}: {text}"


def _shown(names: list[str], problem: Any, tables: Mapping[str, Any], skip: int) -> str:
    if problem["type"] == "missing" or any(name in SECRETS for name in names[-2:]):
        return ""
    value: Any = tables
    for name in names[skip:]:
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return ""
    if isinstance(value, (dict, list)):
        return ""
    return f" = {json.dumps(value, ensure_ascii=False, default=str)}"
