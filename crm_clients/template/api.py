"""Ask the Template API: `GET /api/v1/LIST?after=ID&limit=N`, a bearer token, at most ten requests a second."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx

from crm_clients.base import ReadStats
from crm_clients.errors import CrmNonsense, RightsMissing
from crm_clients.shared.answers import Answer, standard_judge
from crm_clients.shared.http import Http
from crm_clients.shared.pacing import Clock, Deadline, EvenPace
from crm_clients.shared.rows import typed_rows
from crm_clients.template.config import TemplateConfig
from crm_clients.template.rows import Account, Row

PAGE = 100
"""Most rows of a page."""
REQUESTS_PER_SECOND = 10
"""The documented limit of an account."""

R = TypeVar("R", bound=Row)


def judge(answer: Answer) -> None:
    """Accept an answer by returning; a 403 means a missing right."""
    if answer.status == 403:
        raise RightsMissing("the key may not read all records: use the key of an administrator")
    standard_judge(answer)


class TemplateApi:
    """Ask an account of Template."""

    def __init__(
        self,
        config: TemplateConfig,
        *,
        stats: ReadStats,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        token = config.token.get_secret_value()
        self._http = Http(
            config.base_url,
            stats=stats,
            pace=EvenPace(REQUESTS_PER_SECOND, clock),
            judge=judge,
            secrets=[token],
            headers={"Authorization": f"Bearer {token}"},
            clock=clock,
            transport=transport,
        )

    @property
    def skew(self) -> timedelta | None:
        """Tell how far the CRM's clock is ahead of ours."""
        return self._http.skew

    async def require_full_visibility(self, deadline: Deadline) -> None:
        """Check that the key sees every record. Raises RightsMissing: a part would be counted as the whole."""
        if not (await self.account(deadline)).is_admin:
            raise RightsMissing("the key sees a part of the records: use the key of an administrator")

    async def account(self, deadline: Deadline) -> Account:
        """Read the account that the key belongs to."""
        answer = await self._http.call("GET", "api/v1/me", deadline=deadline, what="the login")
        return typed_rows([answer], Account, "the login")[0]

    async def rows(
        self, name: str, row_type: type[R], deadline: Deadline, *, limit: int = PAGE, **filters: str
    ) -> AsyncIterator[R]:
        """Yield all rows of a list in the order of ids, so that no row is lost when others come or go."""
        last = 0
        while True:
            params = {"after": last, "limit": limit, **filters}
            answer = await self._http.call("GET", f"api/v1/{name}", params=params, deadline=deadline, what=name)
            page = typed_rows(_items(answer), row_type, name)
            if not page:
                return
            fresh = [row for row in page if row.id > last]
            if not fresh:
                raise CrmNonsense(f"{name}: a page comes again")
            last = max(row.id for row in fresh)
            for row in fresh:
                yield row

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()


def since(at: datetime) -> str:
    """Format an instant for a filter: UTC, whole seconds, rounded down."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _items(answer: Any) -> Any:
    return answer.get("items") if isinstance(answer, Mapping) else None
