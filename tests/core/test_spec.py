"""The spec of a scan goes unchanged from the form to the engine and to the record, on every path of a scan."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, asdict, fields

import pytest

from pixel_agent.core import Job, Output, Priority, ScanSpec
from pixel_agent.schemas.scans import ScanFields
from pixel_agent.storage import scans
from pixel_agent.storage.tables import batches
from pixel_agent.storage.tables import scans as scans_table
from tests.serving import Served, serving

ASKED = ScanSpec("price_tag", "多少钱？", "en", True, {"today": "2026-11-22"}, "S1", Priority.BULK, "127.0.0.1")
"""Every field differs from its default: a new field must be given a value here, and then it is followed too."""
WAYS = {
    "at once": ("/v1/scans", {}),
    "later": ("/v1/scans", {"Prefer": "respond-async"}),
    "in a batch": ("/v1/batches", {}),
}


def test_every_field_is_followed() -> None:
    for field in fields(ScanSpec):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        assert getattr(ASKED, field.name) != default, f"give {field.name} a value in ASKED"


def test_every_field_has_its_column_and_its_name_on_the_wire() -> None:
    names = {field.name for field in fields(ScanSpec)}
    assert names <= set(scans_table.c.keys()) & set(batches.c.keys())
    assert names - {"client"} <= set(ScanFields.model_fields)


def form() -> dict[str, str]:
    values = {name: value for name, value in asdict(ASKED).items() if name != "client"}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def watch_jobs(served: Served) -> list[Job]:
    """The jobs that go to the engine from now on."""
    seen: list[Job] = []
    batcher, real = served.service.batcher, served.service.batcher.submit

    async def submit(job: Job, *listeners: Callable[[], object]) -> Output:
        seen.append(job)
        return await real(job, *listeners)

    batcher.submit = submit  # type: ignore[method-assign, assignment]
    return seen


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_asked_reaches_engine_and_record_unchanged(way: str, jpeg: bytes) -> None:
    path, headers = WAYS[way]
    async with serving({}) as served:
        jobs = watch_jobs(served)
        answer = await served.client.post(path, files={"photos": ("a.jpg", jpeg)}, data=form(), headers=headers)
        assert answer.status_code in (200, 202), answer.text
        if way == "in a batch":
            (shown,) = (await served.client.get("/v1/scans", params={"batch_id": answer.json()["batch_id"]})).json()[
                "scans"
            ]
        else:
            shown = answer.json()
        scan_id = shown["scan_id"]
        with served.store.notifier.listening(scan_id) as changed:
            while True:
                async with served.store.db.read() as conn:
                    record = await scans.get(conn, scan_id)
                assert record is not None
                if record.final:
                    break
                await changed(1.0)
    assert record.spec == ASKED
    assert [job.spec for job in jobs] == [ASKED]
