"""One file per CRM, all alike: each states facts, none counts or judges.

`CRM_KINDS` is the table of what exists; a kind's module is imported when a connection of that kind is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_clients.base import ClientMemory, CrmClient, CrmConfig


@dataclass(frozen=True, slots=True)
class CrmKind:
    """Where the settings and the client of a kind of CRM live."""

    module: str
    config: str
    client: str
    title: str

    def config_model(self) -> type[CrmConfig]:
        """The model that checks a `[crm.…]` table of this kind."""
        model: type[CrmConfig] = getattr(import_module(self.module), self.config)
        return model

    def open(self, config: CrmConfig, memory: ClientMemory, **options: Any) -> CrmClient:
        """A client for one connection; close it with `aclose`."""
        client: CrmClient = getattr(import_module(self.module), self.client)(config, memory, **options)
        return client


CRM_KINDS: MappingProxyType[str, CrmKind] = MappingProxyType(
    {
        "bitrix24": CrmKind("crm_clients.bitrix24.client", "Bitrix24Config", "Bitrix24Client", "Bitrix24"),
        "amocrm": CrmKind("crm_clients.amocrm.client", "AmocrmConfig", "AmocrmClient", "amoCRM / Kommo"),
        "odoo": CrmKind("crm_clients.odoo.client", "OdooConfig", "OdooClient", "Odoo"),
        "demo": CrmKind("crm_clients.demo.client", "DemoConfig", "DemoClient", "Demo"),
    }
)
