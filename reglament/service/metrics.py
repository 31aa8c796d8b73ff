"""Serve Prometheus metrics about runs and deliveries."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from reglament.service.http_server import serving
from storage.days import runs
from storage.db.database import Database
from storage.messages import deliveries
from storage.values import DeliveryState


class Metrics:
    """Hold gauges that are read from the tables, and counters of this process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._pending = Gauge("reglament_deliveries_pending", "Messages that wait", registry=self._registry)
        self._failed = Gauge("reglament_deliveries_failed", "Messages that will not arrive", registry=self._registry)
        self._last = Gauge(
            "reglament_last_run_timestamp_seconds", "Cutoff of the last finished run", ["team"], registry=self._registry
        )
        self.days = Counter("reglament_days_finished", "Days finished by this process", registry=self._registry)
        self.sent = Counter("reglament_deliveries_handled", "Messages handled by this process", registry=self._registry)

    def serve(self, listen: str) -> AbstractAsyncContextManager[int]:
        """Answer on host:port inside the block. Raises CannotListen."""
        return serving(self._answer, listen)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405)
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def refresh(self, db: Database, teams: tuple[str, ...]) -> None:
        """Set the gauges from the tables."""
        async with db.reading() as session:
            counts = await deliveries.count_by_state(session)
            last = await runs.last_cutoffs(session)
        self._pending.set(counts.get(DeliveryState.PENDING, 0))
        self._failed.set(counts.get(DeliveryState.FAILED, 0))
        for team in teams:
            self._last.labels(team).set(last[team].timestamp() if team in last else 0)
