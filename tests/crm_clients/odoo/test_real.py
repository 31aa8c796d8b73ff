"""The Odoo client against a real server, beside an independent count in SQL: `make test-odoo`.

ODOO_URL, ODOO_DATABASE, ODOO_LOGIN, ODOO_API_KEY name the server, ODOO_DSN its PostgreSQL database.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import psycopg
import pytest

from crm_clients.base import DictMemory, ReadRequest, Severity
from crm_clients.odoo.client import OdooClient
from crm_clients.odoo.config import OdooConfig
from scoring.kpis import CATALOGUE, Capability, KpiSettings
from scoring.snapshot import Manager, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window

pytestmark = pytest.mark.odoo
DSN = "postgresql://odoo:odoo@127.0.0.1:54329/crm19"
OPEN = "type = 'opportunity' AND active AND won_status = 'pending'"
CLOSED = "type = 'opportunity' AND date_closed >= %(start)s AND date_closed < %(end)s"
COUNTS = {
    "deals_open": f"SELECT user_id, count(*) FROM crm_lead WHERE {OPEN} GROUP BY 1",
    "deals_won": f"SELECT user_id, count(*) FROM crm_lead WHERE won_status = 'won' AND active AND {CLOSED} GROUP BY 1",
    "won_amount": "SELECT user_id, sum(expected_revenue) FROM crm_lead"
    f" WHERE won_status = 'won' AND active AND {CLOSED} GROUP BY 1",
    "deals_lost": f"SELECT user_id, count(*) FROM crm_lead WHERE won_status = 'lost' AND {CLOSED} GROUP BY 1",
    "lost_without_reason": "SELECT user_id, count(*) FROM crm_lead"
    f" WHERE won_status = 'lost' AND lost_reason_id IS NULL AND {CLOSED} GROUP BY 1",
    "overdue_tasks": "SELECT user_id, count(*) FROM mail_activity"
    " WHERE active AND date_deadline < %(today)s GROUP BY 1",
    "deals_without_task": f"SELECT user_id, count(*) FROM crm_lead l WHERE {OPEN} AND NOT EXISTS (SELECT 1 FROM"
    " mail_activity a WHERE a.active AND a.res_model = 'crm.lead' AND a.res_id = l.id) GROUP BY 1",
    "companies_added": "SELECT create_uid, count(*) FROM res_partner"
    " WHERE is_company AND active AND create_date >= %(start)s AND create_date < %(end)s GROUP BY 1",
    "meetings_held": "SELECT u.id, count(*) FROM mail_message m JOIN mail_activity_type t ON"
    " t.id = m.mail_activity_type_id JOIN res_users u ON u.partner_id = m.author_id"
    " WHERE t.category = 'meeting' AND m.date >= %(start)s AND m.date < %(end)s GROUP BY 1",
}


def _counted(window: Window) -> dict[str, dict[str, Decimal]]:
    """Every KPI by user, counted by somebody else."""
    values = {
        "start": window.start.replace(tzinfo=None),
        "end": window.cutoff.replace(tzinfo=None),
        "today": window.cutoff.date(),
    }
    with psycopg.connect(os.environ.get("ODOO_DSN", DSN)) as connection:
        return {
            key: {str(user): Decimal(str(number)) for user, number in connection.execute(query, values).fetchall()}
            for key, query in COUNTS.items()
        }


@pytest.mark.parametrize("protocol", ["json2", "jsonrpc"])
async def test_every_kpi_of_everybody_is_what_sql_counts(protocol):
    config = OdooConfig(
        kind="odoo",
        url=os.environ["ODOO_URL"],
        database=os.environ["ODOO_DATABASE"],
        login=os.environ["ODOO_LOGIN"],
        api_key=os.environ["ODOO_API_KEY"],
        protocol=protocol,
    )
    client = OdooClient(config, DictMemory())
    try:
        now = datetime.now(UTC)
        window = Window(now - timedelta(days=400), now)
        people = {user.id: Manager(user.id, user.name) for user in await client.users() if user.active and user.human}
        sheet = TallySheet(people, window, ZoneInfo("UTC"), tuple(CATALOGUE), KpiSettings(grace_minutes=0))
        tally = Tally(sheet, client.capabilities, client.link)
        async for fact in client.read(ReadRequest(window, frozenset(CATALOGUE), frozenset(people))):
            tally.add(fact)
        expected = _counted(window)
        for snapshot in tally.snapshots():
            for key, by_user in expected.items():
                assert client.capabilities[key] is not Capability.UNAVAILABLE
                reading = snapshot.readings[key]
                assert isinstance(reading, Value), (snapshot.manager, key, reading)
                assert _total(reading.number) == by_user.get(snapshot.manager.crm_user, 0), (snapshot.manager, key)
        findings = await client.check({user: manager.name for user, manager in people.items()})
        assert [item for item in findings if item.severity is Severity.ERROR and item.subject != "visibility"] == []
    finally:
        await client.aclose()


def _total(number: int | Mapping[str, Decimal]) -> Decimal:
    return Decimal(number) if isinstance(number, int) else sum(number.values(), Decimal(0))
