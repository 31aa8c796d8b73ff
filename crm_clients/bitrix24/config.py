"""Settings of a Bitrix24 connection."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from crm_clients.base import CrmConfig


class Bitrix24Config(CrmConfig):
    """A `[crm.…]` table of kind `bitrix24`."""

    kind: Literal["bitrix24"] = "bitrix24"
    webhook_url: SecretStr
    """`https://example.bitrix24.ru/rest/1/secret/`: whoever knows it may read the CRM."""
    plan: Literal["standard", "enterprise"] = "standard"
    loss_reason_field: str = ""
    """The deal's field that says why it was lost; `stageId` if the stage says it; empty: nobody says."""
    read_timeout_seconds: float = Field(default=300, gt=0)

    @field_validator("webhook_url")
    @classmethod
    def _is_a_webhook(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value().strip())
        path = [part for part in parts.path.split("/") if part]
        if parts.scheme not in ("http", "https") or not parts.hostname or len(path) < 3 or path[-3] != "rest":
            raise ValueError(
                "webhook_url must be the address of an incoming webhook: "
                "https://PORTAL/rest/USER/CODE/ (in Bitrix24: Developer resources, Other, Inbound webhook)"
            )
        return SecretStr(f"{parts.scheme}://{parts.netloc}/{'/'.join(path)}/")

    @property
    def portal(self) -> str:
        """The portal's address, without anything secret."""
        parts = urlsplit(self.webhook_url.get_secret_value())
        host = parts.netloc.rpartition("@")[2]
        before = parts.path.partition("/rest/")[0]
        return f"{parts.scheme}://{host}{before}"
