"""Tests of the fields that the settings require by pipeline and stage (docs/product.md §19)."""

from __future__ import annotations

from crm_clients.shared.required_fields import RequiredFields

SETTING = {"*": ["source"], "5": ["budget"], "5/20": ["contract", "budget"], "5/30": ["act"], "6": ["phone"]}
STAGES = {"5": ["10", "20", "30"], "6": ["40"]}
REQUIRED = RequiredFields(SETTING, STAGES)


def test_fields_of_a_stage_are_required_from_that_stage_on_in_the_order_of_the_funnel() -> None:
    assert REQUIRED.required_at("5", "10") == ("source", "budget")
    assert REQUIRED.required_at("5", "20") == ("source", "budget", "contract")
    assert REQUIRED.required_at("5", "30") == ("source", "budget", "contract", "act")


def test_the_order_of_the_funnel_counts_and_not_the_order_of_the_ids() -> None:
    backwards = RequiredFields(SETTING, {"5": ["30", "20", "10"]})

    assert backwards.required_at("5", "30") == ("source", "budget", "act")
    assert backwards.required_at("5", "10") == ("source", "budget", "act", "contract")


def test_a_stage_that_the_order_lacks_needs_the_fields_of_the_pipeline_alone() -> None:
    assert REQUIRED.required_at("5", "99") == ("source", "budget")


def test_a_stage_of_another_pipeline_needs_no_fields_of_this_pipeline() -> None:
    assert REQUIRED.required_at("6", "20") == ("source", "phone")


def test_a_pipeline_without_an_entry_needs_the_fields_of_all_pipelines() -> None:
    assert REQUIRED.required_at("7", "10") == ("source",)


def test_all_names_are_listed_once() -> None:
    assert REQUIRED.names == ("source", "budget", "contract", "act", "phone")


def test_keys_of_no_pipeline_and_of_no_stage_are_unknown() -> None:
    strange = {"*": ["a"], "5": ["b"], "5/20": ["c"], "5/99": ["d"], "6/20": ["e"], "8": ["f"], "8/10": ["g"]}

    assert RequiredFields(strange, STAGES).unknown_keys == ["5/99", "6/20", "8", "8/10"]
