"""The rows of amoCRM's lists, as its documentation describes them."""

from __future__ import annotations

from tests.crm_clients.amocrm.account_rows import Company, Event, Lead, Note, Row, Task
from tests.crm_clients.amocrm.world import World


def lead_row(world: World, lead: Lead, *, with_reason: bool) -> Row:
    pipeline, status = lead.stage.last
    due = [world.tasks[task].due.last for task in world.open_tasks.get(lead.id, ())]
    values = [
        {"field_id": int(name) if name.isdigit() else 77002, "field_name": name, "field_type": "text",
         "field_code": None if name.isdigit() else name, "values": [{"value": value}]}
        for name, value in lead.fields.last.items() if value not in (None, "")
    ]  # fmt: skip
    row: Row = {
        "id": lead.id, "name": lead.name, "price": lead.price.last, "responsible_user_id": lead.owner.last,
        "group_id": 0, "status_id": status, "pipeline_id": pipeline, "loss_reason_id": lead.reason.last,
        "created_by": lead.created_by, "updated_by": 0, "created_at": lead.created_at,
        "updated_at": lead.updated_at, "closed_at": lead.closed_at, "closest_task_at": min(due, default=None),
        "is_deleted": False, "custom_fields_values": values or None, "score": None, "account_id": 321,
        "labor_cost": None, "_links": {"self": {"href": f"https://example.amocrm.ru/api/v4/leads/{lead.id}"}},
        "_embedded": {"tags": [], "companies": []},
    }  # fmt: skip
    if with_reason:
        reason = lead.reason.last
        names = world.loss_reasons
        row["_embedded"]["loss_reason"] = [] if reason is None else [{"id": reason, "name": names.get(reason, "?")}]
    return row


def task_row(task: Task) -> Row:
    return {
        "id": task.id, "created_by": task.created_by, "updated_by": 0, "created_at": task.created_at,
        "updated_at": task.updated_at, "responsible_user_id": task.owner.last, "group_id": 0,
        "entity_id": task.entity_id, "entity_type": task.entity_type, "duration": 0,
        "is_completed": task.done.last, "task_type_id": task.type_id, "text": task.text,
        "result": {"text": "Готово"} if task.done.last else [], "complete_till": task.due.last, "account_id": 321,
    }  # fmt: skip


def company_row(company: Company) -> Row:
    return {
        "id": company.id, "name": company.name, "responsible_user_id": company.owner.last, "group_id": 0,
        "is_deleted": False, "created_by": company.created_by, "updated_by": 0, "created_at": company.created_at,
        "updated_at": company.updated_at, "closest_task_at": None, "custom_fields_values": None, "account_id": 321,
    }  # fmt: skip


def note_row(note: Note) -> Row:
    return {
        "id": note.id, "entity_id": note.entity_id, "created_by": note.created_by, "updated_by": note.created_by,
        "created_at": note.created_at, "updated_at": note.updated_at, "responsible_user_id": note.responsible,
        "group_id": 0, "note_type": note.type, "params": note.params, "account_id": 321,
    }  # fmt: skip


def event_row(event: Event) -> Row:
    return {
        "id": event.id, "type": event.type, "entity_id": event.entity_id, "entity_type": event.entity_type,
        "created_by": event.created_by, "created_at": event.created_at, "value_after": event.after,
        "value_before": event.before, "account_id": 321,
    }  # fmt: skip
