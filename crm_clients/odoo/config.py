"""Describe the settings of an Odoo connection."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from crm_clients.base import CrmConfig


class OdooConfig(CrmConfig):
    """Check a `[crm.…]` table of kind `odoo` (docs/crm/odoo.md)."""

    kind: Literal["odoo"] = "odoo"
    url: str = Field(pattern=r"^https?://[^/\s@?#]+(/[^\s?#]*)?$")
    database: str = Field(min_length=1)
    login: str = Field(min_length=1)
    api_key: SecretStr = Field(min_length=1)
    protocol: Literal["auto", "json2", "jsonrpc"] = "auto"
    """JSON-2 (19 and later), JSON-RPC (before), or whichever the server answers."""

    @field_validator("url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")
