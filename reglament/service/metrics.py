"""Serve Prometheus metrics about runs and deliveries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

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

    def serve(self, listen: str) -> Callable[[], None]:
        """Answer on host:port until the returned function is called. Raises OSError if the address is taken."""
        host, _, port = listen.rpartition(":")
        server, thread = start_http_server(int(port), addr=host or "127.0.0.1", registry=self._registry)

        def close() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return close

    async def refresh(self, db: Database, teams: tuple[str, ...]) -> None:
        """Set the gauges from the tables."""
        async with db.reading() as session:
            counts = await deliveries.count_by_state(session)
            last = {team: await runs.last_finished(session, team) for team in teams}
        self._pending.set(counts.get(DeliveryState.PENDING, 0))
        self._failed.set(counts.get(DeliveryState.FAILED, 0))
        for team, run in last.items():
            instant: datetime | None = run.window.cutoff if run else None
            self._last.labels(team).set(instant.timestamp() if instant else 0)
