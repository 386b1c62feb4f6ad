"""Declares the fields of a model's answer once, and makes both the JSON Schema and the prompt of a task from them.

Schemas are strict: only the named fields, all of them required, null if unreadable. They use only keywords that
constrained decoders support: type, enum, properties, required, additionalProperties, items and the length limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from pixel_agent.core import Lang

TEXT: Mapping[str, JsonValue] = {"type": ["string", "null"]}
NUMBER: Mapping[str, JsonValue] = {"type": ["number", "null"]}
COUNT: Mapping[str, JsonValue] = {"type": ["integer", "null"]}
FLAG: Mapping[str, JsonValue] = {"type": ["boolean", "null"]}
BOX: Mapping[str, JsonValue] = {
    "anyOf": [{"type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4}, {"type": "null"}]
}
"""Left, top, right, bottom in thousandths (0-1000) of the photo's sides, as the Qwen3-VL family of models writes."""

_RULES: Mapping[Lang, str] = {
    "zh": (
        "要求：只写看得见的内容；文字和数字照原样抄写，不翻译、不补全、不猜测；看不清或没有的填 null；"
        "bbox_2d 是 [左, 上, 右, 下]，取 0–1000 的相对坐标；不要写合计、比率或日期推算。"
        "只输出一个 JSON 对象，不要其他文字，格式如下（尖括号内是说明）："
    ),
    "en": (
        "Rules: state only what is visible; copy text and numbers exactly as printed, never translate, complete or "
        "guess; use null for what is unreadable or absent; bbox_2d is [left, top, right, bottom] in relative "
        "coordinates 0-1000; never give totals, rates or date arithmetic. "
        "Output one JSON object and nothing else, in this form (angle brackets explain):"
    ),
}
_BOX_LAYOUT = "[x0, y0, x1, y1]"


def choice(*values: str) -> Mapping[str, JsonValue]:
    """The schema of a field that is one of these words, or null."""
    return {"type": ["string", "null"], "enum": [*values, None]}


@dataclass(frozen=True, slots=True)
class Field:
    """One value of the answer, explained in both languages."""

    name: str
    schema: Mapping[str, JsonValue]
    zh: str
    en: str

    def layout(self, lang: Lang) -> str:
        """The field as written in the prompt's pattern of the answer."""
        words = self.schema.get("enum")
        about = self.zh if lang == "zh" else self.en
        if isinstance(words, list):
            about = f"{about}: {' | '.join(str(word) for word in words if word is not None)}"
        return f'"{self.name}": <{about}>'


@dataclass(frozen=True, slots=True)
class Rows:
    """A list of rows in the answer; `boxed` rows have `bbox_2d`. The prompt asks for at most `limit` rows."""

    name: str
    fields: tuple[Field, ...]
    limit: int = 60
    boxed: bool = True

    @property
    def schema(self) -> dict[str, JsonValue]:
        """JSON Schema of the list."""
        properties: dict[str, JsonValue] = {field.name: dict(field.schema) for field in self.fields}
        if self.boxed:
            properties["bbox_2d"] = dict(BOX)
        return {"type": "array", "maxItems": self.limit, "items": _strict(properties)}

    def layout(self, lang: Lang) -> str:
        """The list as written in the prompt's pattern of the answer."""
        parts = [field.layout(lang) for field in self.fields]
        if self.boxed:
            parts.append(f'"bbox_2d": {_BOX_LAYOUT}')
        return f'"{self.name}": [{{{", ".join(parts)}}}, …]'


@dataclass(frozen=True, slots=True)
class Form:
    """All fields of a model's answer for one task."""

    parts: tuple[Field | Rows, ...] = ()

    @property
    def schema(self) -> dict[str, JsonValue]:
        """JSON Schema (draft 2020-12) of the whole answer."""
        return _strict({part.name: dict(part.schema) for part in self.parts})

    def prompt(self, instruction: str, lang: Lang) -> str:
        """The prompt: the task's instruction, the rules of every task, and the pattern of the answer."""
        pattern = ", ".join(part.layout(lang) for part in self.parts)
        return f"{instruction}\n{_RULES[lang]}\n{{{pattern}}}"


def _strict(properties: dict[str, JsonValue]) -> dict[str, JsonValue]:
    required: list[JsonValue] = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
