"""What stands in several places of the service's description: errors, and JSON Schemas as parts of a body."""

from __future__ import annotations

from typing import cast

from pydantic import BaseModel

from pixel_agent.core.envelope import Problem


def problems(*states: int) -> dict[int | str, dict[str, object]]:
    """The errors that a route answers with, by status."""
    return {state: {"model": Problem, "content": {"application/problem+json": {}}} for state in states}


def inlined(model: type[BaseModel]) -> dict[str, dict[str, object]]:
    """A model's JSON Schema without references, which would point nowhere inside a request body."""
    schema = model.model_json_schema(ref_template="{model}")
    parts = schema.pop("$defs", {})
    parts["JsonValue"] = {}  # anything, to any depth

    def resolve(node: object) -> object:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve({**parts[node["$ref"]], **{k: v for k, v in node.items() if k != "$ref"}})
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(value) for value in node] if isinstance(node, list) else node

    return cast("dict[str, dict[str, object]]", resolve(schema))
