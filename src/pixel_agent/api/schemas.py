"""JSON Schemas as they stand inside the description of the service."""

from __future__ import annotations

from typing import cast

from pydantic import BaseModel


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
