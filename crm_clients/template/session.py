"""Hold the parts that a read of an account of Template shares."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TypeVar

from crm_clients.base import ReadRequest
from crm_clients.shared.pacing import Deadline
from crm_clients.template.api import TemplateApi, since
from crm_clients.template.config import TemplateConfig
from crm_clients.template.rows import Row

R = TypeVar("R", bound=Row)


class ReadSession:
    """Hold the request, the settings and the deadline of a read."""

    def __init__(self, api: TemplateApi, config: TemplateConfig, request: ReadRequest, deadline: Deadline) -> None:
        self.api = api
        self.config, self.request, self.deadline = config, request, deadline
        self.start, self.cutoff = request.since, request.window.cutoff

    def rows(self, name: str, row_type: type[R], start: datetime) -> AsyncIterator[R]:
        """Yield the rows of a list that matter since an instant; which instant of a row counts, the API documents."""
        return self.api.rows(name, row_type, self.deadline, since=since(start))
