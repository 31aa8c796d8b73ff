"""Every CRM's folder has the same parts under the same names, so that who knows one client knows all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_clients import CRM_KINDS
from crm_clients.base import CrmClient, CrmConfig

FOLDER = Path(__file__).parents[2] / "crm_clients"
COMMON = {"shared", "__pycache__"}
FOLDERS = sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name not in COMMON)
MOST_FILES = 24

REQUIRED = {
    "config.py": "{Kind}Config",
    "client.py": "{Kind}Client",
    "read.py": "read_facts",
    "check.py": "check_connection",
    "recheck.py": "RecordLookup",
}
"""Part that every CRM has → what it defines."""

WHERE_THERE_IS = {
    "api.py": ("{Kind}Api",),
    "session.py": ("ReadSession",),
    "lists.py": ("ListReader", "ListQuery"),
    "deals.py": ("DealReader", "read_deals"),
    "tasks.py": ("TaskReader", "read_tasks"),
}
"""Part that some CRMs have → what it defines, one of these."""


def prefix(kind: str) -> str:
    """`Bitrix24` of `bitrix24`."""
    return kind.capitalize()


def modules(kind: str) -> dict[str, ast.Module]:
    return {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((FOLDER / kind).glob("*.py"))}


def defined(tree: ast.Module) -> Iterator[str]:
    """Public classes and functions."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name


def test_every_folder_is_a_kind_or_the_template() -> None:
    assert set(FOLDERS) == {*CRM_KINDS, "template"}


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("part", REQUIRED)
def test_every_crm_has_the_parts_that_all_have(kind: str, part: str) -> None:
    tree = modules(kind).get(part)
    assert tree is not None, f"{kind}/{part} is missing"
    assert REQUIRED[part].format(Kind=prefix(kind)) in defined(tree)


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("part", WHERE_THERE_IS)
def test_a_part_that_some_crms_have_defines_what_its_name_says(kind: str, part: str) -> None:
    parts = modules(kind)
    names = {name.format(Kind=prefix(kind)) for name in WHERE_THERE_IS[part]}
    if part in parts:
        assert names & set(defined(parts[part])), f"{kind}/{part} defines none of {sorted(names)}"
    else:
        assert not [name for name, tree in parts.items() if names & set(defined(tree))], f"{kind} has no {part}"


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_folder_is_small_and_no_file_of_it_is_empty(kind: str) -> None:
    parts = modules(kind)
    assert len(parts) - 1 <= MOST_FILES
    assert not [name for name, tree in parts.items() if name != "__init__.py" and not any(defined(tree))]


@pytest.mark.parametrize("kind", CRM_KINDS)
def test_a_kind_has_a_config_model_of_its_own_key_and_a_client_with_the_whole_protocol(kind: str) -> None:
    model = CRM_KINDS[kind].config_model()
    assert issubclass(model, CrmConfig)
    assert model.model_fields["kind"].default == kind
    assert model.__module__ == f"crm_clients.{kind}.config"
    client = next(node for node in modules(kind)["client.py"].body if _is_class(node, f"{prefix(kind)}Client"))
    assert isinstance(client, ast.ClassDef)
    promised = {name for name in vars(CrmClient) if not name.startswith("_")}
    methods = {node.name for node in client.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert promised <= methods


def _is_class(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == name
