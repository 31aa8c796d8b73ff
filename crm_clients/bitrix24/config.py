"""Define the settings of a Bitrix24 connection."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr, field_validator

from crm_clients.base import CrmConfig
from crm_clients.bitrix24.meeting_types import PRESETS, unknown_presets
from crm_clients.shared.addresses import keeps_secrets


class Bitrix24Config(CrmConfig):
    """Hold a `[crm.…]` table of kind `bitrix24`."""

    kind: Literal["bitrix24"] = "bitrix24"
    webhook_url: SecretStr
    """Address of the webhook, `https://example.bitrix24.ru/rest/1/secret/`: a secret, by which the CRM can be read."""
    plan: Literal["standard", "enterprise"] = "standard"
    loss_reason_field: str = ""
    """Field of a deal that holds the loss reason; `stageId` if the stage is the reason; empty if reasons are not kept.
    """

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
        if not keeps_secrets(value.get_secret_value().strip()):
            raise ValueError("webhook_url is a secret: write https:// (http:// only for this machine itself)")
        return SecretStr(f"{parts.scheme}://{parts.netloc}/{'/'.join(path)}/")

    @field_validator("meeting_types")
    @classmethod
    def _names_known_presets(cls, value: list[str]) -> list[str]:
        if strange := unknown_presets(value):
            raise ValueError(f"there is no preset {', '.join(strange)}: there are {PRESETS}")
        return value

    @property
    def field_names(self) -> list[str]:
        """List the fields that the settings name, as the settings spell each."""
        required = [name for names in self.required_fields.values() for name in names]
        return list(dict.fromkeys([*required, *filter(None, [self.loss_reason_field])]))

    @property
    def portal(self) -> str:
        """Give the portal's address, without secrets."""
        parts = urlsplit(self.webhook_url.get_secret_value())
        host = parts.netloc.rpartition("@")[2]
        before = parts.path.partition("/rest/")[0]
        return f"{parts.scheme}://{host}{before}"
