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
    """Name the config model and the client of a kind of CRM."""

    config: str
    """Import path of the config model, `module:Class`."""
    client: str
    """Import path of the client, `module:Class`."""
    title: str
    """The name that people know the CRM by."""

    def config_model(self) -> type[CrmConfig]:
        """Load the model that checks a `[crm.…]` table of this kind."""
        model: type[CrmConfig] = _load(self.config)
        return model

    def open(self, config: CrmConfig, memory: ClientMemory, **options: Any) -> CrmClient:
        """Open a client for a connection; the caller closes the client with `aclose`."""
        client: CrmClient = _load(self.client)(config, memory, **options)
        return client


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


CRM_KINDS: MappingProxyType[str, CrmKind] = MappingProxyType(
    {
        "bitrix24": CrmKind(
            "crm_clients.bitrix24.config:Bitrix24Config", "crm_clients.bitrix24.client:Bitrix24Client", "Bitrix24"
        ),
        "amocrm": CrmKind(
            "crm_clients.amocrm.config:AmocrmConfig", "crm_clients.amocrm.client:AmocrmClient", "amoCRM / Kommo"
        ),
        "odoo": CrmKind("crm_clients.odoo.config:OdooConfig", "crm_clients.odoo.client:OdooClient", "Odoo"),
        "demo": CrmKind("crm_clients.demo.config:DemoConfig", "crm_clients.demo.client:DemoClient", "Demo"),
    }
)
