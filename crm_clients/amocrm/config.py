"""Define the settings of an amoCRM or Kommo connection."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from crm_clients.base import CrmConfig


class AmocrmConfig(CrmConfig):
    """Hold the settings of a connection: address, key and pace (`docs/crm/amocrm.md`)."""

    kind: Literal["amocrm"] = "amocrm"
    base_url: str
    token: SecretStr | None = None
    """Long-lived token; excludes the four OAuth settings below."""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    redirect_uri: str = ""
    refresh_token: SecretStr = SecretStr("")
    requests_per_second: float = Field(default=6.8, gt=0, le=50)

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value if "://" in value else f"https://{value}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError('base_url must be the address of the account, such as "https://example.amocrm.ru"')
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        oauth = {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "redirect_uri": self.redirect_uri,
            "refresh_token": self.refresh_token.get_secret_value(),
        }
        given = [name for name, value in oauth.items() if value]
        if self.long_lived_token and given:
            raise ValueError(f"give either token or {', '.join(given)}, not both")
        if not self.long_lived_token and not given:
            raise ValueError("give token (long-lived), or client_id, client_secret, redirect_uri and refresh_token")
        missing = [name for name, value in oauth.items() if not value]
        if given and missing:
            raise ValueError(f"{', '.join(missing)} is missing beside {', '.join(given)}")
        return self

    @property
    def long_lived_token(self) -> str:
        """Return the long-lived token; empty if the connection uses OAuth."""
        return self.token.get_secret_value() if self.token is not None else ""
