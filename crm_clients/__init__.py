"""Read CRMs: a folder per kind of CRM, all alike; a client states facts and never counts or judges.

`CRM_KINDS` lists the kinds; the modules of a kind are imported when a connection of that kind is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from crm_clients.base import ClientMemory, CrmClient, CrmConfig


@dataclass(frozen=True, slots=True)
class CrmKind:
    """Name a kind of CRM; the folder and the classes follow from the key.

    `acme` means `AcmeConfig` in `crm_clients/acme/config.py` and `AcmeClient` in `crm_clients/acme/client.py`.
    """

    key: str
    """The `kind` in the settings."""
    title: str
    """The name that people know the CRM by."""

    def config_model(self) -> type[CrmConfig]:
        """Load the model that checks a `[crm.…]` table of this kind."""
        model: type[CrmConfig] = self._load("config")
        return model

    def open(self, config: CrmConfig, memory: ClientMemory, **options: Any) -> CrmClient:
        """Open a client for a connection; the caller closes the client with `aclose`."""
        client: CrmClient = self._load("client")(config, memory, **options)
        return client

    def _load(self, part: str) -> Any:
        module = import_module(f"crm_clients.{self.key}.{part}")
        return getattr(module, f"{self.key.capitalize()}{part.capitalize()}")


_KINDS = (
    CrmKind("bitrix24", "Bitrix24"),
    CrmKind("amocrm", "amoCRM / Kommo"),
    CrmKind("odoo", "Odoo"),
    CrmKind("demo", "Demo"),
)

CRM_KINDS: MappingProxyType[str, CrmKind] = MappingProxyType({kind.key: kind for kind in _KINDS})
