"""Describe the settings of a connection to Template."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from crm_clients.base import CrmConfig


class TemplateConfig(CrmConfig):
    """Check a `[crm.…]` table of kind `template`."""

    kind: Literal["template"] = "template"
    base_url: str = Field(pattern=r"^https?://[^/\s@?#]+/?$")
    """Address of the account, such as `https://example.template.example`."""
    token: SecretStr = Field(min_length=1)
    """Key of an administrator."""

    @field_validator("base_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")
