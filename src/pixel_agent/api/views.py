"""Conversion from tasks and scans to the wire types of the API."""

from __future__ import annotations

from collections.abc import Mapping

from pixel_agent.core import Lang, Plan, Scan, Task
from pixel_agent.core.envelope import Envelope
from pixel_agent.schemas.scans import LegacyAnswer
from pixel_agent.schemas.tasks import ColumnOut, TaskOut
from pixel_agent.tasks.columns import columns_of
from pixel_agent.tasks.options import option_schemas
from pixel_agent.tasks.reading import result_text
from pixel_agent.tasks.wording import VALUES, field_name


def task_out(task: Task, plan: Plan, lang: Lang) -> TaskOut:
    """A task of the catalogue, and how well the engine in use supports it."""
    return TaskOut(
        id=task.id,
        zh=task.zh,
        en=task.en,
        name=task.name(lang),
        about=task.about_zh if lang == "zh" else task.about_en,
        support=plan.support.value,
        missing=[capability.value for capability in plan.missing],
        photos=task.photos,
        needs_question=task.needs_question,
        options=dict(task.options),
        option_schema=option_schemas(task),
        pixel_budget=plan.pixel_budget,
        uses_codes=plan.uses_codes,
        columns=[_column(field) for field in columns_of(task)],
        row_schema=dict(task.schema),
    )


def legacy_answer(scan: Scan) -> LegacyAnswer:
    """The answer of `POST /scan`."""
    return LegacyAnswer(status="success", result=result_text(scan), scan=Envelope.of(scan))


def server_timing(timings: Mapping[str, float]) -> str:
    """The value of the `Server-Timing` header: `photo;dur=12.3, engine;dur=125.0`."""
    return ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in timings.items())


def _column(field: str) -> ColumnOut:
    words = dict(VALUES.get(field, {}))
    return ColumnOut(field=field, zh=field_name(field, "zh"), en=field_name(field, "en"), words=words)
