from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import pixel_agent.schemas
from pixel_agent.api.app import create_app
from pixel_agent.core import envelope
from pixel_agent.core.settings import Settings
from pixel_agent.service.service import build_service

ONCE = {"legacy_scan", "create_scan", "rerun_scan", "create_batch", "add_photos"}
"""Operations that take an Idempotency-Key."""
OTHER_FORM = {
    "legacy_scan": "LegacyError",
    "complete_chat": "ChatError",
    "list_models": "ChatError",
    "get_model": "ChatError",
}
"""Operations whose errors have a form of their own."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(build_service(Settings(engine="simulated"))).openapi()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in found}) == len(found)
    return {operation["operationId"]: operation for operation in found}


def headers(operation: dict[str, Any]) -> set[str]:
    return {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}


def schema(operation: dict[str, Any], status: str, kind: str = "application/json") -> dict[str, Any]:
    found: dict[str, Any] = operation["responses"][status]["content"][kind]["schema"]
    return found


def test_operations_are_called_by_words(operations: dict[str, Any]) -> None:
    assert {"create_scan", "list_scans", "get_scan", "create_batch", "stats"} <= operations.keys()
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in operations)


def test_a_package_that_is_named_after_the_title_has_an_ascii_name(document: dict[str, Any]) -> None:
    assert document["info"]["title"].isascii()


def test_classes_are_called_by_one_plain_word(document: dict[str, Any]) -> None:
    assert [name for name in document["components"]["schemas"] if not re.fullmatch(r"[A-Za-z]+", name)] == []


def test_no_two_wire_types_have_one_name() -> None:
    names = [kind.__name__ for kind in wire_types(BaseModel)]
    assert len(names) > 60
    assert sorted(names) == sorted(set(names))


def wire_types(root: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in root.__subclasses__():
        if kind.__module__.startswith(pixel_agent.schemas.__name__) or kind.__module__ == envelope.__name__:
            yield kind
        yield from wire_types(kind)


def test_lists_and_numbers_are_answered_as_objects(operations: dict[str, Any]) -> None:
    assert schema(operations["list_scans"], "200") == {"$ref": "#/components/schemas/ScanPage"}
    assert schema(operations["stats"], "200") == {"$ref": "#/components/schemas/Stats"}


def test_what_may_be_sent_again_names_its_key(operations: dict[str, Any]) -> None:
    assert {name for name, operation in operations.items() if "Idempotency-Key" in headers(operation)} == ONCE


def test_a_scan_may_be_answered_later(operations: dict[str, Any]) -> None:
    scan = operations["create_scan"]
    assert "Prefer" in headers(scan)
    assert {"$ref": "#/components/schemas/ScanRecordOut"} in schema(scan, "202")["anyOf"]


def test_every_operation_names_the_form_of_its_errors(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        kind, model = "application/problem+json", "Problem"
        if name in OTHER_FORM:
            kind, model = "application/json", OTHER_FORM[name]
        errors = [status for status in operation["responses"] if status[0] in "d45"]
        assert "default" in errors, name
        for status in errors:
            assert operation["responses"][status]["content"].keys() == {kind}, (name, status)
            assert schema(operation, status, kind) == {"$ref": f"#/components/schemas/{model}"}, (name, status)


def test_a_wrong_request_is_400_and_not_the_frameworks_422(
    document: dict[str, Any], operations: dict[str, Any]
) -> None:
    asked = {name for name, one in operations.items() if one.get("parameters") or one.get("requestBody")}
    assert {name for name in asked if "400" not in operations[name]["responses"]} == set()
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_answer_with_a_body_names_its_type(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        for status, answer in operation["responses"].items():
            assert status in ("204", "304") or answer["content"], (name, status)
